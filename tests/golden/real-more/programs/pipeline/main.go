// pipeline compresses batches that pass through three stages in large buffers without pointers.
package main

import (
	"bytes"
	"compress/flate"
	"flag"
	"hash/crc32"
	"math/rand/v2"
	"programs/harness"
	"runtime"
	"sync"
)

func fill(b []byte, r *rand.Rand) {
	for i := 0; i < len(b); i += 16 {
		v := r.Uint64()
		for j := range 16 {
			b[i+j] = byte(v>>(uint(j)%8*4)) & 0x1f
		}
	}
}

func main() {
	flag.Parse()
	var recent [128][]byte
	var mu sync.Mutex
	run := func(count int) {
		read, packed := make(chan []byte, 8), make(chan []byte, 8)
		var workers, sinks sync.WaitGroup
		go func() {
			r := rand.New(rand.NewPCG(1, 2))
			for range count {
				b := make([]byte, (64+r.IntN(448))<<10)
				fill(b, r)
				read <- b
			}
			close(read)
		}()
		for range runtime.GOMAXPROCS(0) {
			workers.Go(func() {
				w, _ := flate.NewWriter(nil, 1)
				for b := range read {
					var buffer bytes.Buffer
					w.Reset(&buffer)
					w.Write(b)
					w.Close()
					packed <- buffer.Bytes()
				}
			})
		}
		sinks.Go(func() {
			for b := range packed {
				mu.Lock()
				recent[crc32.ChecksumIEEE(b)%uint32(len(recent))] = b
				mu.Unlock()
			}
		})
		workers.Wait()
		close(packed)
		sinks.Wait()
	}
	run(200)
	harness.Begin()
	run(*harness.N)
	harness.End(*harness.N)
}
