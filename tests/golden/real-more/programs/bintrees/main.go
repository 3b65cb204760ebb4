// bintrees builds and drops binary trees beside one that stays.
package main

import (
	"flag"
	"programs/harness"
	"runtime"
	"sync"
	"sync/atomic"
)

type node struct{ left, right *node }

func build(depth int) *node {
	if depth == 0 {
		return &node{}
	}
	return &node{build(depth - 1), build(depth - 1)}
}

func (n *node) count() int {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func main() {
	flag.Parse()
	long := build(20)
	run := func(count int) {
		var left atomic.Int64
		left.Store(int64(count))
		var all sync.WaitGroup
		for range runtime.GOMAXPROCS(0) * 2 {
			all.Go(func() {
				for {
					n := left.Add(-1)
					if n < 0 {
						return
					}
					depth := 8 + int(n)%10
					for range 1 << (17 - depth) {
						if build(depth).count() == 0 {
							panic("empty")
						}
					}
				}
			})
		}
		all.Wait()
	}
	run(20)
	harness.Begin()
	run(*harness.N)
	harness.End(*harness.N)
	runtime.KeepAlive(long)
}
