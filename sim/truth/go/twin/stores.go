package main

import (
	"math"
	"sync"
	"time"
	"unsafe"
)

// store keeps entries: roots of objects that die together, with their sizes.
type store struct {
	mu          sync.Mutex
	of          *mix
	capacity    float64
	replacement string
	entries     []unsafe.Pointer
	sizes       []float32
	first       int // oldest entry, where the oldest is dropped
	queue       queue // of the entries, instead, where they are no table
	used        float64
	random      random
}

const (
	bigFamily   = 512 // objects; of a store that drops the oldest, or nothing
	smallFamily = 16  // where roots die one by one
	generations = 16  // of a family: so many of its objects wait for a parent
)

func (s *store) familySize() int {
	if s.replacement == "random" {
		return smallFamily
	}
	return bigFamily
}

func (s *store) insert(p unsafe.Pointer, size float64) {
	s.mu.Lock()
	if s.queue != nil {
		s.queue.append(p, size)
	} else {
		s.entries, s.sizes = append(s.entries, p), append(s.sizes, float32(size))
	}
	s.used += size
	for s.used > s.capacity && s.replacement != "none" && s.count() > 1 {
		s.drop()
	}
	s.mu.Unlock()
}

func (s *store) count() int {
	if s.queue != nil {
		return s.queue.count()
	}
	return len(s.entries) - s.first
}

func (s *store) drop() {
	if s.queue != nil {
		s.used -= s.queue.dropFirst()
		return
	}
	if s.replacement == "random" {
		last := len(s.entries) - 1
		i := s.random.below(last)
		s.used -= float64(s.sizes[i])
		s.entries[i], s.sizes[i] = s.entries[last], s.sizes[last]
		s.entries[last] = nil
		s.entries, s.sizes = s.entries[:last], s.sizes[:last]
		return
	}
	s.used -= float64(s.sizes[s.first])
	s.entries[s.first] = nil
	s.first++
	if s.first > len(s.entries)/2 {
		left := copy(s.entries, s.entries[s.first:])
		copy(s.sizes, s.sizes[s.first:])
		clear(s.entries[left:])
		s.entries, s.sizes, s.first = s.entries[:left], s.sizes[:left], 0
	}
}

// take inserts the roots of a family as entries of their own.
func (s *store) take(f *family) {
	for i, p := range f.roots() {
		s.insert(p, f.sizes[f.first+i])
	}
	f.clear()
}

// publish inserts a family as one entry.
func (s *store) publish(f *family) {
	entry := append([]unsafe.Pointer(nil), f.roots()...)
	if len(entry) == 0 {
		return
	}
	size := 0.0
	for _, part := range f.sizes[f.first:] {
		size += part
	}
	s.insert(unsafe.Pointer(&entry[0]), size)
	f.clear()
}

// tenured keeps objects for exponential times: what dies in the same stretch dies together.
type tenured struct {
	mu      sync.Mutex
	mean    float64
	stretch float64
	begin   time.Time
	buckets [][]unsafe.Pointer
	emptied int64
}

const (
	stretchesPerMean = 64
	meansKept        = 16
)

func newTenured(mean float64) *tenured {
	t := &tenured{
		mean: mean, stretch: mean / stretchesPerMean, begin: time.Now(),
		buckets: make([][]unsafe.Pointer, stretchesPerMean*meansKept),
	}
	go t.expire()
	return t
}

func (t *tenured) expire() {
	for {
		time.Sleep(time.Duration(t.stretch))
		t.mu.Lock()
		for now := t.now(); t.emptied < now; t.emptied++ {
			bucket := &t.buckets[t.emptied%int64(len(t.buckets))]
			clear(*bucket)
			*bucket = (*bucket)[:0]
		}
		t.mu.Unlock()
	}
}

func (t *tenured) now() int64 { return int64(float64(time.Since(t.begin)) / t.stretch) }

func (t *tenured) take(f *family, r *random) {
	t.mu.Lock()
	for _, p := range f.roots() {
		ends := int64(-math.Log(1-r.unit())*stretchesPerMean + 0.5)
		at := t.now() + min(ends, int64(len(t.buckets))-2)
		bucket := &t.buckets[max(at, t.emptied)%int64(len(t.buckets))]
		*bucket = append(*bucket, p)
	}
	t.mu.Unlock()
	f.clear()
}
