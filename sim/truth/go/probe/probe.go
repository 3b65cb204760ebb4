// Package runtime, overlaid: timings of steps that no program can reach from outside.
//
// The file is added to the runtime by `go build -overlay`; it changes nothing that is there.
package runtime

import (
	"unsafe"
)

// ProbeGC runs a collection like GC, and reads the given clock (ns) where marking is over.
//
// It returns the clock's time until then, and time and number of the spans that it swept itself
// after a pause. With one P nobody else sweeps while it does.
func ProbeGC(clock func() int64, pause func()) (mark, sweep int64, swept int) {
	n := work.cycles.Load()
	gcWaitOnMark(n)
	begin := clock()
	gcStart(gcTrigger{kind: gcTriggerCycle, n: n + 1})
	gcWaitOnMark(n + 1)
	mark = clock() - begin
	pause()
	for done := false; !done; {
		begin = clock()
		batch := 0
		for batch < 64 && !done {
			done = sweepone() == ^uintptr(0)
			batch++
		}
		if !done {
			sweep += clock() - begin
			swept += batch
		}
	}
	for !isSweepDone() {
		Gosched()
	}
	return mark, sweep, swept
}

// ProbePauses returns how long the last cycle's two pauses lasted, stopping included (ns).
func ProbePauses() (start, termination int64) {
	return work.tMark - work.tSweepTerm, work.tEnd - work.tMarkTerm
}

// ProbeMarking tells whether a collection marks at this moment.
func ProbeMarking() bool { return writeBarrier.enabled }

// ProbeTrace sets the level of gctrace; from 2 on, scans are counted.
func ProbeTrace(level int32) { debug.gctrace = level }

// ProbeStops stops the world n times and returns how long each stop took (ns).
func ProbeStops(n int, pause func()) []int64 {
	stops := make([]int64, 0, n)
	for range n {
		pause()
		begin := nanotime()
		w := stopTheWorldGC(stwGOMAXPROCS)
		end := nanotime()
		startTheWorldGC(w)
		stops = append(stops, end-begin)
	}
	return stops
}

// ProbeForEachP asks all Ps to reach a safe point n times and returns how long each took (ns).
func ProbeForEachP(n int, pause func()) []int64 {
	took := make([]int64, 0, n)
	for range n {
		pause()
		semacquire(&worldsema)
		begin := nanotime()
		forEachP(waitReasonFlushProcCaches, func(*p) {})
		end := nanotime()
		semrelease(&worldsema)
		took = append(took, end-begin)
	}
	return took
}

// ProbeSpans allocates and frees n spans under the heap lock; ns per span of either.
func ProbeSpans(n int, npages uintptr) (alloc, free int64) {
	spans := make([]*mspan, n)
	systemstack(func() {
		begin := nanotime()
		for i := range spans {
			spans[i] = mheap_.allocManual(npages, spanAllocWorkBuf)
		}
		middle := nanotime()
		for _, s := range spans {
			mheap_.freeManual(s, spanAllocWorkBuf)
		}
		alloc, free = middle-begin, nanotime()-middle
	})
	return alloc / int64(n), free / int64(n)
}

var (
	probeSet  spanSet
	probeSpan mspan
)

// ProbeSpanSet pushes a span to a set such as an mcentral has and pops it again, n times.
func ProbeSpanSet(n int) {
	for range n {
		probeSet.push(&probeSpan)
		probeSet.pop()
	}
}

var (
	probeLock  mutex
	probeLists [2]mSpanList
	probeSpans [64]mspan
)

// ProbeSpanList moves a span from one list to another under a lock, n times, as a refill did before
// there were span sets (runtime/mcentral.go of Go 1.14: cacheSpan).
func ProbeSpanList(n int) {
	if probeLists[0].isEmpty() && probeLists[1].isEmpty() {
		for i := range probeSpans {
			probeLists[0].insertBack(&probeSpans[i])
		}
	}
	from, to := &probeLists[0], &probeLists[1]
	for range n {
		if from.isEmpty() {
			from, to = to, from
		}
		lock(&probeLock)
		s := from.first
		from.remove(s)
		to.insertBack(s)
		unlock(&probeLock)
	}
}

// ProbeScanGlobals scans a block of nil pointers as if it were data, and returns ns.
func ProbeScanGlobals(block []*byte, mask []uint8) int64 {
	begin := nanotime()
	systemstack(func() {
		scanblock(uintptr(unsafe.Pointer(&block[0])), uintptr(len(block))*8, &mask[0], nil, nil)
	})
	return nanotime() - begin
}

// ProbeScavenge releases free memory of the heap to the OS; bytes and ns.
func ProbeScavenge(nbytes uintptr) (released, took int64) {
	systemstack(func() {
		begin := nanotime()
		released = int64(mheap_.pages.scavenge(nbytes, nil, true))
		took = nanotime() - begin
	})
	return released, took
}
