// Command memory runs one small program whose memory grows, shrinks, leaks or falls to pieces, as the
// workload of its name says, and prints a line of JSON per sample: the runtime's own metrics and the RSS that the kernel reports.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	mib    = 1 << 20
	sample = 20 * time.Millisecond
	turn   = time.Millisecond
)

// node is an object of 1 KiB with one pointer: live ones hang in a list.
type node struct {
	next *node
	_    [1016]byte
}

// small is an object of 64 bytes with one pointer.
type small struct {
	next *small
	_    [56]byte
}

var (
	kept     *node
	rest     *small
	sink     *node
	started  = time.Now()
	programs = map[string]func(){
		"shrink":       growAndShrink,
		"steady-leak":  leak,
		"every-second": everySecond,
		"deep-stacks":  stacks,
	}
)

func main() {
	program, ok := programs[os.Args[1]]
	if !ok {
		fmt.Fprintf(os.Stderr, "memory: no program %q\n", os.Args[1])
		os.Exit(2)
	}
	stop, done := make(chan bool), make(chan bool)
	go report(stop, done)
	program()
	stop <- true
	<-done
}

// growAndShrink grows to 192 MiB in four seconds, then keeps 16 MiB; a little garbage keeps the collector
// going.
func growAndShrink() {
	for i := 1; i <= 12; i++ {
		keep(16)
		until(time.Duration(i)*300*time.Millisecond, 10)
	}
	until(4*time.Second, 10)
	kept = nil
	keep(16)
	runtime.GC()
	until(14*time.Second, 10)
}

// leak keeps 32 MiB more every second beside 128 MiB/s of garbage.
func leak() {
	for i := 1; i <= 32*5; i++ {
		keep(1)
		until(time.Duration(i)*time.Second/32, 128)
	}
}

// everySecond keeps 64 MiB, frees every second object, and then wants objects of another size.
func everySecond() {
	keep(64)
	until(time.Second, 10)
	for n := kept; n != nil && n.next != nil; n = n.next {
		n.next = n.next.next
	}
	runtime.GC()
	until(4*time.Second, 10)
	for i := 0; i < 32*mib/64; i++ {
		rest = &small{next: rest}
	}
	runtime.GC()
	until(7*time.Second, 10)
}

// stacks has 5,000 goroutines that go deep together, wait, and end.
func stacks() {
	var finished sync.WaitGroup
	end := make(chan bool)
	for i := 0; i < 5_000; i++ {
		finished.Add(1)
		go func() {
			deep(7)
			<-end
			finished.Done()
		}()
	}
	for i := 2; i <= 5; i++ {
		until(time.Duration(i)*500*time.Millisecond, 10)
		runtime.GC()
	}
	until(3*time.Second, 10)
	close(end)
	finished.Wait()
	runtime.GC()
	until(5*time.Second, 10)
}

// deep uses about a KiB of stack for each level.
//
//go:noinline
func deep(levels int) byte {
	var frame [1000]byte
	frame[levels] = 1
	if levels > 0 {
		return deep(levels-1) + frame[levels]
	}
	return frame[0]
}

// keep adds so many MiB of nodes to the list.
func keep(amount int) {
	for i := 0; i < amount*mib/1024; i++ {
		kept = &node{next: kept}
	}
}

// until allocates garbage at so many MiB a second until the program has run for so long: the phases
// begin when they are due, however busy the machine is.
func until(end time.Duration, rate int) {
	begin := time.Now()
	for done := 0; time.Since(started) < end; {
		for due := int(time.Since(begin).Seconds() * float64(rate) * mib / 1024); done < due; done++ {
			sink = new(node)
		}
		time.Sleep(turn)
	}
}

func report(stop, done chan bool) {
	names := []string{"/gc/cycles/total:gc-cycles", "/gc/gomemlimit:bytes", "/gc/heap/live:bytes",
		"/gc/limiter/last-enabled:gc-cycle"}
	for _, d := range metrics.All() {
		if strings.HasPrefix(d.Name, "/memory/classes/") {
			names = append(names, d.Name)
		}
	}
	samples := make([]metrics.Sample, len(names))
	for i, name := range names {
		samples[i].Name = name
	}
	out, tick := json.NewEncoder(os.Stdout), time.NewTicker(sample)
	for {
		line := map[string]uint64{"at_ns": uint64(time.Since(started)), "sim:rss:bytes": rss()}
		metrics.Read(samples)
		for _, s := range samples {
			line[s.Name] = s.Value.Uint64()
		}
		out.Encode(line)
		select {
		case <-tick.C:
		case <-stop:
			done <- true
			return
		}
	}
}

// rss is the second number of statm, in pages.
func rss() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseUint(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
