"""The heap as the collector sees it: spans, and rows of what is reachable in them."""

from __future__ import annotations

import numpy as np

from sim.actors.allocator import Allocator
from sim.actors.background import Sweeper
from sim.actors.heap_report import HeapReport
from sim.actors.memory import Memory
from sim.actors.reachable import Reachable
from sim.actors.scavenging import Scavenging
from sim.actors.sweeping import Sweeping
from sim.engine.clock import ProcessClock
from sim.go.mheap import PAGE
from sim.runtime.interfaces import (
    Allocated,
    Finalized,
    HeapUsage,
    MarkTotals,
    Snapshot,
    SweepReport,
)
from sim.runtime.state import GC, Process
from sim.units import Bytes


class LedgerHeap:
    """See `sim.runtime.interfaces.Heap`."""

    def __init__(
        self,
        clock: ProcessClock,
        gc: GC,
        memory: Memory,
        reachable: Reachable,
        allocator: Allocator,
        sweeping: Sweeping,
        sweeper: Sweeper,
        scavenging: Scavenging,
        report: HeapReport,
        gomaxprocs: int,
    ) -> None:
        self._clock, self._gc, self._memory, self._ps = clock, gc, memory, gomaxprocs
        self._reachable, self._allocator, self._report = reachable, allocator, report
        self._sweeping, self._sweeper, self._scavenging = sweeping, sweeper, scavenging
        self._finalizers_before = 0
        """Finalizers that had been called when the last cycle ended."""

    def finish_sweep(self) -> Process[None]:
        """See `Heap`."""
        heap, sweeping, owed = self._memory.heap, self._sweeping, 0
        if not heap.sweeping.done:
            self._allocator.flush_batch()
            swept, freed = heap.sweep_some(heap.spans.count + 1)
            sweeping.note("start", swept, freed)
            owed = sweeping.ns(swept, freed)
        owed += self._allocator.settle_sweep_debt()
        if owed:
            yield self._clock.work(owed)

    def flush(self) -> None:
        """See `Heap`."""
        self._allocator.flush_batch()

    def snapshot(self) -> Snapshot:
        """See `Heap`."""
        return self._reachable.snapshot()

    def begin_sweep(self) -> MarkTotals:
        """See `Heap`."""
        return self._reachable.begin_sweep()

    def sweep_while_stopped(self) -> Process[None]:
        """See `Heap`: the textbook collector, in which everybody sweeps."""
        heap = self._memory.heap
        self._sweep_caches()
        swept, freed = heap.sweep_some(heap.spans.count + 1)
        self._sweeping.note("stopped", swept, freed)
        yield self._clock.work(round(self._sweeping.ns(swept, freed) / self._ps))

    def _sweep_caches(self) -> None:
        """Ps give up their cached spans before they allocate again (runtime/mcache.go)."""
        heap, stale = self._memory.heap, self._memory.caches.flush()
        self._sweeping.note("flush", len(stale), heap.sweep_cached(stale))

    @property
    def swept(self) -> bool:
        """See `Heap`."""
        return self._memory.heap.sweeping.done

    @property
    def in_use_when_marked(self) -> Bytes:
        """See `Heap`: sweeping has not freed any span yet."""
        return self._memory.heap.stats.in_use_bytes

    def usage(self) -> HeapUsage:
        """See `Heap`."""
        memory, heap, pages = self._memory, self._memory.heap, self._memory.heap.pages
        released = pages.scavenged_pages * PAGE
        return HeapUsage(
            mapped=pages.total_pages * PAGE,
            in_use=heap.stats.in_use_bytes,
            objects=heap.stats.allocated_bytes - heap.stats.freed_bytes,
            free=pages.free_pages * PAGE - released,
            released=released,
            stacks=memory.stacks.span_bytes,
            spans=heap.spans.count,
            mark_words=heap.spans.mark_words,
            classes_used=int(np.count_nonzero(heap.classes_used)),
            finalizers_queued=memory.finalizers.longest,
            specials=memory.finalizers.specials,
            huge=pages.huge_bytes(),
        )

    @property
    def mapped(self) -> Bytes:
        """See `Heap`."""
        return self._memory.heap.pages.total_pages * PAGE

    @property
    def spans(self) -> int:
        """See `Heap`."""
        return self._memory.heap.spans.count

    def commit(self) -> None:
        """See `Heap`."""
        memory, gc = self._memory, self._gc
        memory.heap.pages.next_gen()
        self._sweeping.begin(gc.trigger_at)
        memory.stacks.end_cycle(gc.cycle.scan["stack"], self._reachable.stacks_scanned)

    def change_pace(self) -> None:
        """See `Heap`."""
        self._sweeping.begin(self._gc.trigger_at)
        self._allocator.reprice()

    def resume(self) -> None:
        """See `Heap`."""
        self._finalizers_before = self._memory.finalizers.executed
        self._report.all()
        self._sweep_caches()
        self._allocator.reprice()
        self._sweeper.wake()

    def allocated(self) -> Allocated:
        """See `Heap`."""
        stats = self._memory.heap.stats
        return Allocated(
            stats.allocated_bytes,
            stats.allocated_objects,
            stats.freed_bytes,
            stats.freed_objects,
            round(self._allocator.tiny_allocs),
            stats.allocated_objects - stats.freed_objects,
        )

    def sweep_report(self) -> SweepReport:
        """See `Heap`."""
        return self._sweeping.report()

    def finalized(self) -> Finalized:
        """See `Heap`."""
        finalizers = self._memory.finalizers
        run = finalizers.executed - self._finalizers_before
        return Finalized(finalizers.queued, finalizers.executed, finalizers.due, run)

    def scavenge_cpu(self) -> dict[str, float]:
        """See `Heap`."""
        return dict(self._scavenging.cpu_ns)
