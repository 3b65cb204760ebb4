"""What is reachable in the spans when a cycle begins, and what is marked when it ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.actors.black import BlackSlots
from sim.actors.goroutines import Goroutines
from sim.actors.kinds import KindColumns
from sim.actors.memory import Memory
from sim.actors.retention import Retention
from sim.go.marker import Marker
from sim.machine.price import crowding_ns, mark_cpu_ns
from sim.machine.profile import FinalizerCosts, MarkCosts
from sim.runtime.interfaces import MarkTotals, Snapshot
from sim.runtime.table_costs import link_work, table_work
from sim.units import Bytes
from sim.workload.ledger import Ledger

Ints = NDArray[np.int64]


class Reachable:
    """The snapshot of a cycle, from the rows of the ledger."""

    def __init__(
        self,
        memory: Memory,
        kinds: KindColumns,
        retention: Retention,
        goroutines: Goroutines,
        marker: Marker,
        black: BlackSlots,
        mark: MarkCosts,
        finalizer: FinalizerCosts,
        lifetimes: np.random.Generator,
        *,
        allocate_black: bool,
    ) -> None:
        self._memory, self._kinds, self._retention = memory, kinds, retention
        self._goroutines, self._marker, self._lifetimes = goroutines, marker, lifetimes
        self._black, self._allocate_black = black, allocate_black
        self._mark, self._finalizer = mark, finalizer
        self._before: Ints = np.zeros(0, dtype=np.int64)
        """Slots by span that the snapshot found reachable."""
        self._scanned_as_roots: Bytes = 0
        """Objects with pointers and finalizers: scanned for what they lead to, reachable or not,
        they count as marked, and again where they are (mgcmark.go: gcScanFinalizer, scanObject)."""
        self.stacks_scanned = 0
        """Goroutines whose stacks the cycle scans."""

    def snapshot(self) -> Snapshot:
        """See `sim.runtime.interfaces.Heap`."""
        memory, columns = self._memory, self._kinds
        empty_pools(self._retention, memory.ledger, len(columns))
        memory.finalizers.bury(memory.ledger, self._lifetimes)
        self._before = memory.ledger.per_span(memory.heap.spans.capacity)
        self._black.clear()
        live = memory.ledger.per_kind(len(columns))
        specials = memory.finalizers.roots(memory.ledger)
        scanned = np.where(columns.scan_bytes > 0, specials, 0)
        self._scanned_as_roots = round(float(np.dot(scanned, columns.slot_bytes)))
        counts = self._marker.count(
            columns.table,
            live,
            memory.ledger.spans_per_kind(columns.ranks),
            memory.ledger.scattered_per_kind(len(columns)),
            vector_kernel=self._mark.vector_kernel > 0,
        )
        self.stacks_scanned = memory.stacks.goroutines
        entries, slots = self._retention.entries(), float(live.sum())
        found = Snapshot(
            stack_scan=memory.stacks.used,
            heap_scan=round(counts.scan_bytes + float(np.dot(specials, columns.scan_bytes))),
            cpu_ns=mark_cpu_ns(counts, self._mark),
            specials_ns=float(specials.sum()) * self._finalizer.root_ns,
            crowding_ns=crowding_ns(counts, self._mark),
            goroutines=self._goroutines.count,
            stacks=memory.stacks.allocated,
            reachable=round(float(np.dot(live, columns.slot_bytes))),
            tables=table_work(counts, self._mark, slots, *entries.tabled),
            links=link_work(counts, self._mark, slots, entries),
        )
        memory.stacks.scan()
        return found

    def begin_sweep(self) -> MarkTotals:
        """See `sim.runtime.interfaces.Heap`."""
        memory, columns = self._memory, self._kinds
        spans = memory.heap.spans
        reachable = memory.ledger.expected_per_kind(len(columns))
        grown = np.zeros(spans.capacity - len(self._before), dtype=np.int64)
        before = np.concatenate((self._before, grown))
        black = self._black.per_span()
        if not self._allocate_black:
            black = memory.ledger.per_span(spans.capacity) - before
        black_bytes = int(np.dot(black, spans.slot_bytes))
        marked_bytes = int(np.dot(before, spans.slot_bytes)) + black_bytes
        marked_bytes += self._scanned_as_roots
        memory.heap.begin_sweep(before + black + self._revived())
        return MarkTotals(
            marked_bytes, black_bytes, round(float(np.dot(reachable, columns.slot_bytes)))
        )

    def _revived(self) -> Ints:
        """Unmarked slots by span that wait for their finalizers."""
        memory = self._memory
        return memory.finalizers.revive(
            memory.ledger, memory.heap.spans.capacity, memory.heap.stats.pages_in_use
        )


def empty_pools(retention: Retention, ledger: Ledger, kinds: int) -> None:
    """sync.Pool's cleanup; the ledger keeps as many as the pool has (sync/pool.go)."""
    for pool in retention.pools.values():
        dropped, total = pool.cleanup()
        held = int(ledger.held_by(pool.owner, kinds).sum())
        if held > total - dropped:
            ledger.thin(pool.owner, 1 - (total - dropped) / held)
