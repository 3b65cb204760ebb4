package main

import (
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// network ends waits by readiness of a file, as answers from the network do: Ps look at the poller
// where they do not look at timers. Behind it is a timer of the kernel.
type network struct {
	mu      sync.Mutex
	fd      uintptr
	file    *os.File
	waiters []waiter // a heap, the earliest first
}

type waiter struct {
	due  int64
	wake chan float64
}

var outside = sync.OnceValue(func() *network {
	n := newNetwork()
	go n.deliver()
	return n
})

func newNetwork() *network {
	fd, _, errno := syscall.Syscall(syscall.SYS_TIMERFD_CREATE, clockMonotonic,
		syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if errno != 0 {
		fail(errno)
	}
	return &network{fd: fd, file: os.NewFile(fd, "timerfd")}
}

const (
	clockMonotonic = 1
	absoluteTime   = 1 // TFD_TIMER_ABSTIME
)

// now is the kernel's monotonic clock.
func now() int64 {
	var t syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

// arm makes the file ready at an instant.
func (n *network) arm(at int64) {
	value := [2]syscall.Timespec{1: syscall.NsecToTimespec(max(at, 1))}
	_, _, errno := syscall.Syscall6(syscall.SYS_TIMERFD_SETTIME, n.fd, absoluteTime,
		uintptr(unsafe.Pointer(&value)), 0, 0, 0)
	if errno != 0 {
		fail(errno)
	}
}

// ready blocks until the file is ready.
func (n *network) ready() {
	var expired [8]byte
	if _, err := n.file.Read(expired[:]); err != nil {
		fail(err)
	}
}

// readsPerWait: one finds the file not ready, one ends the wait.
const readsPerWait = 2

// until blocks until an instant; only one goroutine may use the network this way. It returns what
// the twin did itself for it (ns).
func (n *network) until(at int64) (own float64) {
	begin := tick()
	if at > now() {
		n.arm(at)
		own = tick() - begin + cost.tick + readsPerWait*cost.read
		n.ready()
	}
	return own
}

// wait blocks the goroutine for a while. What the twin does itself for it counts as computing.
func (n *network) wait(d time.Duration, g *goroutine) {
	begin := tick()
	due := now() + int64(d)
	n.mu.Lock()
	n.push(waiter{due, g.wake})
	if n.waiters[0].due == due {
		n.arm(due)
	}
	n.mu.Unlock()
	g.book(begin)
	g.ahead += <-g.wake
}

// deliver wakes those whose answer has come, and tells them what that took (ns).
func (n *network) deliver() {
	for took := 0.0; ; {
		n.ready()
		took += readsPerWait*cost.read + 2*cost.tick
		begin := tick()
		n.mu.Lock()
		for time := now(); len(n.waiters) > 0 && n.waiters[0].due <= time; {
			w := n.pop()
			at := tick()
			w.wake <- min(took+at-begin, interrupted)
			took, begin = 0, at
		}
		if len(n.waiters) > 0 {
			n.arm(n.waiters[0].due)
		}
		n.mu.Unlock()
		took += tick() - begin
	}
}

func (n *network) push(w waiter) {
	h := append(n.waiters, w)
	i := len(h) - 1
	for ; i > 0 && h[(i-1)/2].due > w.due; i = (i - 1) / 2 {
		h[i] = h[(i-1)/2]
	}
	h[i] = w
	n.waiters = h
}

func (n *network) pop() waiter {
	h := n.waiters
	first, last := h[0], h[len(h)-1]
	h[len(h)-1] = waiter{}
	h = h[:len(h)-1]
	i := 0
	for child := 1; child < len(h); child = 2*i + 1 {
		if child+1 < len(h) && h[child+1].due < h[child].due {
			child++
		}
		if h[child].due >= last.due {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = last
	}
	n.waiters = h
	return first
}
