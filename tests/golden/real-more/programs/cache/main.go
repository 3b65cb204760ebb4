// cache looks keys up in an LRU map with misses that replace entries; requests come at random.
package main

import (
	"container/list"
	"flag"
	"fmt"
	"math/rand/v2"
	"programs/harness"
	"sync"
	"time"
)

type entry struct {
	key   string
	value []byte
	tags  map[string]string
}

type cache struct {
	mu    sync.Mutex
	items map[string]*list.Element
	order *list.List
	size  int
}

func (c *cache) get(key string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(*entry)
	}
	n := &entry{key, make([]byte, 200+len(key)*13%400), map[string]string{"owner": key, "kind": "x"}}
	c.items[key] = c.order.PushFront(n)
	if c.order.Len() > c.size {
		last := c.order.Back()
		delete(c.items, c.order.Remove(last).(*entry).key)
	}
	return n
}

func main() {
	rate := flag.Float64("rate", 400, "requests per second")
	flag.Parse()
	c := &cache{items: map[string]*list.Element{}, order: list.New(), size: 60000}
	request := func(seed uint64) {
		r := rand.New(rand.NewPCG(seed, 3))
		var parts []string
		for range 300 {
			f := r.Float64()
			e := c.get(fmt.Sprintf("user:%07d", int(f*f*f*400000)))
			parts = append(parts, e.key+"="+fmt.Sprint(len(e.value)))
		}
		if len(parts) == 0 {
			panic("none")
		}
	}
	for i := range 60000 {
		c.get(fmt.Sprintf("user:%07d", i))
	}
	count := uint64(0)
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
			all.Go(func() { request(count) })
		}
		all.Wait()
	}
	run(1)
	harness.Begin()
	run(*harness.Seconds)
	harness.End(int(count))
}
