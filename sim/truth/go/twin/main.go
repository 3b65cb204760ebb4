// Twin executes a workload for real: the same goroutines, arrivals, computing, allocation,
// lifetimes, pools and leaks that the simulator models.
//
// Usage: twin SPEC. The specification is JSON that `gomemsim validate` writes. Lines of gctrace and
// the marks `=== begin` and `=== end` of the measured part go to standard error, one JSON object
// with what was measured to standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		fail(err)
	}
	var s spec
	if err := json.Unmarshal(text, &s); err != nil {
		fail(err)
	}
	text = nil
	calibrate()
	p := compile(&s)
	r := newReport()
	runtime.GC()
	r.own = ownAtStart()
	began := time.Now()
	ahead := p.main.run(0)
	began = began.Add(time.Duration(ahead)) // what filling the stores took is not the workload's
	println("=== begin")                    // as gctrace prints, so that lines stay whole
	r.begin()
	done := make(chan struct{})
	go func() {
		p.putOn(&s, r)
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(time.Duration(s.DurationNs) - time.Since(began)):
	}
	r.end()
	println("=== end")
	r.own.add(p)
	r.print()
	runtime.KeepAlive(p)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "twin:", err)
	os.Exit(2)
}

// putOn puts on all load, and returns when all of it is batches and they have ended.
func (p *program) putOn(s *spec, r *report) {
	var all sync.WaitGroup
	for _, l := range s.Load {
		all.Add(1)
		go func(l loadSpec) {
			defer all.Done()
			kind := p.kinds[l.Goroutine]
			switch l.Do {
			case "open":
				openLoop(kind, l.At, l.Via, r)
			case "closed":
				closedLoop(kind, l.Workers, l.Think.compile(), r)
			case "batch":
				batch(kind, l.Count, l.Parallel, r)
				return
			}
			select {}
		}(l)
	}
	all.Wait()
}

// openLoop starts a goroutine at every arrival; what is late is started at once. Requests from the
// network have arrived when they were due, those of a load generator inside when they are started.
func openLoop(kind *kind, at []int64, via string, r *report) {
	begin, file := now(), newNetwork()
	for _, ns := range at {
		arrival, ahead := begin+ns, 0.0
		if via == "network" {
			ahead = file.until(arrival)
		} else {
			time.Sleep(time.Duration(arrival - now()))
			arrival = now()
		}
		go func() {
			kind.run(ahead)
			r.answered(now() - arrival)
		}()
	}
}

// closedLoop has workers that send the next request a think time after the last answer.
func closedLoop(kind *kind, workers int, think values, r *report) {
	for i := 0; i < workers; i++ {
		go func() {
			random := newRandom()
			done := make(chan struct{})
			for {
				time.Sleep(time.Duration(think.draw(&random)))
				request(kind, done, r)
			}
		}()
	}
}

// batch runs so many goroutines, some of them at the same time.
func batch(kind *kind, count, parallel int, r *report) {
	var lanes sync.WaitGroup
	for lane := 0; lane < parallel; lane++ {
		share := count / parallel
		if lane < count%parallel {
			share++
		}
		lanes.Add(1)
		go func() {
			defer lanes.Done()
			done := make(chan struct{})
			for i := 0; i < share; i++ {
				request(kind, done, r)
			}
		}()
	}
	lanes.Wait()
}

// request runs a goroutine and waits for it.
func request(kind *kind, done chan struct{}, r *report) {
	begin := now()
	go func() {
		kind.run(0)
		r.answered(now() - begin)
		done <- struct{}{}
	}()
	<-done
}
