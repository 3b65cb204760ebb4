package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// whileMarking runs work in small pieces on one thread while another marks a scattered heap, and
// without: CPU ns per piece of either.
func whileMarking(work func()) (idle, busy float64) {
	runtime.GOMAXPROCS(2)
	debug.SetGCPercent(-1)
	root := scattered()
	grow(2 * volume)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	idle = pieces(work, func() bool { return true })
	var done atomic.Bool
	go func() {
		runtime.GC()
		done.Store(true)
	}()
	for !runtime.ProbeMarking() {
		runtime.Gosched()
	}
	busy = pieces(work, runtime.ProbeMarking)
	for !done.Load() {
		runtime.Gosched()
	}
	runtime.KeepAlive(root)
	return idle, busy
}

// mostPieces bounds what pieces allocate, so that recycled memory lasts for all of them.
const mostPieces = 1000

// pieces does pieces of work on this thread: the median CPU ns of one.
func pieces(work func(), more func() bool) float64 {
	took := make([]float64, 0, mostPieces)
	for len(took) < mostPieces && more() {
		begin := threadCPU()
		work()
		took = append(took, float64(threadCPU()-begin))
	}
	return median(took)
}

// barrier: pointer writes to the heap, with and without marking, against writes of numbers.
func barrier() {
	type cell struct {
		pointer *byte
		number  int
	}
	const writes = 4096
	cells, targets := make([]*cell, 1024), make([]*byte, 64)
	for i := range cells {
		cells[i] = new(cell)
	}
	for i := range targets {
		targets[i] = new(byte)
	}
	turn := 0
	pointers := func() {
		turn++
		for i := range writes {
			cells[i%len(cells)].pointer = targets[(i+turn)%len(targets)]
		}
	}
	numbers := func() {
		turn++
		for i := range writes {
			cells[i%len(cells)].number = (i + turn) % len(targets)
		}
	}
	idle, busy := whileMarking(pointers)
	idleNumbers, busyNumbers := whileMarking(numbers)
	emit(row{
		"idle": idle / writes, "marking": busy / writes,
		"numbers_idle": idleNumbers / writes, "numbers_marking": busyNumbers / writes,
	})
}

// marking: objects allocated while the collector marks, and while it does not.
func marking() {
	for _, s := range shapes() {
		if s.size != 32 && s.size != 256 {
			continue
		}
		const n = 100
		idle, busy := whileMarking(func() { s.create(n) })
		emit(row{"size": s.size, "scan": s.scan, "idle": idle / n, "marking": busy / n})
	}
}

// slowdown: a program that computes, one in the caches and one in memory, while a heap is marked.
func slowdown() {
	var last uint64
	chase := func(words int) func() {
		next, order := make([]uint64, words), make([]uint64, words)
		for i := range order {
			order[i] = uint64(i)
		}
		shuffle(order)
		for i := range order {
			next[order[i]] = order[(i+1)%words]
		}
		return func() {
			for range 2000 {
				last = next[last]
			}
		}
	}
	compute := func() {
		for range 2000 {
			last = last*6364136223846793005 + 1442695040888963407
			last ^= last >> 29
		}
	}
	report := func(name string, work func()) {
		idle, busy := whileMarking(work)
		emit(row{"case": name, "factor": busy / idle})
	}
	report("compute", compute)
	last = 0
	report("cache", chase(256<<10/8))
	last = 0
	report("memory", chase(64*mib/8))
}

// stops: stopping the world and the ragged barrier, alone and with other Ps that are busy; what is
// done while the world stands still; and what it costs to signal a thread.
func stops() {
	debug.SetGCPercent(-1)
	other := make([]byte, 32*mib)
	forget := func() { clear(other) } // what the caches held
	for ps := 1; ps <= runtime.NumCPU(); ps *= 2 {
		runtime.GOMAXPROCS(ps)
		var stop atomic.Bool
		for range ps - 1 {
			go spin(&stop)
		}
		time.Sleep(10 * time.Millisecond)
		emit(row{"case": "stop", "procs": ps, "sample": runtime.ProbeStops(100, forget)})
		emit(row{"case": "for_each_p", "procs": ps, "sample": runtime.ProbeForEachP(100, forget)})
		pauses(ps)
		stop.Store(true)
	}
	signals()
}

// pauses: both pauses of collections of a heap in use, some time after the last one.
func pauses(ps int) {
	roots, _ := heaps()[0].build()
	defer runtime.KeepAlive(roots)
	var starts, terminations []int64
	for range 15 {
		for _, s := range shapes() {
			s.create(100)
		}
		interlude()
		runtime.GC()
		start, termination := runtime.ProbePauses()
		starts, terminations = append(starts, start), append(terminations, termination)
	}
	emit(row{"case": "pauses", "procs": ps, "starts": starts, "terminations": terminations})
}

// signals: sending the signal that preempts a goroutine.
func signals() {
	const n = 1000
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	process, thread := os.Getpid(), syscall.Gettid()
	begin := threadCPU()
	for range n {
		if err := syscall.Tgkill(process, thread, syscall.SIGURG); err != nil {
			panic(err)
		}
	}
	emit(row{"case": "signal", "ns": per(threadCPU()-begin, n)})
}

// wait keeps the P busy for a while.
func wait(d time.Duration) {
	for start := time.Now(); time.Since(start) < d; {
	}
}

func spin(stop *atomic.Bool) {
	for !stop.Load() {
	}
}

// sched: starting a goroutine, switching, and waking a P that sleeps.
func sched() {
	runtime.GOMAXPROCS(1)
	const n = 100_000
	begin := cpu()
	for i := range n {
		go func() {}()
		if i%100 == 99 {
			runtime.Gosched()
		}
	}
	runtime.Gosched()
	emit(row{"case": "go", "ns": per(cpu()-begin, n)})

	ping, pong := make(chan int), make(chan int)
	go func() {
		for v := range ping {
			pong <- v
		}
	}()
	begin = cpu()
	for i := range n {
		ping <- i
		<-pong
	}
	close(ping)
	emit(row{"case": "switch", "ns": per(cpu()-begin, 2*n)})
	wakeUps()
}

func wakeUps() {
	runtime.GOMAXPROCS(2)
	bell, took := make(chan time.Time, 1), make(chan time.Duration, 1)
	go func() {
		for rung := range bell {
			took <- time.Since(rung)
		}
	}()
	sample := make([]int64, 0, 100)
	for range 100 {
		time.Sleep(300 * time.Microsecond)
		wait(200 * time.Microsecond)
		bell <- time.Now()
		wait(2 * time.Millisecond)
		sample = append(sample, int64(<-took))
	}
	close(bell)
	emit(row{"case": "wake", "sample": sample})
}

// resident is the memory of the program that is resident: anonymous, and of its file.
func resident() (anonymous, file uint64) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	return kib(string(text), "RssAnon:") << 10, kib(string(text), "RssFile:") << 10
}

// kib is a number of /proc/self/status.
func kib(status, name string) uint64 {
	_, rest, _ := strings.Cut(status, name)
	n, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}
