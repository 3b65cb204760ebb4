// json encodes and decodes a large document by parallel goroutines, as `json` of x/benchmarks does.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"programs/harness"
	"runtime"
	"sync"
	"sync/atomic"
)

type node struct {
	Name     string   `json:"name"`
	Kids     []*node  `json:"kids"`
	CLWeight float64  `json:"cl_weight"`
	Touches  int      `json:"touches"`
	MinT     int64    `json:"min_t"`
	MaxT     int64    `json:"max_t"`
	MeanT    int64    `json:"mean_t"`
	Tags     []string `json:"tags"`
}

type document struct {
	Tree     *node  `json:"tree"`
	Username string `json:"username"`
}

func tree(depth int, id *int) *node {
	*id++
	n := &node{Name: fmt.Sprintf("file%d.go", *id), CLWeight: float64(*id) / 3, Touches: *id % 17,
		MinT: int64(*id) * 1000, MaxT: int64(*id) * 3000, MeanT: int64(*id) * 2000,
		Tags: []string{"a", fmt.Sprint(*id % 100)}}
	if depth > 0 {
		for range 4 {
			n.Kids = append(n.Kids, tree(depth-1, id))
		}
	}
	return n
}

func main() {
	flag.Parse()
	id := 0
	doc := document{tree(6, &id), "user"}
	text, err := json.Marshal(doc)
	if err != nil {
		panic(err)
	}
	run := func(count int) {
		var left atomic.Int64
		left.Store(int64(count))
		var all sync.WaitGroup
		for range runtime.GOMAXPROCS(0) * 2 {
			all.Go(func() {
				for left.Add(-1) >= 0 {
					var d document
					if err := json.Unmarshal(text, &d); err != nil {
						panic(err)
					}
					if _, err := json.Marshal(&d); err != nil {
						panic(err)
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
}
