package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// mark: CPU time of marking heaps of known steps, with one P.
func mark() {
	single()
	runtime.GC()
	interlude()
	empty, _, _ := runtime.ProbeGC(cpu, goOn)
	for _, h := range heaps() {
		roots, c := h.build()
		measureMarking(row{"heap": h.name, "slot": h.slot, "words": h.words}, c, empty)
		runtime.KeepAlive(roots)
		roots = nil
		runtime.GC()
	}
	for _, m := range mixtures() {
		roots, c := m.build()
		measureMarking(row{"heap": m.name, "slot": branchSlot, "words": links}, c, empty)
		runtime.KeepAlive(roots)
		roots = nil
		runtime.GC()
	}
}

const cycles = 4 // that a heap is marked

// measureMarking emits the time of marking the heap beyond that of an empty one, and the steps.
func measureMarking(r row, c counts, empty int64) {
	runtime.GC()
	var ns int64
	for range cycles {
		interlude()
		took, _, _ := runtime.ProbeGC(cpu, goOn)
		ns += took / cycles
	}
	runtime.ProbeTrace(2)
	runtime.GC()
	runtime.ProbeTrace(0)
	r["ns"], r["objects"], r["noscan"], r["pointers"] = ns-empty, c.objects, c.noscan, c.pointers
	r["spans"], r["apart"] = c.spans, c.apart
	r["single"], r["sparse"], r["dense"], r["sparse_visits"], r["dense_visits"] = runtime.ProbeScans()
	r["vector_kernel"] = runtime.ProbeVectorKernel()
	emit(r)
}

// interlude is what a service does between two collections: it waits, and its requests use memory
// that is not the heap's. Meanwhile the caches, which programs on other CPUs share, forget the heap.
func interlude() {
	const requests, each = 100, mib / 4
	other := make([]byte, requests*each)
	for i := range requests {
		time.Sleep(2 * time.Millisecond)
		clear(other[i*each : (i+1)*each])
	}
}

// parallel: time of workers that mark the same heap with one P and with two.
func parallel() {
	debug.SetGCPercent(-1)
	for _, h := range heaps() {
		if h.name == "tree-64" || h.name == "graph-48" {
			roots, _ := h.build()
			measureParallel(h.name)
			runtime.KeepAlive(roots)
		}
	}
	for _, m := range mixtures() {
		roots, _ := m.build()
		measureParallel(m.name)
		runtime.KeepAlive(roots)
	}
}

// measureParallel emits the mean time of all workers in a cycle with one P and with two.
func measureParallel(heap string) {
	runtime.GC()
	for procs := 1; procs <= min(2, runtime.NumCPU()); procs++ {
		emit(row{"heap": heap, "procs": procs, "ns": meanMarking(procs)})
	}
}

// meanMarking is the mean time of all workers in a cycle with so many Ps (ns).
func meanMarking(procs int) int64 {
	runtime.GOMAXPROCS(procs)
	var ns int64
	for range cycles {
		interlude()
		occupy(procs)
		before := markSeconds()
		runtime.GC()
		ns += int64((markSeconds() - before) * 1e9)
	}
	return ns / cycles
}

// occupy keeps all Ps busy until a collection marks, as in a program that allocates: threads and
// CPUs are awake, and each thread has a CPU for itself.
func occupy(procs int) {
	for range procs - 1 {
		go func() {
			for !runtime.ProbeMarking() {
			}
		}()
	}
	wait(2 * time.Millisecond)
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

// roots: globals by the byte, a cycle of a program that has little else, stacks by the goroutine and
// by the byte.
func roots() {
	single()
	block, mask := make([]*byte, mib), make([]uint8, mib/8)
	for i := range mask {
		mask[i] = 0xff
	}
	runtime.ProbeScanGlobals(block, mask)
	emit(row{"case": "globals", "ns": per(runtime.ProbeScanGlobals(block, mask), 8*mib)})

	emit(row{
		"case": "cycle", "ns": meanMarking(1),
		"globals": metric("/gc/scan/globals:bytes"),
	})

	interlude()
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
		interlude()
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

// descend waits with so many frames on its stack: of 240 bytes, as those of an HTTP server have on
// average, with a few pointers each.
//
//go:noinline
func descend(depth int, stop chan bool) int {
	var local [8]*int
	var room [144]byte
	local[depth%8], room[depth%len(room)] = &depth, byte(depth)
	if depth > 1 {
		return *local[depth%8] + descend(depth-1, stop) + int(room[depth%len(room)])
	}
	<-stop
	return *local[depth%8] + int(room[0])
}

// footprint: memory of the runtime in a program that has allocated and collected, and does nothing.
func footprint() {
	for range 3 {
		for _, s := range shapes() {
			s.create(2 * mib / s.size)
		}
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	heap := metric("/memory/classes/heap/objects:bytes") + metric("/memory/classes/heap/unused:bytes") +
		metric("/memory/classes/heap/free:bytes") + metric("/memory/classes/heap/stacks:bytes")
	spans := metric("/memory/classes/metadata/mspan/inuse:bytes") +
		metric("/memory/classes/metadata/mspan/free:bytes") +
		metric("/memory/classes/metadata/mcache/inuse:bytes") +
		metric("/memory/classes/metadata/mcache/free:bytes")
	anonymous, file := resident()
	emit(row{
		"metadata": metric("/memory/classes/metadata/other:bytes"), "classes": len(shapes()),
		"other":   metric("/memory/classes/other:bytes"),
		"file":    file,
		"runtime": max(int64(anonymous)-int64(heap)-int64(spans), 0),
	})
}

// markSeconds is the CPU time of mark workers and assists in all cycles until now.
func markSeconds() (sum float64) {
	for _, kind := range []string{"assist", "dedicated", "idle"} {
		sample := []metrics.Sample{{Name: "/cpu/classes/gc/mark/" + kind + ":cpu-seconds"}}
		metrics.Read(sample)
		sum += sample[0].Value.Float64()
	}
	return sum
}

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
