"""Memory beside the heap: what counts against GOMEMLIMIT, and what the process occupies.

Source: runtime/mgcpacer.go, memoryLimitHeapGoal: mapped memory less free pages less heap objects.
"""

from __future__ import annotations

from dataclasses import dataclass

from sim.units import Bytes, Fraction, MiB


@dataclass(frozen=True, slots=True)
class Overheads:
    """Non-heap memory as a fixed part and a part that grows with the heap.

    The fixed part is what a Go 1.27 process of a few MiB of heap has mapped: page tables and other
    metadata 2.4 MiB, heap profile buckets 1.4 MiB, stacks, mcaches and the rest 1.2 MiB. The share
    is that of a heap of small objects: 160 B of mspan per page of 8 KiB, tails, headers and bitmaps
    inside spans, mark bitmaps, slots still free. A heap of large objects has next to nothing of it.
    """

    fixed: Bytes = 5 * MiB
    share: Fraction = 0.06
    unused: Fraction = 0.03
    """Of the share: slots still free. They count against the limit, but the heap at its peak has
    them already: a span counts as full as soon as a P caches it (runtime/mcache.go, refill)."""
    program: Bytes = 3 * MiB
    """Code, data and memory of C libraries: resident, but unknown to the Go runtime. A program of a
    few thousand lines has 2.5 MiB of code resident (footprint.text_bytes of a machine profile)."""
    measured: bool = False
    """In this process, not assumed."""

    def at(self, heap: float) -> Bytes:
        """Non-heap bytes beside a heap of that size."""
        return int(self.fixed + self.share * heap)

    def within(self, limit: Bytes) -> Bytes:
        """Non-heap bytes when heap and overheads together fill the limit."""
        return self.at(max(0.0, (limit - self.fixed) / (1 + self.share)))

    def resident(self, peak_heap: float, limit: Bytes | None) -> Bytes:
        """Resident memory at the peak; under a limit the scavenger returns what exceeds it."""
        mapped = peak_heap + self.at(peak_heap) - min(self.unused, self.share) * peak_heap
        if limit is not None and mapped > limit:
            mapped = max(peak_heap + self.fixed, limit)
        return int(mapped) + self.program
