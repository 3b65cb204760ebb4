// Requests that arrive every 5 ms, compute for 2 ms and allocate 256 KiB, under an execution trace.
// Beside it is what `go tool trace -d=parsed trace.out` of Go 1.27.3 printed (linux/amd64, two CPUs),
// paths shortened and empty lines left out.
package main

import (
	"os"
	"runtime/trace"
	"sync"
	"time"
)

var sink []byte

func handle(done *sync.WaitGroup) {
	defer done.Done()
	for range 4 {
		sink = make([]byte, 64<<10)
	}
	for begin := time.Now(); time.Since(begin) < 2*time.Millisecond; {
	}
}

func main() {
	file, err := os.Create("trace.out")
	if err != nil {
		panic(err)
	}
	if err := trace.Start(file); err != nil {
		panic(err)
	}
	var done sync.WaitGroup
	for range 100 {
		done.Add(1)
		go handle(&done)
		time.Sleep(5 * time.Millisecond)
	}
	done.Wait()
	trace.Stop()
	file.Close()
}
