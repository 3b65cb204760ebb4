// How long goroutines run before sysmon preempts them, and how long they sleep, on one P, as JSON
// lists of milliseconds.
package main

import (
	"encoding/json"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"time"
)

const (
	lost   = 8 * time.Millisecond // the clock stands still for so long: another goroutine had the P
	rounds = 60
)

// ran spins until it has lost the P or the time is over, and tells for how long.
func ran(most time.Duration) (time.Duration, bool) {
	begin := time.Now()
	for last := begin; ; {
		now := time.Now()
		if now.Sub(last) > lost {
			return last.Sub(begin), true
		}
		if now.Sub(begin) > most {
			return 0, false
		}
		last = now
	}
}

func spin(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d; {
	}
}

// turns has three goroutines compute on and on.
func turns() []float64 {
	found := make(chan []float64)
	for range 3 {
		go func() {
			var mine []float64
			for begin := time.Now(); time.Since(begin) < time.Second; {
				if d, ok := ran(time.Second); ok {
					mine = append(mine, d.Seconds()*1e3)
				}
			}
			found <- mine
		}()
	}
	var all []float64
	for range 3 {
		all = append(all, <-found...)
	}
	return all
}

// woken is preempted for the first time after a timer woke it, with another one in the queue.
func woken(wait func()) []float64 {
	var all []float64
	for range rounds {
		wait()
		done := make(chan bool)
		go func() { spin(60 * time.Millisecond); done <- true }()
		if d, ok := ran(60 * time.Millisecond); ok {
			all = append(all, d.Seconds()*1e3)
		}
		<-done
	}
	return all
}

func rest() {
	time.Sleep(25*time.Millisecond + time.Duration(rand.Intn(10000))*time.Microsecond)
}

func bustle() {
	for range 40 {
		spin(time.Duration(rand.Intn(6000)) * time.Microsecond)
		time.Sleep(20 * time.Microsecond)
	}
}

// slept is how long sleeps of some microseconds take, in a program that idles meanwhile.
func slept() []float64 {
	var all []float64
	for _, us := range []time.Duration{20, 200, 900, 1500, 5300} {
		var one []float64
		for range rounds {
			begin := time.Now()
			time.Sleep(us * time.Microsecond)
			one = append(one, time.Since(begin).Seconds()*1e3)
			spin(300 * time.Microsecond)
		}
		sort.Float64s(one)
		all = append(all, one[rounds/2])
	}
	return all
}

func main() {
	runtime.GOMAXPROCS(1)
	found := map[string][]float64{"turns": turns(), "rest": woken(rest), "bustle": woken(bustle), "slept": slept()}
	for _, list := range found {
		sort.Float64s(list)
	}
	json.NewEncoder(os.Stdout).Encode(found)
}
