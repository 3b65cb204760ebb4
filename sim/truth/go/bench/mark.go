package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// mark: CPU time of marking heaps of known steps, with one P.
func mark() {
	single()
	runtime.GC()
	empty, _, _ := runtime.ProbeGC(cpu, goOn)
	for _, h := range heaps() {
		roots, c := h.build()
		runtime.GC()
		ns, _, _ := runtime.ProbeGC(cpu, goOn)
		runtime.ProbeTrace(2)
		runtime.GC()
		runtime.ProbeTrace(0)
		one, sparse, dense, sparseVisits, denseVisits := runtime.ProbeScans()
		emit(row{
			"heap": h.name, "ns": ns - empty, "slot": h.slot, "words": h.words,
			"objects": c.objects, "noscan": c.noscan, "pointers": c.pointers,
			"single": one, "sparse": sparse, "dense": dense,
			"sparse_visits": sparseVisits, "dense_visits": denseVisits,
			"vector_kernel": runtime.ProbeVectorKernel(),
		})
		runtime.KeepAlive(roots)
		roots = nil
		runtime.GC()
	}
}

// parallel: CPU time of marking the same heap with one P and with two.
func parallel() {
	debug.SetGCPercent(-1)
	for _, h := range heaps() {
		if h.name != "tree-64" && h.name != "graph-48" && h.name != "strings-48" {
			continue
		}
		roots, _ := h.build()
		runtime.GC()
		for _, ps := range []int{1, 2} {
			runtime.GOMAXPROCS(ps)
			runtime.GC()
			ns, _, _ := runtime.ProbeGC(cpu, goOn)
			emit(row{"heap": h.name, "procs": ps, "ns": ns})
		}
		runtime.KeepAlive(roots)
	}
}

// goOn is no pause.
func goOn() {}

// sweep: spans in which everything, a part or nothing survives, some time after they were marked.
func sweep() {
	single()
	other := make([]byte, 2*volume)
	forget := func() { clear(other) } // what the caches held
	for _, kind := range []string{"full", "part", "dead"} {
		all := make([]*[64]byte, heapBytes/2/64)
		for i := range all {
			all[i] = new([64]byte)
		}
		runtime.GC()
		for i := range all {
			if kind == "dead" || kind == "part" && i%2 == 0 {
				all[i] = nil
			}
		}
		_, ns, spans := runtime.ProbeGC(cpu, forget)
		emit(row{"case": kind, "ns": per(ns, spans), "spans": spans})
		runtime.KeepAlive(all)
		all = nil
		runtime.GC()
	}
}

// roots: globals by the byte, stacks by the goroutine and by the byte.
func roots() {
	single()
	block, mask := make([]*byte, mib), make([]uint8, mib/8)
	for i := range mask {
		mask[i] = 0xff
	}
	runtime.ProbeScanGlobals(block, mask)
	emit(row{"case": "globals", "ns": per(runtime.ProbeScanGlobals(block, mask), 8*mib)})

	runtime.GC()
	empty, _, _ := runtime.ProbeGC(cpu, goOn)
	const n = 4000
	for _, depth := range []int{1, 8, 32} {
		stop := make(chan bool)
		for range n {
			go descend(depth, stop)
		}
		for range n {
			runtime.Gosched()
		}
		runtime.GC()
		ns, _, _ := runtime.ProbeGC(cpu, goOn)
		emit(row{
			"case": "stacks", "depth": depth, "goroutines": n, "ns": ns - empty,
			"scanned": metric("/gc/scan/stack:bytes"),
		})
		close(stop)
		for range n {
			runtime.Gosched()
		}
		runtime.GC()
	}
}

//go:noinline
func descend(depth int, stop chan bool) int {
	var local [8]*int
	local[depth%8] = &depth
	if depth > 1 {
		return *local[depth%8] + descend(depth-1, stop)
	}
	<-stop
	return *local[depth%8]
}

// footprint: memory of the runtime in a program that does nothing.
func footprint() {
	emit(row{
		"metadata": metric("/memory/classes/metadata/other:bytes"),
		"other":    metric("/memory/classes/other:bytes"),
		"file":     residentFile(),
	})
}

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
