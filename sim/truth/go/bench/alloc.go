package main

import (
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"
)

// shape allocates objects of one size, with or without pointers.
type shape struct {
	size   int
	scan   bool
	create func(n int)
	skip   func(n int) // what create does besides allocating
	keep   func() any
}

var sink any

type (
	plain[A any]  struct{ body A }
	pointy[A any] struct {
		next *byte
		body A
	}
)

func of[T any](scan bool) shape {
	var last *T
	return shape{
		size: int(unsafe.Sizeof(*last)),
		scan: scan,
		create: func(n int) {
			for range n {
				last = new(T)
			}
		},
		skip: func(n int) {
			for range n {
				last = nil
			}
		},
		keep: func() any { return new(T) },
	}
}

func shapes() []shape {
	return []shape{
		of[plain[[16]byte]](false), of[plain[[32]byte]](false),
		of[plain[[64]byte]](false), of[plain[[128]byte]](false),
		of[plain[[256]byte]](false), of[plain[[512]byte]](false),
		of[plain[[1024]byte]](false), of[plain[[2048]byte]](false),
		of[plain[[4096]byte]](false), of[plain[[8192]byte]](false),
		of[plain[[16384]byte]](false), of[plain[[27264]byte]](false),
		of[pointy[[8]byte]](true), of[pointy[[24]byte]](true),
		of[pointy[[56]byte]](true), of[pointy[[120]byte]](true),
		of[pointy[[248]byte]](true), of[pointy[[504]byte]](true),
		of[pointy[[1008]byte]](true), of[pointy[[2032]byte]](true),
		of[pointy[[4080]byte]](true), of[pointy[[8176]byte]](true),
		of[pointy[[16360]byte]](true), of[pointy[[27248]byte]](true),
	}
}

// volume is what a shape allocates in one measurement: more than the caches close to a core hold.
const volume = 48 * mib

// alloc: objects into recycled pages, so every span is fresh and nothing faults. Small ones come in
// mixtures, as programs allocate them: every size has a span of its own, none is in the closest
// cache all the time, and which comes next cannot be predicted.
func alloc() {
	single()
	grow(volume)
	for _, s := range shapes() {
		if s.size >= 512 {
			measure([]shape{s})
		}
	}
	for _, scan := range []bool{false, true} {
		for _, largest := range []int{64, 256, 1024} {
			measure(choose(scan, largest))
		}
	}
}

// choose takes the shapes up to a size.
func choose(scan bool, largest int) (chosen []shape) {
	for _, s := range shapes() {
		if s.scan == scan && s.size <= largest {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

// measure allocates shapes in random order.
func measure(mixture []shape) {
	deck := shuffledDeck(len(mixture))
	n := volume / 2 / meanSize(mixture)
	create := func() {
		for i := range n {
			mixture[deck[i%len(deck)]].create(1)
		}
	}
	create()
	runtime.GC()
	begin := cpu()
	create()
	middle := cpu()
	for i := range n {
		mixture[deck[i%len(deck)]].skip(1)
	}
	took := middle - begin - (cpu() - middle)
	emit(row{"sizes": sizes(mixture), "scan": mixture[0].scan, "ns": per(took, n)})
	runtime.GC()
}

// shuffledDeck has every shape of a mixture equally often, in random order.
func shuffledDeck(shapes int) []uint8 {
	deck := make([]uint8, 4096*shapes)
	for i := range deck {
		deck[i] = uint8(i % shapes)
	}
	shuffle(deck)
	return deck
}

func sizes(mixture []shape) (all []int) {
	for _, s := range mixture {
		all = append(all, s.size)
	}
	return all
}

func meanSize(mixture []shape) int {
	sum := 0
	for _, s := range mixture {
		sum += s.size
	}
	return sum / len(mixture)
}

// clearing: bytes of memory that was in use a while ago, by the page as spans are.
func clearing() {
	single()
	const page = 8 << 10
	memory := make([]byte, volume/2)
	sweep := func() int64 {
		begin := cpu()
		for i := 0; i < len(memory); i += page {
			clear(memory[i : i+page])
		}
		return cpu() - begin
	}
	sweep()
	emit(row{"ns": per(sweep(), len(memory))})
}

// partial: objects into the holes of spans that are in use and swept. Holes lie where objects died
// in no order, in a heap that no cache holds.
func partial() {
	single()
	grow(4 * volume)
	random := rand.New(rand.NewPCG(1, 2))
	for _, scan := range []bool{false, true} {
		mixture := choose(scan, 256)
		deck := shuffledDeck(len(mixture))
		for _, every := range []int{2, 4, 8, 16} {
			n := 2 * volume / meanSize(mixture)
			kept := make([]any, 0, n)
			for i := range n {
				object := mixture[deck[i%len(deck)]].keep()
				if random.IntN(every) > 0 {
					kept = append(kept, object)
				}
			}
			runtime.GC()
			holes := n / every * 9 / 10
			begin := cpu()
			for i := range holes {
				mixture[deck[i%len(deck)]].create(1)
			}
			middle := cpu()
			for i := range holes {
				mixture[deck[i%len(deck)]].skip(1)
			}
			took := middle - begin - (cpu() - middle)
			emit(row{"sizes": sizes(mixture), "scan": scan, "every": every, "ns": per(took, holes)})
			runtime.KeepAlive(kept)
			runtime.GC()
		}
	}
}

// tiny: objects of 8 bytes without pointers, two to a block.
func tiny() {
	single()
	grow(volume)
	s := of[int64](false)
	n := volume / 2 / s.size
	s.create(n)
	runtime.GC()
	begin := cpu()
	s.create(n)
	emit(row{"size": s.size, "ns": per(cpu()-begin, n)})
}

// large: objects above 32 KiB, cleared.
func large() {
	single()
	grow(4 * volume)
	for _, size := range []int{40 << 10, 64 << 10, 128 << 10, 512 << 10, 2 * mib} {
		n := 2 * volume / size
		create := func() {
			for range n {
				sink = make([]byte, size)
			}
		}
		create()
		runtime.GC()
		begin := cpu()
		create()
		emit(row{"size": size, "ns": per(cpu()-begin, n)})
		runtime.GC()
	}
}

// faults: first touch of pages of the OS, and again after they were released.
func faults() {
	single()
	const size, page = 64 * mib, 4096
	memory, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"fresh", "released"} {
		begin := cpu()
		for i := 0; i < size; i += page {
			memory[i] = 1
		}
		emit(row{"case": name, "ns": per(cpu()-begin, size/page)})
		if err := syscall.Madvise(memory, syscall.MADV_DONTNEED); err != nil {
			panic(err)
		}
	}
}

// pages: the heap lock is held to take and to free a span; a span set is pushed and popped,
// and a span moves between lists under a lock.
func pages() {
	single()
	grow(volume)
	const spans, rounds = 256, 64
	var take, free []float64
	for range rounds {
		a, f := runtime.ProbeSpans(spans, 16)
		take, free = append(take, float64(a)), append(free, float64(f))
	}
	emit(row{"case": "alloc", "ns": median(take)})
	emit(row{"case": "free", "ns": median(free)})

	const n = 1 << 20
	begin := cpu()
	runtime.ProbeSpanSet(n)
	emit(row{"case": "span_set", "ns": per(cpu()-begin, 2*n)})

	begin = cpu()
	runtime.ProbeSpanList(n)
	emit(row{"case": "span_list", "ns": per(cpu()-begin, n)})
}

// scavenge: free pages go back to the OS, 64 KiB at a time.
func scavenge() {
	single()
	debug.FreeOSMemory()
	grow(volume)
	const quantum = 64 << 10
	var sum, took int64
	for range volume / 2 / quantum {
		released, ns := runtime.ProbeScavenge(quantum)
		sum, took = sum+released, took+ns
	}
	emit(row{"ns": float64(took) / (float64(sum) / quantum), "bytes": sum})
}

// single: one P, no collection but when asked.
func single() {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
}

// grow makes the heap take memory from the OS and touch it, and frees it.
func grow(size int) {
	for range size / mib {
		block := make([]byte, mib)
		for i := 0; i < mib; i += 4096 {
			block[i] = 1
		}
		sink = block
	}
	sink = nil
	runtime.GC()
	time.Sleep(time.Millisecond)
}

func per(ns int64, n int) float64 { return float64(ns) / float64(n) }
