package main

import (
	"runtime/metrics"
	"unsafe"
)

// own is what is not the workload's (bytes): what lies in the heap, with pointers and without, and the
// resident part of the executable.
type own struct {
	Scan   float64 `json:"scan"`
	Noscan float64 `json:"noscan"`
	File   float64 `json:"file"`
}

// ownAtStart is the heap before there is anything of the workload: the runtime's own objects, and
// the decks and distributions of the twin.
func ownAtStart() own {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(live)
	scan := float64(live[1].Value.Uint64())
	return own{Scan: scan, Noscan: float64(live[0].Value.Uint64()) - scan}
}

const (
	runtimeBytes = 600 // g, sudog and timer of a goroutine; the runtime keeps them for others
	mapBytes     = 256 // a map of up to eight entries
)

// add counts the tables of stores, and what was made for goroutines: those that are at work are as
// large as the others.
func (o *own) add(p *program) {
	o.File = float64(residentFileBytes())
	for _, s := range p.stores {
		s.mu.Lock()
		o.Scan += 8 * float64(cap(s.entries))
		o.Noscan += 4 * float64(cap(s.sizes))
		if s.queue != nil {
			o.Scan += float64(s.queue.nodeBytes() * s.queue.count())
		}
		s.mu.Unlock()
	}
	for _, t := range p.tenured {
		t.mu.Lock()
		for _, bucket := range t.buckets {
			o.Scan += 8 * float64(cap(bucket))
		}
		t.mu.Unlock()
	}
	goroutines.Lock()
	defer goroutines.Unlock()
	var one own
	for _, g := range goroutines.idle {
		one.addFamily(&g.passing)
		for _, f := range g.keeps {
			one.Scan += float64(unsafe.Sizeof(*f))
			one.addFamily(f)
		}
	}
	idle, all := max(float64(len(goroutines.idle)), 1), float64(len(goroutines.all))
	o.Scan += all * (runtimeBytes + mapBytes + float64(unsafe.Sizeof(goroutine{})) + one.Scan/idle)
	o.Noscan += all * one.Noscan / idle
}

func (o *own) addFamily(f *family) {
	o.Scan += 8 * float64(cap(f.orphans))
	o.Noscan += 8 * float64(cap(f.sizes))
}
