package main

import (
	"encoding/json"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// report is what is measured between begin and end.
type report struct {
	began     time.Time
	wall      time.Duration
	usage     [2]syscall.Rusage
	metrics   [2]map[string]float64
	waited    [2]int64
	latencies [64 * subBuckets]atomic.Uint32
	rss       []sample
	own       own
	stop      chan struct{}
}

type sample struct {
	AtNs int64 `json:"at_ns"`
	RSS  int64 `json:"rss"`
}

const (
	subBits      = 6
	subBuckets   = 1 << subBits // per doubling: 1.6 % resolution
	everySoOften = 100 * time.Millisecond
)

func newReport() *report { return &report{stop: make(chan struct{}), rss: make([]sample, 0, 4096)} }

func (r *report) begin() {
	r.metrics[0] = readMetrics()
	r.usage[0], r.waited[0] = usage(), waitedForCPU()
	r.began = time.Now()
	go r.watch()
}

func (r *report) end() {
	r.wall = time.Since(r.began)
	close(r.stop)
	r.usage[1], r.waited[1] = usage(), waitedForCPU()
	r.metrics[1] = readMetrics()
}

func (r *report) watch() {
	for {
		select {
		case <-r.stop:
			return
		case <-time.After(everySoOften):
			if len(r.rss) < cap(r.rss) {
				r.rss = append(r.rss, sample{int64(time.Since(r.began)), residentBytes()})
			}
		}
	}
}

// answered notes how long a request took.
func (r *report) answered(ns int64) {
	r.latencies[bucket(uint64(ns))].Add(1)
}

func bucket(ns uint64) int {
	if ns < subBuckets {
		return int(ns)
	}
	shift := bits.Len64(ns) - subBits - 1
	return (shift+1)*subBuckets + int(ns>>shift)&(subBuckets-1)
}

// middle is the value in the middle of a bucket.
func middle(b int) float64 {
	if b < subBuckets {
		return float64(b)
	}
	shift := b/subBuckets - 1
	return (float64(subBuckets+b%subBuckets) + 0.5) * float64(uint64(1)<<shift)
}

func (r *report) print() {
	latency, n := r.percentiles()
	out := map[string]any{
		"n": n, "procs": runtime.GOMAXPROCS(0), "go": runtime.Version(),
		"wall_s":     r.wall.Seconds(),
		"user_s":     seconds(r.usage[1].Utime) - seconds(r.usage[0].Utime),
		"sys_s":      seconds(r.usage[1].Stime) - seconds(r.usage[0].Stime),
		"cpu_wait_s": float64(r.waited[1]-r.waited[0]) / 1e9,
		"maxrss":     peakResidentBytes(), "rss": r.rss, "latency_ns": latency,
		"start": r.metrics[0], "end": r.metrics[1], "own": r.own,
		"calibration": map[string]float64{
			"turn_ns": cost.turn, "write_ns": cost.write, "tick_ns": cost.tick,
			"frame_ns": cost.frame, "read_ns": cost.read,
			"typed_ns": cost.typed,
		},
	}
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		fail(err)
	}
}

func (r *report) percentiles() (map[string]float64, int) {
	total := 0
	for i := range r.latencies {
		total += int(r.latencies[i].Load())
	}
	if total == 0 {
		return nil, 0
	}
	out := map[string]float64{}
	for _, q := range []float64{50, 90, 99, 99.9, 100} {
		seen, i := 0, -1
		for float64(seen) < q/100*float64(total) {
			i++
			seen += int(r.latencies[i].Load())
		}
		out[strconv.FormatFloat(q, 'g', -1, 64)] = middle(i)
	}
	return out, total
}

func readMetrics() map[string]float64 {
	var samples []metrics.Sample
	for _, d := range metrics.All() {
		if d.Kind != metrics.KindFloat64Histogram && !strings.HasPrefix(d.Name, "/godebug/") {
			samples = append(samples, metrics.Sample{Name: d.Name})
		}
	}
	metrics.Read(samples)
	out := make(map[string]float64, len(samples))
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindFloat64 {
			out[s.Name] = s.Value.Float64()
		} else {
			out[s.Name] = float64(s.Value.Uint64())
		}
	}
	return out
}

func usage() (u syscall.Rusage) {
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		fail(err)
	}
	return u
}

func seconds(t syscall.Timeval) float64 { return float64(t.Nano()) / 1e9 }

// waitedForCPU is for how long threads could have run and other programs had the CPUs (ns).
func waitedForCPU() (sum int64) {
	threads, _ := filepath.Glob("/proc/self/task/*/schedstat")
	for _, thread := range threads {
		text, _ := os.ReadFile(thread)
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			ns, _ := strconv.ParseInt(fields[1], 10, 64)
			sum += ns
		}
	}
	return sum
}

// residentBytes is the memory of the process that is resident.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

// peakResidentBytes is the most that was resident since the program began. Getrusage would count the
// memory of the process that started this one.
func peakResidentBytes() int64 { return status("VmHWM:") }

// residentFileBytes is what is resident of the executable.
func residentFileBytes() int64 { return status("RssFile:") }

// status is a size that the kernel tells of this process, or 0 where it does not (bytes).
func status(name string) int64 {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, found := strings.Cut(string(text), name)
	if !found {
		return 0
	}
	kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	return kib << 10
}
