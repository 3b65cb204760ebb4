"""Who sweeps what, what it takes, and how it keeps pace with allocation (runtime/mgcsweep.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from sim.go.mheap import HeapStats, MHeap
from sim.go.sweep import SweepPace
from sim.machine.profile import SweepCosts
from sim.runtime.interfaces import SweepReport
from sim.runtime.state import GC
from sim.units import Nanoseconds


class SweepEnd(NamedTuple):
    """The end of a sweep (runtime/mgcsweep.go: activeSweep.end)."""

    heap_live: int
    allocated: int
    """heap_live moved by so much since the sweep began."""
    pages: int
    pages_per_byte: float


NO_SWEEP: Final = SweepEnd(0, 0, 0, 0.0)


class Sweeping:
    """How the sweep after the last cycle goes, and what it takes."""

    def __init__(self, heap: MHeap, gc: GC, costs: SweepCosts) -> None:
        self._heap, self._gc, self._costs = heap, gc, costs
        self.pace = SweepPace()
        self.on_swept: Callable[[], None] = lambda: None
        """What sweeping sets off: finalizers become due. Set by the build."""
        self._spans: dict[str, int] = {}
        """Spans swept by whom since the last cycle ended, and spans freed."""
        self._done: SweepEnd | None = None
        """How it ended, once it has."""
        self.counters_before = HeapStats()
        """The heap's counters when the last cycle ended."""

    def note(self, who: str, swept: int, freed: int) -> None:
        """Count spans swept and freed, by cause: the columns `swept_*` of the table of cycles."""
        spans, heap = self._spans, self._heap
        spans[who] = spans.get(who, 0) + swept
        spans["freed"] = spans.get("freed", 0) + freed
        self.on_swept()
        if heap.sweeping.done and self._done is None:
            live = self._gc.pacer.heap_live
            self._done = SweepEnd(
                live,
                live - self.pace.heap_live_basis,
                heap.stats.pages_swept,
                self.pace.pages_per_byte,
            )

    def ns(self, swept: int, freed: int) -> Nanoseconds:
        """CPU time of sweeping so many spans, of which so many went back to the page heap."""
        return round(swept * self._costs.span_ns + freed * self._costs.freed_span_ns)

    def pay_debt(self) -> Nanoseconds:
        """Proportional sweep before allocating (runtime/mgcsweep.go: deductSweepCredit): CPU time.

        The next batch pays for it, byte by byte.
        """
        heap = self._heap
        if heap.sweeping.done or self.pace.pages_per_byte == 0.0:
            return 0
        owed = self.pace.target(self._gc.pacer.heap_live, 0) - heap.stats.pages_swept
        if owed <= 0:
            return 0
        swept, freed = heap.sweep_pages(owed)
        self.note("debt", swept, freed)
        return self.ns(swept, freed)

    def begin(self, trigger: int) -> None:
        """Goal and trigger of the next cycle are fixed: pace the sweep by them."""
        heap = self._heap
        self.pace.commit(
            done=heap.sweeping.done,
            trigger=trigger,
            heap_live=self._gc.pacer.heap_live,
            pages_in_use=heap.stats.pages_in_use,
        )

    def report(self) -> SweepReport:
        """How the sweep before the cycle that has ended went; the next report begins here."""
        stats, before = self._heap.stats, self.counters_before
        found = SweepReport(
            dict(self._spans),
            stats.spans_freed - before.spans_freed,
            stats.freed_bytes - before.freed_bytes,
            *(self._done or NO_SWEEP),
        )
        self._spans.clear()
        self._done, self.counters_before = None, stats.copy()
        return found
