"""Memory beside the heap: what counts against GOMEMLIMIT, and what the process occupies.

Source: runtime/mgcpacer.go, memoryLimitHeapGoal: mapped memory less free pages less heap objects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.go.pacer.go127 import LIMIT_HEADROOM_PERCENT, LIMIT_MIN_HEADROOM
from sim.units import Bytes, Fraction, MiB


@dataclass(frozen=True, slots=True)
class Overheads:
    """Memory beside the heap: a part that does not grow with it, and a share of it.

    With C memory of the Go runtime beside a heap H, and R what is resident:
    C = fixed + share * H, and R = program + fixed - untouched + (1 + share - unused) * H.
    """

    fixed: Bytes = 7 * MiB
    """Metadata of the collector, heap profile buckets, stacks, mcaches, spans that few use."""
    share: Fraction = 0.06
    """Of a heap of small objects: 160 B of mspan per page of 8 KiB, tails, headers and bitmaps
    inside spans, mark bitmaps, slots still free. A heap of large objects has next to nothing."""
    unused: Fraction = 0.03
    """Of the share: slots still free. They count against the limit, but the heap at its peak has
    them already: a span counts as full as soon as a P caches it (runtime/mcache.go, refill)."""
    untouched: Bytes = 3 * MiB
    """Of the fixed part: tables that are mapped whole and written to here and there."""
    program: Bytes = 16 * MiB
    """The program's file and memory of C libraries: resident, but unknown to the Go runtime."""
    run: float = 1.0
    """By what factor resident memory of the run is another than that of such runs."""
    measured: bool = False
    """Fixed part and share were measured in this process, not assumed."""

    def with_goal(self, goal: Bytes, limit: Bytes) -> Overheads:
        """Such that a limit leaves this goal, and the headroom that Go keeps free."""
        heap = max(goal / (1 - LIMIT_HEADROOM_PERCENT / 100), goal + LIMIT_MIN_HEADROOM)
        fixed = max(0, round(limit - heap - self.share * heap))
        return replace(self, fixed=fixed, untouched=min(fixed, self.untouched), measured=True)

    def at(self, heap: float) -> Bytes:
        """Bytes beside a heap of that size that count against a limit."""
        return int(self.fixed + self.share * heap)

    def within(self, limit: Bytes) -> Bytes:
        """The same when heap and overheads together fill the limit."""
        return self.at(max(0.0, (limit - self.fixed) / (1 + self.share)))

    def resident(self, peak_heap: float) -> Bytes:
        """Resident memory of the process at the peak."""
        return int(self.run * (self.program + self.runtime_resident(peak_heap)))

    def runtime_resident(self, peak_heap: float) -> float:
        """What of it the Go runtime knows of."""
        of_the_heap = 1 + max(0.0, self.share - self.unused)
        return max(0.0, self.fixed - self.untouched) + of_the_heap * peak_heap
