// Bench measures what the steps of the Go runtime cost on this machine.
//
// Usage: bench NAME. Every measurement is one JSON line on standard output. The program needs the
// probes of ../probe in its runtime.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
	"syscall"
	"unsafe"
)

var benchmarks = map[string]func(){
	"alloc":      alloc,
	"barrier":    barrier,
	"clearing":   clearing,
	"faults":     faults,
	"finalizers": finalizers,
	"footprint":  footprint,
	"large":      large,
	"latency":    latency,
	"mark":       mark,
	"marking":    marking,
	"pages":      pages,
	"parallel":   parallel,
	"partial":    partial,
	"roots":      roots,
	"scavenge":   scavenge,
	"sched":      sched,
	"slowdown":   slowdown,
	"stops":      stops,
	"sweep":      sweep,
	"tiny":       tiny,
}

func main() {
	if len(os.Args) == 2 {
		if run, ok := benchmarks[os.Args[1]]; ok {
			run()
			return
		}
	}
	names := make([]string, 0, len(benchmarks))
	for name := range benchmarks {
		names = append(names, name)
	}
	sort.Strings(names)
	fmt.Fprintln(os.Stderr, "usage: bench NAME, one of", names)
	os.Exit(2)
}

// row is one measurement: the name of its case, and numbers.
type row map[string]any

func emit(r row) {
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		panic(err)
	}
}

const (
	processClock = 2 // CLOCK_PROCESS_CPUTIME_ID
	threadClock  = 3 // CLOCK_THREAD_CPUTIME_ID
)

// cpu is the CPU time in ns that the process has used: other programs do not count.
func cpu() int64 { return clock(processClock) }

// threadCPU is the CPU time of this thread: mark workers on other threads do not count.
func threadCPU() int64 { return clock(threadClock) }

func clock(id uintptr) int64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

func median(sample []float64) float64 {
	slices.Sort(sample)
	return sample[len(sample)/2]
}

const mib = 1 << 20
