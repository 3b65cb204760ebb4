package main

import (
	"runtime"
	"unsafe"
)

// newFinalizer is what the objects of a step have called once nobody reaches them; nil for none.
func newFinalizer(ns *float64) func(any) {
	if ns == nil {
		return nil
	}
	var last uint64
	return func(any) { last = turns(int(*ns/cost.turn), last) }
}

// setFinalizers gives one to all objects. They must not lead to each other, or one collection would
// free only those that no other leads to.
func (h *handful) setFinalizers(m *mix, finalizer func(any)) {
	for i := 0; i < h.count; i++ {
		var object any
		*(*[2]unsafe.Pointer)(unsafe.Pointer(&object)) = [2]unsafe.Pointer{
			m.types[h.cards[i].kind].pointer, h.objects[i],
		}
		runtime.SetFinalizer(object, finalizer)
	}
}
