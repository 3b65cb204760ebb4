package main

import (
	"slices"
	"time"
	"unsafe"
)

// cost of what the twin itself does, measured at its start (ns).
var cost struct {
	turn  float64 // of the computing loop
	write float64 // of a pointer
	tick  float64 // of reading the clock
	frame float64 // of the stack, going down and up
	read  float64 // of the network's file
	typed float64 // of allocating an object of a type that no compiler knows
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

var started = time.Now()

// tick is the time in ns since the program started.
func tick() float64 { return float64(time.Since(started)) }

// interrupted is what took too long to be the twin's own doing (ns).
const interrupted = 20_000

// book counts what the twin itself did since begin as computing: where it lies in memory decides
// what that takes, so it is measured in place.
func (g *goroutine) book(begin float64) {
	g.ahead += min(tick()-begin, interrupted) + cost.tick
}

// compute uses the CPU for so long, what is booked included, and writes pointers at a rate per
// second meanwhile.
func (g *goroutine) compute(ns, writes float64) {
	if writes > 0 {
		g.writes += ns * writes / 1e9
		n := int(g.writes)
		g.writes -= float64(n)
		writePointers(n, int(g.random))
		g.ahead += float64(n) * cost.write
	}
	g.ahead -= ns
	if g.ahead < 0 {
		g.last = turns(int(-g.ahead/cost.turn), g.last)
		g.ahead = 0
	}
}

// calibrate finds what the loops take.
func calibrate() {
	const n = 200_000
	cost.turn = usual(func() { turns(n, 1) }) / n
	cost.write = typical(func() { writePointers(n, 0) }) / n
	cost.tick = typical(func() {
		for i := 0; i < n; i++ {
			tick()
		}
	}) / n
	const depth, reads, objects = 64, 100, 1000
	cost.frame = typical(func() { deep(depth*frame, func() {}) }) / depth
	file := newNetwork()
	cost.read = median(func() (took float64) {
		for i := 0; i < reads; i++ {
			file.arm(0)
			begin := tick()
			file.ready()
			took += tick() - begin - cost.tick
		}
		return took
	}) / reads
	some := newObjectType(object{Size: 64})
	known := typical(func() {
		for i := 0; i < objects; i++ {
			newest = unsafe.Pointer(new([64]byte))
		}
	})
	cost.typed = max(typical(func() {
		for i := 0; i < objects; i++ {
			newest = some.allocate()
		}
	})-known, 0) / objects
}

// newest keeps the compiler from leaving out allocations.
var newest unsafe.Pointer

// usual is the mean of what something takes that fills most of the time, interrupts of the kernel
// included; what takes twice as long as most was disturbed.
func usual(work func()) float64 {
	const many = 151
	sum, n, most := 0.0, 0, typical(work)
	for i := 0; i < many; i++ {
		if took := timed(work); took < 2*most {
			sum, n = sum+took, n+1
		}
	}
	return sum / float64(max(n, 1))
}

const trials = 31

func typical(work func()) float64 {
	return median(func() float64 { return timed(work) })
}

// timed is what something takes once (ns).
func timed(work func()) float64 {
	begin := time.Now()
	work()
	return float64(time.Since(begin))
}

func median(trial func() float64) float64 {
	took := make([]float64, trials)
	for i := range took {
		took[i] = trial()
	}
	slices.Sort(took)
	return took[trials/2]
}
