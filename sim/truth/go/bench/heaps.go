package main

import (
	"math/rand/v2"
	"unsafe"
)

// A heap is made of documents: trees or chains whose objects were allocated one after the other, as
// a parser, a decoder or a cache entry does it. The documents themselves are found in random order.
type heap struct {
	name     string
	alloc    func() unsafe.Pointer
	slot     int // bytes of an object's slot
	words    int // pointer words of an object
	links    int // of them not nil
	chain    bool
	leaf     func() unsafe.Pointer // what the first link leads to in place of another object
	leafSlot int
}

const (
	heapBytes = 96 * mib
	document  = 512 // objects
)

// counts are the steps of marking a heap. Of the objects, so many lie apart from those that are marked
// just before: they are found at random.
type counts struct {
	objects, noscan, pointers, spans, apart int
}

const spanBytes = 8192 // of nearly all size classes here

// build allocates the heap; the roots keep it alive.
func (h heap) build() ([]unsafe.Pointer, counts) {
	random := rand.New(rand.NewPCG(1, 2))
	documents := heapBytes / (document * (h.slot + h.leafSlot))
	roots, c := make([]unsafe.Pointer, documents), counts{pointers: documents}
	nodes := make([]unsafe.Pointer, document)
	for d := range roots {
		for i := range nodes {
			nodes[i] = h.alloc()
			if h.leaf != nil {
				word(nodes[i], h.words-1, h.leaf())
				c.noscan++
				c.pointers++
			}
		}
		for i, n := range nodes {
			c.pointers += h.link(n, i, nodes, random)
		}
		roots[d] = nodes[0]
	}
	c.objects = documents * document
	c.spans = (c.objects*h.slot + c.noscan*h.leafSlot) / spanBytes
	c.apart = documents
	random.Shuffle(len(roots), func(i, j int) { roots[i], roots[j] = roots[j], roots[i] })
	return roots, c
}

// link sets the pointers of the i-th object of a document: structure first, then cross references.
func (h heap) link(n unsafe.Pointer, i int, nodes []unsafe.Pointer, random *rand.Rand) int {
	set, free := 0, h.links
	if h.leaf != nil {
		free--
	}
	for _, child := range []int{2*i + 1, 2*i + 2} {
		if h.chain {
			child = i + 1
		}
		if set < free && child < len(nodes) {
			word(n, set, nodes[child])
			set++
		}
		if h.chain {
			return set
		}
	}
	for ; set < free && h.links > 2; set++ {
		word(n, set, nodes[random.IntN(len(nodes))])
	}
	return set
}

// word sets a pointer word of an object.
func word(object unsafe.Pointer, i int, to unsafe.Pointer) {
	*(*unsafe.Pointer)(unsafe.Add(object, 8*i)) = to
}

func object[T any]() unsafe.Pointer { return unsafe.Pointer(new(T)) }

type (
	p2  = [2]unsafe.Pointer
	p4  = [4]unsafe.Pointer
	p8  = [8]unsafe.Pointer
	p32 = [32]unsafe.Pointer

	node[P any, B any] struct {
		pointers P
		body     B
	}
)

func heaps() []heap {
	return []heap{
		{name: "chain-64", alloc: object[node[p2, [48]byte]], slot: 64, words: 2, links: 1, chain: true},
		{name: "tree-32", alloc: object[node[p2, [16]byte]], slot: 32, words: 2, links: 2},
		{name: "tree-64", alloc: object[node[p2, [48]byte]], slot: 64, words: 2, links: 2},
		{name: "tree-256", alloc: object[node[p2, [240]byte]], slot: 256, words: 2, links: 2},
		{name: "graph-48", alloc: object[node[p4, [16]byte]], slot: 48, words: 4, links: 4},
		{name: "graph-64", alloc: object[p8], slot: 64, words: 8, links: 8},
		{name: "graph-256", alloc: object[p32], slot: 256, words: 32, links: 32},
		{
			name: "strings-48", alloc: object[node[p4, [16]byte]], slot: 48, words: 4, links: 3,
			leaf: object[[48]byte], leafSlot: 48,
		},
		{
			name: "buffers-64", alloc: object[node[p4, [32]byte]], slot: 64, words: 4, links: 3,
			leaf: object[[1024]byte], leafSlot: 1024,
		},
		{name: "tree-1152", alloc: object[node[p2, [1008]byte]], slot: 1152, words: 2, links: 2},
		{name: "table-1152", alloc: object[[128]unsafe.Pointer], slot: 1152, words: 128, links: 64},
		{name: "graph-1152", alloc: object[[128]unsafe.Pointer], slot: 1152, words: 128, links: 128},
		{name: "graph-640", alloc: object[[72]unsafe.Pointer], slot: 640, words: 72, links: 32},
	}
}

// scattered is a chain of objects in random order: every step misses the caches.
func scattered() []*node[p2, [48]byte] {
	all := make([]*node[p2, [48]byte], heapBytes/2/64)
	for i := range all {
		all[i] = new(node[p2, [48]byte])
	}
	shuffle(all)
	for i := range all[1:] {
		all[i].pointers[0] = unsafe.Pointer(all[i+1])
	}
	return all[:1]
}

func shuffle[T any](all []T) {
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
}
