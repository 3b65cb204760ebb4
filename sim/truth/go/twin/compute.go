package main

import (
	"time"
	"unsafe"
)

// cost of what the twin itself does, measured at its start (ns).
var cost struct {
	turn   float64 // of the computing loop
	write  float64 // of a pointer
	object float64 // drawing and linking, without allocation
}

// cell is where pointers are written to.
type cell struct{ pointer *[64]byte }

var cells = func() (all [1024]*cell) {
	for i := range all {
		all[i] = new(cell)
	}
	return all
}()

//go:noinline
func turns(n int, x uint64) uint64 {
	for i := 0; i < n; i++ {
		x = x*6364136223846793005 + 1442695040888963407
		x ^= x >> 29
	}
	return x
}

//go:noinline
func writePointers(n int, from int) {
	for i := 0; i < n; i++ {
		cells[(from+i)&(len(cells)-1)].pointer = immortal[i&(immortals-1)]
	}
}

// compute uses the CPU for so long, and writes pointers at a rate per second meanwhile.
func (g *goroutine) compute(ns, writes float64) {
	if writes > 0 {
		g.writes += ns * writes / 1e9
		n := int(g.writes)
		g.writes -= float64(n)
		writePointers(n, int(g.random))
		ns -= float64(n) * cost.write
	}
	if ns > 0 {
		g.last = turns(int(ns/cost.turn), g.last)
	}
}

// calibrate finds what the loops take when nothing disturbs them: the least of many trials.
func calibrate() {
	const n = 200_000
	cost.turn = least(func() { turns(n, 1) }) / n
	cost.write = least(func() { writePointers(n, 0) }) / n
	dry := dryRun()
	cost.object = least(func() { dry(n) }) / n
}

func least(work func()) float64 {
	best := time.Hour
	for i := 0; i < 30; i++ {
		begin := time.Now()
		work()
		best = min(best, time.Since(begin))
	}
	return float64(best)
}

// dryRun makes a run that draws and links objects of one kind, half of them with one link, without
// allocating them.
func dryRun() func(n int) {
	m := &mix{types: []objectType{{requested: 64}}, deck: make([]card, deckCards)}
	for i := range m.deck {
		m.deck[i].links = uint16(i & 1)
	}
	place := unsafe.Pointer(new([8]unsafe.Pointer))
	g := &goroutine{random: newRandom()}
	f := &g.passing
	return func(n int) {
		for i := 0; i < n; i++ {
			c := m.deck[g.at&(deckCards-1)]
			g.at++
			g.writes += m.types[c.kind].requested * 1e-9
			f.add(place, 64, int(c.links), bigFamily/generations)
			if f.count > bigFamily {
				f.clear()
			}
		}
	}
}
