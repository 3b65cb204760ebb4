package main

import (
	"math/rand/v2"
	"unsafe"
)

// A mixture is a heap of documents of objects of six sizes with four pointers each, which have leaves
// of other sizes: every document lies in many spans, as in programs.
type mixture struct {
	name      string
	bytes     int
	document  int  // objects
	shuffled  bool // the documents are found in random order
	scattered bool // their objects lie anywhere
	leaves    leafSizes
}

func mixtures() []mixture {
	return []mixture{
		{name: "documents", bytes: heapBytes, document: document, shuffled: true, leaves: someLeaves},
		{name: "entries", bytes: heapBytes, document: 16, leaves: someLeaves},
		{name: "entries-shuffled", bytes: heapBytes, document: 16, shuffled: true, leaves: someLeaves},
		{name: "entries-half", bytes: heapBytes / 2, document: 16, shuffled: true, leaves: someLeaves},
		{name: "entries-quarter", bytes: heapBytes / 4, document: 16, shuffled: true, leaves: someLeaves},
		{name: "entries-small", bytes: heapBytes / 8, document: 16, shuffled: true, leaves: someLeaves},
		{name: "scattered", bytes: heapBytes, document: 16, shuffled: true, scattered: true, leaves: someLeaves},
		{name: "scattered-half", bytes: heapBytes / 2, document: 16, shuffled: true, scattered: true, leaves: someLeaves},
		{name: "scattered-quarter", bytes: heapBytes / 4, document: 16, shuffled: true, scattered: true, leaves: someLeaves},
		{name: "scattered-small", bytes: heapBytes / 8, document: 16, shuffled: true, scattered: true, leaves: someLeaves},
		{name: "scattered-pairs", bytes: heapBytes, document: 1, shuffled: true, scattered: true, leaves: someLeaves},
		{name: "small-leaves", bytes: heapBytes, document: 16, shuffled: true, leaves: smallLeaves},
		{name: "large-leaves", bytes: heapBytes, document: 16, shuffled: true, leaves: largeLeaves},
		{name: "scattered-small-leaves", bytes: heapBytes, document: 16, shuffled: true, scattered: true, leaves: smallLeaves},
		{name: "scattered-large-leaves", bytes: heapBytes, document: 16, shuffled: true, scattered: true, leaves: largeLeaves},
	}
}

var (
	branches = []func() unsafe.Pointer{
		object[p4], object[node[p4, [16]byte]], object[node[p4, [32]byte]],
		object[node[p4, [48]byte]], object[node[p4, [64]byte]], object[node[p4, [80]byte]],
	}
	someLeaves = leafSizes{
		leaf[[16]byte](), leaf[[24]byte](), leaf[[32]byte](), leaf[[48]byte](), leaf[[64]byte](),
		leaf[[96]byte](), leaf[[128]byte](), leaf[[192]byte](), leaf[[256]byte](),
		leaf[[384]byte](), leaf[[512]byte](), leaf[[768]byte](), leaf[[1024]byte](),
	}
	smallLeaves = leafSizes{
		leaf[[128]byte](), leaf[[192]byte](), leaf[[256]byte](), leaf[[384]byte](), leaf[[512]byte](),
	}
	largeLeaves = leafSizes{
		leaf[[640]byte](), leaf[[1024]byte](), leaf[[1536]byte](), leaf[[2048]byte](),
	}
)

// leafSize is an object without pointers of a size class.
type leafSize struct {
	slot  int
	alloc func() unsafe.Pointer
}

type leafSizes []leafSize

func leaf[T any]() leafSize {
	var zero T
	return leafSize{int(unsafe.Sizeof(zero)), object[T]}
}

const (
	branchSlot = 72 // bytes, the mean
	links      = 4
	leavesEach = 2
)

// build allocates the heap; the roots keep it alive.
func (m mixture) build() ([]unsafe.Pointer, counts) {
	random := rand.New(rand.NewPCG(1, 2))
	n := m.bytes / m.document / (branchSlot + leavesEach*m.leaves.mean()) * m.document
	nodes, all := make([]unsafe.Pointer, n), make([]unsafe.Pointer, leavesEach*n)
	nbytes := n * branchSlot
	for i := range nodes {
		nodes[i] = branches[random.IntN(len(branches))]()
		for k := range leavesEach {
			size := m.leaves[random.IntN(len(m.leaves))]
			all[leavesEach*i+k] = size.alloc()
			nbytes += size.slot
		}
	}
	if m.scattered {
		shuffle(nodes)
		shuffle(all)
	}
	roots := make([]unsafe.Pointer, 0, n/m.document)
	for d := 0; d < n; d += m.document {
		m.link(nodes[d:d+m.document], all[leavesEach*d:], random)
		roots = append(roots, nodes[d])
	}
	if m.shuffled {
		shuffle(roots)
	}
	return roots, counts{
		objects: n, noscan: leavesEach * n, pointers: links*n + len(roots),
		spans: nbytes / spanBytes, apart: m.apart(n, len(roots)),
	}
}

func (all leafSizes) mean() (bytes int) {
	for _, size := range all {
		bytes += size.slot
	}
	return bytes / len(all)
}

// link makes a document of nodes that have leaves.
func (m mixture) link(nodes, leaves []unsafe.Pointer, random *rand.Rand) {
	for i, n := range nodes {
		for leaf := range leavesEach {
			word(n, links-1-leaf, leaves[leavesEach*i+leaf])
		}
		for set := range links - leavesEach {
			child := 2*i + 1 + set
			if child >= len(nodes) {
				child = random.IntN(len(nodes))
			}
			word(n, set, nodes[child])
		}
	}
}

// apart counts the objects that are the first of a size in a document that is found at random; all of
// them where they are scattered.
func (m mixture) apart(n, documents int) int {
	switch {
	case m.scattered:
		return n + leavesEach*n
	case m.shuffled:
		return documents * min(len(branches)+len(m.leaves), m.document*(1+leavesEach))
	}
	return 0
}
