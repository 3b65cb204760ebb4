package main

import (
	"runtime"
	"unsafe"
)

// finalizers: setting them, marking a heap of objects that have them, queueing and calling them.
func finalizers() {
	single()
	grow(volume)
	finalized[pointy[[56]byte]](1 << 18)
	finalized[pointy[[248]byte]](1 << 16)
	finalized[pointy[[1008]byte]](1 << 14)
}

func finalized[T any](n int) {
	objects := make([]*T, n)
	for i := range objects {
		objects[i] = new(T)
	}
	without := collections()
	called := 0
	call := func(*T) { called++ }
	begin := cpu()
	for _, object := range objects {
		runtime.SetFinalizer(object, call)
	}
	report("set", *objects[0], float64(cpu()-begin)/float64(n))
	root := max(collections()-without, 0) / float64(n)
	report("root", *objects[0], root)

	release := holdFinalizers()
	clear(objects)
	queued := collection()
	begin = cpu()
	close(release)
	for called < n {
		runtime.Gosched()
	}
	took := float64(cpu()-begin) + queued - collection()
	var object T
	report("run", object, max(took/float64(n)-root, 0))
	runtime.KeepAlive(objects)
}

func report[T any](name string, object T, ns float64) {
	emit(row{"case": name, "size": unsafe.Sizeof(object), "ns": ns})
}

// collections is the CPU time of a collection, the median of some.
func collections() float64 {
	runtime.GC()
	sample := make([]float64, 7)
	for i := range sample {
		sample[i] = collection()
	}
	return median(sample)
}

func collection() float64 {
	begin := cpu()
	runtime.GC()
	return float64(cpu() - begin)
}

// holdFinalizers lets a finalizer wait until the channel is closed, and all others behind it.
func holdFinalizers() chan struct{} {
	waits, release := make(chan struct{}), make(chan struct{})
	runtime.SetFinalizer(new([4096]byte), func(*[4096]byte) {
		close(waits)
		<-release
	})
	runtime.GC()
	<-waits
	return release
}
