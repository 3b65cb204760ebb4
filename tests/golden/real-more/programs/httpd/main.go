// httpd serves requests over loopback from clients in the same process, as `http` of x/benchmarks.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"programs/harness"
	"sync"
	"sync/atomic"
)

type item struct {
	ID    int               `json:"id"`
	Name  string            `json:"name"`
	Attrs map[string]string `json:"attrs"`
}

func main() {
	flag.Parse()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var items []item
		for i := range 20 {
			items = append(items, item{i, fmt.Sprint("item", i), map[string]string{"a": "b", "k": r.URL.Path}})
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(items)
	}))
	address := "http://" + l.Addr().String()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}
	run := func(count int) {
		var left atomic.Int64
		left.Store(int64(count))
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for {
					n := left.Add(-1)
					if n < 0 {
						return
					}
					response, err := client.Get(fmt.Sprintf("%s/%d", address, n))
					if err != nil {
						panic(err)
					}
					if _, err := io.ReadAll(response.Body); err != nil {
						panic(err)
					}
					response.Body.Close()
				}
			})
		}
		all.Wait()
	}
	run(2000)
	harness.Begin()
	run(*harness.N)
	harness.End(*harness.N)
}
