// A small service, recorded: requests arrive every 2 ms, parse text into nodes, and keep some of them in a
// session table that is full. Beside this file is what it wrote with Go 1.27.3 on linux/amd64, two CPUs,
// with GODEBUG=gctrace=1: its log, the heap profile that /debug/pprof/heap gives, and its trace as
// `go tool trace -d=parsed trace.out` printed it, empty lines left out.
package main

import (
	"bytes"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"
)

type node struct {
	left, right *node
	name        string
	weight      [3]int
}

var (
	sessions [60_000]*node
	table    sync.Mutex
	next     uint32
)

//go:noinline
func parse(depth int) *node {
	n := &node{weight: [3]int{depth}}
	if depth > 0 {
		n.left, n.right = parse(depth-1), parse(depth-1)
	}
	return n
}

//go:noinline
func remember(n *node) {
	table.Lock()
	next = next*1664525 + 1013904223
	sessions[next%uint32(len(sessions))] = n
	table.Unlock()
}

//go:noinline
func render() int {
	var out bytes.Buffer
	for range 40 {
		out.Write(make([]byte, 512))
	}
	return out.Len()
}

func handle(done *sync.WaitGroup) {
	defer done.Done()
	parse(10)
	for range 60 {
		remember(parse(1))
	}
	render()
	for begin := time.Now(); time.Since(begin) < 300*time.Microsecond; {
	}
}

func write(name string, what func(*os.File) error) {
	file, err := os.Create(name)
	if err == nil {
		err = what(file)
	}
	if err != nil {
		panic(err)
	}
	file.Close()
}

func main() {
	runtime.MemProfileRate = 32 << 10
	for i := range sessions {
		sessions[i] = parse(1)
	}
	var done sync.WaitGroup
	serve := func(requests int) {
		for range requests {
			done.Add(1)
			go handle(&done)
			time.Sleep(2 * time.Millisecond)
		}
		done.Wait()
	}
	serve(2000)
	write("trace.out", func(file *os.File) error {
		if err := trace.Start(file); err != nil {
			return err
		}
		serve(50)
		trace.Stop()
		return nil
	})
	write("heap.pb.gz", func(file *os.File) error { return pprof.Lookup("heap").WriteTo(file, 0) })
}
