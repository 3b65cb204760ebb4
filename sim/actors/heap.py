"""The heap as the collector sees it: spans, and rows of what is reachable in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.actors.background import start_sweeping
from sim.actors.reporting import report_free_runs, report_locks, report_spans
from sim.actors.retention import Retention
from sim.actors.world import World
from sim.go.mheap import PAGE
from sim.machine.price import crowding_ns, mark_cpu_ns
from sim.runtime.interfaces import (
    Allocated,
    Finalized,
    HeapUsage,
    Marked,
    Snapshot,
    Swept,
)
from sim.runtime.state import Process
from sim.units import Bytes
from sim.workload.ledger import Ledger


class LedgerHeap:
    """See `sim.runtime.interfaces.Heap`."""

    def __init__(self, world: World) -> None:
        self._world, self._memory, self._gc = world, world.memory, world.gc
        self._allocator, self._sweeping = world.allocator, world.sweeping
        self._snapshot: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        """Slots by span that the snapshot found reachable."""
        self._stacks_scanned = 0
        """Goroutines whose stacks the cycle scans."""
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
            yield self._world.env.work(owed)

    def flush(self) -> None:
        """See `Heap`."""
        self._allocator.flush_batch()

    def snapshot(self) -> Snapshot:
        """See `Heap`."""
        memory, gc, columns = self._memory, self._gc, self._world.kinds
        empty_pools(self._world.retention, memory.ledger, len(columns))
        memory.finalizers.bury(memory.ledger, self._world.streams["lifetimes"])
        capacity = memory.heap.spans.capacity
        self._snapshot = memory.ledger.per_span(capacity)
        self._allocator.black = np.zeros(capacity, dtype=np.int64)
        live = memory.ledger.per_kind(len(columns))
        specials = memory.finalizers.roots(memory.ledger)
        mark = self._world.machine.mark
        counts = gc.marker.count(
            columns.table,
            live,
            memory.ledger.spans_per_kind(columns.ranks),
            memory.ledger.scattered_per_kind(len(columns)),
            vector_kernel=mark.vector_kernel > 0,
        )
        self._stacks_scanned = memory.stacks.goroutines
        found = Snapshot(
            stack_scan=memory.stacks.used,
            heap_scan=round(counts.scan_bytes + float(np.dot(specials, columns.scan_bytes))),
            cpu_ns=mark_cpu_ns(counts, mark),
            specials_ns=float(specials.sum()) * self._world.machine.finalizer.root_ns,
            crowding_ns=crowding_ns(counts, mark),
            goroutines=self._world.sched.goroutines,
            stacks=memory.stacks.allocated,
            reachable=round(float(np.dot(live, columns.slot_bytes))),
        )
        memory.stacks.scan()
        return found

    def begin_sweep(self) -> Marked:
        """See `Heap`."""
        memory, columns = self._memory, self._world.kinds
        spans = memory.heap.spans
        reachable = memory.ledger.expected_per_kind(len(columns))
        before = _padded(self._snapshot, spans.capacity)
        black = _padded(self._allocator.black, spans.capacity)
        if not self._world.switches.black_allocation:
            black = memory.ledger.per_span(spans.capacity) - before
        black_bytes = int(np.dot(black, spans.slot_bytes))
        marked_bytes = int(np.dot(before, spans.slot_bytes)) + black_bytes
        memory.heap.begin_sweep(before + black + self._revived())
        return Marked(
            marked_bytes, black_bytes, round(float(np.dot(reachable, columns.slot_bytes)))
        )

    def _revived(self) -> NDArray[np.int64]:
        """Unmarked slots by span that wait for their finalizers."""
        memory = self._memory
        return memory.finalizers.revive(
            memory.ledger, memory.heap.spans.capacity, memory.heap.stats.pages_in_use
        )

    def sweep_while_stopped(self) -> Process[None]:
        """See `Heap`: the textbook collector, in which everybody sweeps."""
        world, heap = self._world, self._memory.heap
        self._sweep_caches()
        swept, freed = heap.sweep_some(heap.spans.count + 1)
        self._sweeping.note("stopped", swept, freed)
        yield world.env.work(round(self._sweeping.ns(swept, freed) / world.gomaxprocs))

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

    def commit(self) -> None:
        """See `Heap`."""
        memory, gc = self._memory, self._gc
        memory.heap.pages.next_gen()
        self._sweeping.begin(gc.trigger_at)
        memory.stacks.end_cycle(gc.cycle.scan["stack"], self._stacks_scanned)

    def resume(self) -> None:
        """See `Heap`."""
        world = self._world
        self._finalizers_before = self._memory.finalizers.executed
        report_spans(world)
        report_free_runs(world)
        report_locks(world)
        self._sweep_caches()
        self._allocator.reprice()
        start_sweeping(world)

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

    def sweep_report(self) -> Swept:
        """See `Heap`."""
        return self._sweeping.report()

    def finalized(self) -> Finalized:
        """See `Heap`."""
        finalizers = self._memory.finalizers
        run = finalizers.executed - self._finalizers_before
        return Finalized(finalizers.queued, finalizers.executed, finalizers.due, run)

    def scavenge_cpu(self) -> dict[str, float]:
        """See `Heap`."""
        return dict(self._world.scavenging.cpu_ns)


def empty_pools(retention: Retention, ledger: Ledger, kinds: int) -> None:
    """sync.Pool's cleanup; the ledger keeps as many as the pool has (sync/pool.go)."""
    for pool in retention.pools.values():
        dropped, total = pool.cleanup()
        held = int(ledger.held_by(pool.owner, kinds).sum())
        if held > total - dropped:
            ledger.thin(pool.owner, 1 - (total - dropped) / held)


def _padded(column: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.concatenate((column, np.zeros(length - len(column), dtype=np.int64)))
