"""The heap as the collector sees it: spans, and rows of what is reachable in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.actors.malloc import flush_batch, settle_sweep_debt
from sim.actors.prices import reprice
from sim.actors.reporting import report_free_runs, report_locks, report_spans
from sim.actors.sweeping import note_sweep, start_sweeping, sweep_ns
from sim.actors.world import Memory, SweepDone, World
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

NO_SWEEP = SweepDone(0, 0, 0, 0.0)


class LedgerHeap:
    """See `sim.runtime.interfaces.Heap`."""

    def __init__(self, world: World) -> None:
        self._world, self._memory, self._gc = world, world.memory, world.gc

    def finish_sweep(self) -> Process[None]:
        """See `Heap`."""
        world, heap, owed = self._world, self._memory.heap, 0
        if not heap.sweeping.done:
            flush_batch(world)
            swept, freed = heap.sweep_some(heap.spans.count + 1)
            note_sweep(world, "start", swept, freed)
            owed = sweep_ns(swept, freed, world)
        owed += settle_sweep_debt(world)
        if owed:
            yield world.env.work(owed)

    def flush(self) -> None:
        """See `Heap`."""
        flush_batch(self._world)

    def snapshot(self) -> Snapshot:
        """See `Heap`."""
        memory, gc = self._memory, self._gc
        empty_pools(memory)
        memory.finalizers.bury(memory.ledger, self._world.streams["lifetimes"])
        capacity, kinds = memory.heap.spans.capacity, memory.kinds
        memory.snapshot_rows = memory.ledger.per_span(capacity)
        memory.black = np.zeros(capacity, dtype=np.int64)
        live = memory.ledger.per_kind(len(kinds))
        specials = memory.finalizers.roots(memory.ledger)
        mark = self._world.machine.mark
        counts = gc.marker.count(
            kinds, live, memory.ledger.spans_per_kind(memory.kind_ranks),
            memory.ledger.scattered_per_kind(len(kinds)), vector_kernel=mark.vector_kernel > 0,
        )  # fmt: skip
        memory.stacks_scanned = memory.stacks.goroutines
        found = Snapshot(
            stack_scan=memory.stacks.used,
            heap_scan=round(counts.scan_bytes + float(np.dot(specials, memory.kind_scan))),
            cpu_ns=mark_cpu_ns(counts, mark),
            specials_ns=float(specials.sum()) * self._world.machine.finalizer.root_ns,
            crowding_ns=crowding_ns(counts, mark), goroutines=self._world.sched.goroutines,
            stacks=memory.stacks.allocated,
            reachable=round(float(np.dot(live, memory.kind_slots))),
        )  # fmt: skip
        memory.stacks.scan()
        return found

    def begin_sweep(self) -> Marked:
        """See `Heap`."""
        memory = self._memory
        spans = memory.heap.spans
        reachable = memory.ledger.expected_per_kind(len(memory.kinds))
        before = _padded(memory.snapshot_rows, spans.capacity)
        black = _padded(memory.black, spans.capacity)
        if not self._world.switches.black_allocation:
            black = memory.ledger.per_span(spans.capacity) - before
        black_bytes = int(np.dot(black, spans.slot_bytes))
        marked_bytes = int(np.dot(before, spans.slot_bytes)) + black_bytes
        memory.heap.begin_sweep(before + black + self._revived())
        return Marked(
            marked_bytes, black_bytes, round(float(np.dot(reachable, memory.kind_slots)))
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
        note_sweep(world, "stopped", swept, freed)
        yield world.env.work(round(sweep_ns(swept, freed, world) / world.gomaxprocs))

    def _sweep_caches(self) -> None:
        """Ps give up their cached spans before they allocate again (runtime/mcache.go)."""
        heap, stale = self._memory.heap, self._memory.caches.flush()
        note_sweep(self._world, "flush", len(stale), heap.sweep_cached(stale))

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
            mapped=pages.total_pages * PAGE, in_use=heap.stats.in_use_bytes,
            objects=heap.stats.allocated_bytes - heap.stats.freed_bytes,
            free=pages.free_pages * PAGE - released, released=released,
            stacks=memory.stacks.span_bytes, spans=heap.spans.count,
            mark_words=heap.spans.mark_words,
            classes_used=int(np.count_nonzero(heap.classes_used)),
            finalizers_queued=memory.finalizers.longest, specials=memory.finalizers.specials,
            huge=pages.huge_bytes(),
        )  # fmt: skip

    def commit(self) -> None:
        """See `Heap`."""
        memory, gc = self._memory, self._gc
        memory.heap.pages.next_gen()
        memory.pace.commit(
            done=memory.heap.sweeping.done, trigger=gc.trigger_at, heap_live=gc.pacer.heap_live,
            pages_in_use=memory.heap.stats.pages_in_use,
        )  # fmt: skip
        memory.stacks.end_cycle(gc.cycle.scan["stack"], memory.stacks_scanned)

    def resume(self) -> None:
        """See `Heap`."""
        world = self._world
        world.sweep.finalizers_before = self._memory.finalizers.executed
        report_spans(world)
        report_free_runs(world)
        report_locks(world)
        self._sweep_caches()
        reprice(world)
        start_sweeping(world)

    def allocated(self) -> Allocated:
        """See `Heap`."""
        stats = self._memory.heap.stats
        return Allocated(
            stats.allocated_bytes, stats.allocated_objects, stats.freed_bytes,
            stats.freed_objects, round(self._memory.tiny_allocs),
            stats.allocated_objects - stats.freed_objects,
        )  # fmt: skip

    def sweep_report(self) -> Swept:
        """See `Heap`; the next report begins here."""
        sweep, stats = self._world.sweep, self._memory.heap.stats
        done, before = sweep.done or NO_SWEEP, sweep.freed_before
        found = Swept(
            dict(sweep.spans), stats.spans_freed - before.spans_freed,
            stats.freed_bytes - before.freed_bytes, *done,
        )  # fmt: skip
        sweep.spans.clear()
        sweep.done, sweep.freed_before = None, stats.copy()
        return found

    def finalized(self) -> Finalized:
        """See `Heap`."""
        finalizers = self._memory.finalizers
        run = finalizers.executed - self._world.sweep.finalizers_before
        return Finalized(finalizers.queued, finalizers.executed, finalizers.due, run)

    def scavenge_cpu(self) -> dict[str, float]:
        """See `Heap`."""
        return dict(self._memory.scavenge_ns)


def empty_pools(memory: Memory) -> None:
    """sync.Pool's cleanup; the ledger keeps as many as the pool has (sync/pool.go)."""
    for pool in memory.pools.values():
        dropped, total = pool.cleanup()
        held = int(memory.ledger.held_by(pool.owner, len(memory.kinds)).sum())
        if held > total - dropped:
            memory.ledger.thin(pool.owner, 1 - (total - dropped) / held)


def _padded(column: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.concatenate((column, np.zeros(length - len(column), dtype=np.int64)))
