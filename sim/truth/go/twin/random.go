package main

import (
	"math/bits"
	"sync/atomic"
)

// random is a small and fast generator (splitmix64); every goroutine has its own.
type random uint64

var seeds atomic.Uint64

func newRandom() random { return random(seeds.Add(1) * 0x9e3779b97f4a7c15) }

func (r *random) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below draws a number from 0 to n-1.
func (r *random) below(n int) int {
	high, _ := bits.Mul64(r.next(), uint64(n))
	return int(high)
}

// unit draws a number from 0 to 1.
func (r *random) unit() float64 { return float64(r.next()>>11) / (1 << 53) }
