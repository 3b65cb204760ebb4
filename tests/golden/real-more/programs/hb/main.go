// hb lets requests arrive at random beside a heap of linked nodes, in the way of heapbench.
package main

import (
	"flag"
	"math/rand/v2"
	"programs/harness"
	"sync"
	"time"
)

var (
	base    = flag.Int("base", 160, "MiB of nodes")
	garbage = flag.Int("garbage", 64, "MiB/s of garbage")
	leak    = flag.Float64("leak", 0, "MiB/s of nodes that stay")
	rate    = flag.Float64("rate", 100, "requests per second")
	service = flag.Duration("service", 3*time.Millisecond, "CPU time of a request")
)

type node struct {
	next *node
	data [6]uint64
}

var mu sync.Mutex
var head *node
var sink [64][]byte

func grow(bytes int) {
	for ; bytes > 0; bytes -= 64 {
		n := &node{}
		mu.Lock()
		n.next, head = head, n
		mu.Unlock()
	}
}

func request(bytes, leaked int) {
	grow(leaked)
	const slices = 20
	x := uint64(1)
	for range slices {
		for left := bytes / slices; left > 0; {
			size := 1 + rand.IntN(1024)
			b := make([]byte, size)
			b[0] = 1
			sink[rand.IntN(64)] = b
			left -= size
		}
		until := time.Now().Add(*service / slices * 8 / 10)
		for time.Now().Before(until) {
			for range 1000 {
				x = x*6364136223846793005 + 1
			}
		}
	}
	if x == 0 {
		panic("zero")
	}
}

func main() {
	flag.Parse()
	grow(*base << 20)
	bytes := int(float64(*garbage<<20) / *rate)
	leaked := int(*leak * (1 << 20) / *rate)
	count := 0
	run := func(seconds float64) {
		random := rand.New(rand.NewPCG(1, 2))
		next := time.Now()
		end := next.Add(time.Duration(seconds * 1e9))
		var all sync.WaitGroup
		for {
			next = next.Add(time.Duration(random.ExpFloat64() / *rate * 1e9))
			if next.After(end) {
				break
			}
			time.Sleep(time.Until(next))
			count++
			all.Go(func() { request(bytes, leaked) })
		}
		all.Wait()
	}
	run(1)
	harness.Begin()
	count = 0
	run(*harness.Seconds)
	harness.End(count)
}
