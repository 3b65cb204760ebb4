package main

import "math/rand/v2"

// line is what a cache holds or not.
type line struct {
	next int
	_    [56]byte
}

// latency: reading memory in random order, of a little that caches hold up to much that none does.
func latency() {
	single()
	for bytes := mib / 4; bytes <= 2*heapBytes; bytes *= 2 {
		emit(row{"bytes": bytes, "ns": chase(make([]line, bytes/64))})
	}
}

// chase is the time of following a pointer; all of them lead through all lines once, in random order.
func chase(lines []line) float64 {
	for i := range lines {
		lines[i].next = i
	}
	for i := len(lines) - 1; i > 0; i-- { // Sattolo's algorithm: one cycle
		j := rand.IntN(i)
		lines[i].next, lines[j].next = lines[j].next, lines[i].next
	}
	follow(lines, len(lines))
	const steps = 1 << 20
	begin := cpu()
	follow(lines, steps)
	return float64(cpu()-begin) / steps
}

// last keeps the compiler from leaving the reads out.
var last int

//go:noinline
func follow(lines []line, steps int) {
	at := last % len(lines)
	for range steps {
		at = lines[at].next
	}
	last = at
}
