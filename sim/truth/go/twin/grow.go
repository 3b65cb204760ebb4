package main

import (
	"encoding/binary"
	"reflect"
	"unsafe"
)

// appending fills a new slice element by element; the goroutine keeps it.
func appending(s stepSpec) step {
	element := typeOf(object{Size: s.Size, Words: s.Words})
	of, cpu := reflect.SliceOf(element), s.CPU.compile()
	return onStack(func(g *goroutine) {
		all, ns := reflect.New(of).Elem(), cpu.draw(&g.random)
		for length := 0; length < s.Count; {
			begin := tick()
			all.Grow(1)
			end := min(all.Cap(), s.Count)
			all.SetLen(end)
			base := all.UnsafePointer()
			for i := length; i < end; i++ {
				fill(unsafe.Add(base, i*s.Size), s)
			}
			g.bookAll(begin)
			g.compute(ns*float64(end-length)/float64(s.Count), 0)
			length = end
		}
		g.grown = append(g.grown, all)
	})
}

// inserting fills a new map entry by entry; the goroutine keeps it.
func inserting(s stepSpec) step {
	key := reflect.ArrayOf(s.KeyWords, reflect.TypeOf(uint64(0)))
	of := reflect.MapOf(key, typeOf(object{Size: s.Size, Words: s.Words}))
	cpu := s.CPU.compile()
	return onStack(func(g *goroutine) {
		ns := cpu.draw(&g.random)
		all, k := reflect.MakeMap(of), reflect.New(key).Elem()
		v := reflect.New(of.Elem()).Elem()
		fill(v.Addr().UnsafePointer(), s)
		number := unsafe.Slice((*byte)(k.Addr().UnsafePointer()), 8)
		const handful = 64
		for i := 0; i < s.Count; i += handful {
			begin, end := tick(), min(i+handful, s.Count)
			for j := i; j < end; j++ {
				binary.NativeEndian.PutUint64(number, uint64(j))
				all.SetMapIndex(k, v)
			}
			g.bookAll(begin)
			g.compute(ns*float64(end-i)/float64(s.Count), 0)
		}
		g.grown = append(g.grown, all)
	})
}

// fill writes an element: pointers to immortal objects, and a byte of data.
func fill(p unsafe.Pointer, s stepSpec) {
	linkAnywhere(p, s.Words)
	if s.Words == 0 && s.Size > 0 {
		*(*byte)(p) = 1
	}
}

// bookAll counts what the twin itself did since begin as computing, however long that took.
func (g *goroutine) bookAll(begin float64) { g.ahead += tick() - begin + cost.tick }
