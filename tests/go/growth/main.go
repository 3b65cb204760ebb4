// Growth prints the capacities of slices that are appended to, and what maps allocate, as JSON.
package main

import (
	"encoding/json"
	"os"
	"runtime"
)

// kept lets slices and maps escape to the heap: others begin on the stack.
var kept any

// capacities are those of a slice that gets so many elements, one by one, after its size and whether
// it has pointers.
func capacities[T any](pointers, elements int, size int) []int {
	found := []int{size, pointers}
	var all []T
	kept = &all
	for last := 0; len(all) < elements; {
		var one T
		all = append(all, one)
		if cap(all) != last {
			last = cap(all)
			found = append(found, last)
		}
	}
	return found
}

// allocated is what a map allocates until it has so many entries (bytes).
func allocated[V any](entries, slot int) []int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	all := map[uint64]V{}
	kept = all
	for i := 0; i < entries; i++ {
		var v V
		all[uint64(i)] = v
	}
	runtime.ReadMemStats(&after)
	kept = nil
	return []int{slot, entries, int(after.TotalAlloc - before.TotalAlloc)}
}

func main() {
	slices := [][]int{
		capacities[byte](0, 200_000, 1),
		capacities[uint64](0, 100_000, 8),
		capacities[*int](1, 100_000, 8),
		capacities[[3]uint64](0, 10_000, 24),
		capacities[[5]*int](1, 10_000, 40),
		capacities[[100]byte](0, 3_000, 100),
	}
	var maps [][]int
	for _, entries := range []int{5, 8, 9, 100, 800, 1_000, 10_000, 50_000, 200_000} {
		maps = append(maps, allocated[uint64](entries, 16), allocated[[12]uint64](entries, 104))
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"slices": slices, "maps": maps})
}
