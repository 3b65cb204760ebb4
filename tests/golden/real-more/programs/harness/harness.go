// Package harness marks the measured part of a program and writes what runtime/metrics say of it.
package harness

import (
	"encoding/json"
	"flag"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"time"

	"syscall"
)

var (
	Out     = flag.String("out", "", "file for the figures")
	N       = flag.Int("n", 0, "amount of work")
	Seconds = flag.Float64("seconds", 6, "duration of a program that waits for load")
)

var start map[string]float64
var began time.Time

func read() map[string]float64 {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if len(d.Name) > 9 && d.Name[:9] == "/godebug/" {
			continue
		}
		if d.Kind == metrics.KindUint64 || d.Kind == metrics.KindFloat64 {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	found := map[string]float64{}
	for _, s := range samples {
		v := 0.0
		if s.Value.Kind() == metrics.KindUint64 {
			v = float64(s.Value.Uint64())
		} else {
			v = s.Value.Float64()
		}
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			found[s.Name] = v
		}
	}
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	found["maxrss"] = float64(usage.Maxrss) * 1024
	found["user_s"] = float64(usage.Utime.Nano()) / 1e9
	found["sys_s"] = float64(usage.Stime.Nano()) / 1e9
	return found
}

// Begin starts the measured part.
func Begin() {
	start = read()
	os.Stderr.WriteString("=== begin\n")
	began = time.Now()
}

// End ends it.
func End(n int) {
	wall := time.Since(began).Seconds()
	os.Stderr.WriteString("=== end\n")
	end := read()
	text, err := json.Marshal(map[string]any{
		"start": start, "end": end, "n": n, "procs": runtime.GOMAXPROCS(0), "wall_s": wall,
		"maxrss": end["maxrss"],
	})
	if err != nil {
		panic(err)
	}
	if *Out != "" {
		if err := os.WriteFile(*Out, text, 0o644); err != nil {
			panic(err)
		}
	}
}
