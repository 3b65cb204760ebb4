package main

import "unsafe"

// queue keeps entries in order in nodes of its own: marking finds an entry by those before it.
type queue interface {
	append(entry unsafe.Pointer, size float64)
	dropFirst() (size float64)
	count() int
	nodeBytes() int
}

// newQueue makes one, or nil where a table leads to the entries.
func newQueue(structure string) queue {
	switch structure {
	case "list":
		return new(list)
	case "tree":
		return &tree{random: newRandom()}
	}
	return nil
}

type list struct {
	first, last *listNode
	nodes       int
}

type listNode struct {
	next  *listNode
	entry unsafe.Pointer
	size  float64
}

func (l *list) append(entry unsafe.Pointer, size float64) {
	n := &listNode{entry: entry, size: size}
	if l.first == nil {
		l.first = n
	} else {
		l.last.next = n
	}
	l.last = n
	l.nodes++
}

func (l *list) dropFirst() float64 {
	n := l.first
	l.first = n.next
	l.nodes--
	return n.size
}

func (l *list) count() int { return l.nodes }

func (l *list) nodeBytes() int { return int(unsafe.Sizeof(listNode{})) }

// tree is a treap: binary, in the order in which entries came, and a heap in random priorities, so that
// it is about as deep as a tree to which they came in random order.
type tree struct {
	root   *treeNode
	nodes  int
	random random
}

type treeNode struct {
	left, right *treeNode
	entry       unsafe.Pointer
	size        float32
	priority    uint32
}

func (t *tree) append(entry unsafe.Pointer, size float64) {
	n := &treeNode{entry: entry, size: float32(size), priority: uint32(t.random.next() >> 32)}
	at := &t.root
	for *at != nil && (*at).priority >= n.priority {
		at = &(*at).right
	}
	n.left, *at = *at, n
	t.nodes++
}

func (t *tree) dropFirst() float64 {
	at := &t.root
	for (*at).left != nil {
		at = &(*at).left
	}
	n := *at
	*at = n.right
	t.nodes--
	return float64(n.size)
}

func (t *tree) count() int { return t.nodes }

func (t *tree) nodeBytes() int { return int(unsafe.Sizeof(treeNode{})) }
