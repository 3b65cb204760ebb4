"""Allocation in batches: what goroutines allocated is turned into spans, rows and prices.

Goroutines say how many slots of a mix they took; the heap learns of them in batches. A sum of
multinomial draws is a multinomial draw of the sum, so drawing the kinds once per batch is exact.
What a batch of refills cost becomes the price per slot of the next stretches; what it moved
heap_live by becomes the estimate with which the pacer is told of the next slots, and every batch
corrects the estimate exactly.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.actors.faults import PageFaults
from sim.actors.kinds import KindColumns
from sim.actors.locks import Bill, Locks
from sim.actors.memory import Memory
from sim.actors.prices import Prices
from sim.actors.retention import ROUNDING_SLACK, Retention
from sim.actors.scavenging import Scavenging
from sim.actors.sweeping import Sweeping
from sim.go.mcache import Taken
from sim.go.mheap import PAGE
from sim.go.mspan import lot_of
from sim.go.refill import no_refills
from sim.runtime.memory import MemoryAccounts
from sim.runtime.state import Runtime
from sim.units import KiB, MiB, Nanoseconds
from sim.workload.layout import Kept, Room, write_down

Ints = NDArray[np.int64]

NO_LIMIT: Final = (1 << 63) - 1
"""GOMEMLIMIT=off: math.MaxInt64."""
NOTHING: Final = Kept(*np.zeros((4, 0), dtype=np.int64))
BATCHES_PER_CYCLE: Final = 4
MIN_ROOM: Final = MiB // 4
"""Bytes of the first batch, before much is known of prices; they double from there. However near
the cgroup's limit is, it is not looked at more often."""
MAX_ROOM: Final = 256 * MiB
"""Bytes of a batch; the growth of a heap that is never collected is seen in such steps."""
MIN_STRETCH: Final = 32 * KiB
"""Bytes; nearer to the trigger, the goal or the kill, a stretch is not cut any shorter."""


class Allocator:
    """What is allocated and not yet written down, and writing it down."""

    def __init__(
        self,
        runtime: Runtime,
        memory: Memory,
        kinds: KindColumns,
        prices: Prices,
        locks: Locks,
        retention: Retention,
        sweeping: Sweeping,
        scavenging: Scavenging,
        faults: PageFaults,
    ) -> None:
        self._clock, self._gc, self._container = runtime.clock, runtime.gc, runtime.container
        self._settings, self._on = runtime.settings, runtime.settings.switches
        self._alloc, self._sweep_costs = runtime.machine.alloc, runtime.machine.sweep
        self._kinds_rng, self._spread_rng = runtime.streams["kinds"], runtime.streams["spread"]
        self._heap, self._caches, self._ledger = memory.heap, memory.caches, memory.ledger
        self._kinds, self._prices, self._locks, self._faults = kinds, prices, locks, faults
        self._retention, self._sweeping, self._scavenging = retention, sweeping, scavenging
        self.accounts: MemoryAccounts
        """Where all memory is. Set by the build."""
        self._slots = [[0.0] * len(kinds.mixes) for _ in range(self._settings.gomaxprocs)]
        """Slots taken since the last batch, by P and mix."""
        self._live = self._scan = 0
        """Estimated heap_live and heap_scan of these, which the pacer has been told of, bytes."""
        self._room = 0.0
        """Estimated bytes that may be pending before the next batch."""
        self._last_batch_at = 0
        """ns."""
        self.owed_ns = 0
        """Scavenging that the next goroutine to allocate has to do, CPU-ns. It sets this to 0."""
        self._debt_ns = 0.0
        """Sweeping to keep pace that nobody has paid for yet, CPU-ns; negative: paid in advance."""
        self._debt_price = 0.0
        """What of it goes with a byte of heap_live, CPU-ns."""
        self.tiny_allocs = 0.0
        """Objects that the tiny allocator put beside others in a slot."""
        self.black: Ints = np.zeros(0, dtype=np.int64)
        """Slots allocated black by span, while marking. The snapshot begins it anew."""

    def count_allocation(self, p: int, mix: int, slots: float) -> None:
        """Count allocated slots; the pacer hears of them at once, the heap in the next batch."""
        self._slots[p][mix] += slots
        live = int(slots * self._prices.live[mix])
        scan = int(slots * self._prices.scan[mix])
        self._live += live
        self._scan += scan
        self._room -= live
        self._gc.pacer.update(live, scan)
        if self._room <= 0:
            self.flush_batch()

    def flush_batch(self) -> list[Bill]:
        """Write everything pending into spans and the ledger, and learn what it cost.

        Returns the bills of all refills, for those who pay them at once.
        """
        self._retention.age_tenured()
        self._debt_ns += self._sweeping.pay_debt() - self._live * self._debt_price
        demand, kept = self._draw_kinds()
        objects = demand.sum(axis=1)
        self.tiny_allocs += float(np.dot(self._kinds.objects - 1, objects))
        bills = [
            *self._allocate_large_objects(objects, kept),
            *self._allocate_small_objects(demand, kept),
        ]
        self._locks.close_batch(self._clock.now - self._last_batch_at)
        heap_live = sum(int(bill.heap_live.sum()) for bill in bills)
        self._correct_pacer(heap_live, int(np.dot(self._kinds.scan_bytes, objects)))
        self._last_batch_at = self._clock.now
        self._ledger.close_batch()
        self._heed_memory_limit()
        self._container.look()
        self.reprice()
        return bills

    def reprice(self) -> None:
        """Prices of the slots, and bytes until the next batch."""
        self._note_room()
        self._prices.update(self._debt_price, marking=self._gc.marking)

    def _note_room(self) -> None:
        """Bytes until the next batch, which pays for what has been swept to keep pace."""
        gc = self._gc
        cycle = max(min(gc.pacer.heap_goal(), 1 << 44) - gc.pacer.heap_marked, MiB)
        distance = cycle if gc.running else max(gc.trigger_at - gc.pacer.heap_live, 0)
        to_kill = max(self._container.left / 2, MIN_ROOM)
        known = max(self._heap.stats.allocated_bytes, MIN_ROOM)
        self._room = max(min(cycle / BATCHES_PER_CYCLE, distance, to_kill, known, MAX_ROOM), PAGE)
        self._debt_price = max(self._debt_ns, 0.0) / max(self._room, MIN_STRETCH)

    def settle_sweep_debt(self) -> Nanoseconds:
        """What has been swept to keep pace is paid for before the next cycle: in CPU time."""
        owed, self._debt_ns = max(0, round(self._debt_ns)), 0.0
        if owed:
            self.reprice()
        return owed

    def _heed_memory_limit(self) -> None:
        """Under a limit the trigger follows the use of memory, and too much of it is returned."""
        self.owed_ns += self._scavenging.return_growth()
        if self._settings.memory_limit >= NO_LIMIT:
            return
        self.accounts.tell_pacer()
        self.owed_ns += self._scavenging.keep_below_limit(self.accounts)
        if not self._gc.running:
            self._gc.trigger_at = self._gc.pacer.trigger()[0]

    def _correct_pacer(self, heap_live: int, scan: int) -> None:
        """Replace the estimates by what the batch really did."""
        self._gc.pacer.update(heap_live - self._live, scan - self._scan)
        self._live = self._scan = 0

    # -- objects -----------------------------------------------------------------------------

    def _draw_kinds(self) -> tuple[Ints, Kept]:
        """Objects by kind and P, and the part of them that owners keep.

        Fractions of a slot stay pending. Owners draw from what was allocated without replacement.
        """
        columns, rng = self._kinds, self._kinds_rng
        demand = np.zeros((len(columns), len(self._slots)), dtype=np.int64)
        kept = []
        for mix_id, mix in enumerate(columns.mixes):
            whole = [int(slots[mix_id] + ROUNDING_SLACK) for slots in self._slots]
            if not any(whole):
                continue
            for p, count in enumerate(whole):
                self._slots[p][mix_id] -= count
            by_p = rng.multinomial(whole, mix.shares)
            demand[columns.by_mix[mix_id]] = by_p.T
            owners = list(self._retention.owners_of(mix_id))
            if owners:
                owner, wanted, bursts = np.array(owners).T
                mine = share_out(by_p.sum(axis=0), wanted.tolist(), rng)
                which, some = np.nonzero(mine)
                kinds = columns.by_mix[mix_id].take(some)
                kept.append(Kept(kinds, owner[which], mine[which, some], bursts[which]))
        return demand, Kept(*map(np.concatenate, zip(NOTHING, *kept, strict=True)))

    def _allocate_small_objects(self, demand: Ints, kept: Kept) -> list[Bill]:
        """Objects of the size classes, from the caches of all Ps."""
        columns, heap = self._kinds, self._heap
        kinds, classes = columns.small, columns.small_classes
        if not demand[kinds].any():
            return []
        of_kind = columns.classes[kinds]
        slots = np.add.reduceat(demand[kinds], np.searchsorted(of_kind, classes))
        taken = self._caches.allocate(classes, slots)
        objects = slots.sum(axis=1)
        self._count(objects, heap.slot_size[classes])
        self._note_objects(taken, kinds, np.searchsorted(classes, of_kind), kept)
        bill = self.make_bill(taken, heap.span_pages[classes])
        self._prices.learn(classes, objects, bill)
        return [bill]

    def _allocate_large_objects(self, demand: Ints, kept: Kept) -> list[Bill]:
        """Objects above 32 KiB: a span each, from the heap (runtime/mcache.go: allocLarge)."""
        columns = self._kinds
        kinds = np.flatnonzero((demand > 0) & (columns.pages > 0))
        if not len(kinds):
            return []
        objects, pages = demand[kinds], columns.pages[kinds]
        taken = self._take_large(columns.classes[kinds], pages, objects)
        self._count(objects, pages * PAGE)
        self._note_objects(taken, kinds, np.arange(len(kinds)), kept)
        bill = self.make_bill(taken, pages)
        self._prices.learn_large(kinds, objects, bill)
        return [bill]

    def _take_large(self, classes: Ints, pages: Ints, objects: Ints) -> Taken:
        """Spans of so many pages for so many large objects of several kinds."""
        heap, counts, spans = self._heap, no_refills(len(classes)), []
        counts.fresh += objects
        for at, (span_class, npages, count) in enumerate(
            zip(classes.tolist(), pages.tolist(), objects.tolist(), strict=True)
        ):
            if not heap.sweeping.done:
                counts.freed_spans[at] += heap.reclaim(count * npages)
            mine, faulted = heap.alloc_spans(span_class, npages, 1, npages * PAGE, count)
            counts.faulted_bytes[at] = faulted.sum()
            spans.append(mine)
        lot = lot_of(spans)
        heap.spans.allocated[lot.spans] = 1
        heap.uncache_full(classes, lot)
        return Taken(
            classes, objects, lot.spans, np.ones_like(lot.spans), objects * pages * PAGE, counts
        )

    def _count(self, objects: Ints, size: Ints) -> None:
        """Keep the counters of Go's heap statistics."""
        stats = self._heap.stats
        stats.allocated_objects += int(objects.sum())
        stats.allocated_bytes += int(np.dot(objects, size))

    def _note_objects(self, taken: Taken, kinds: Ints, group: Ints, kept: Kept) -> None:
        """Rows for what is kept; marks for everything that is born while marking.

        Objects of `kinds[i]` lie in the spans of the `group[i]`-th class that was taken.
        """
        if self._gc.marking and self._on.black_allocation:
            self._blacken(taken)
        group_of_kind = np.full(len(self._kinds), -1)
        group_of_kind[kinds] = group
        mine = group_of_kind[kept.kind]
        order = np.lexsort((kept.kind, mine))
        order = order[mine[order] >= 0]
        if len(order):
            room = Room(taken.spans, taken.slots, taken.number)
            write_down(self._ledger, room, kept.those(order), mine[order], self._spread_rng)

    def _blacken(self, taken: Taken) -> None:
        """Allocate black: the slots count as marked (runtime/mgcmark.go: gcmarknewobject)."""
        missing = self._heap.spans.capacity - len(self.black)
        if missing > 0:
            self.black = np.concatenate((self.black, np.zeros(missing, dtype=np.int64)))
        self.black[taken.spans] += taken.slots

    # -- what it costs -----------------------------------------------------------------------

    def make_bill(self, taken: Taken, pages: Ints) -> Bill:
        """What refills cost in CPU time, waiting and lock holding; spans have so many pages."""
        counts, costs, sweep, locks = taken.counts, self._alloc, self._sweep_costs, self._locks
        holds = locks.refill_holds(taken.classes, pages, counts)
        freed = int(counts.freed_spans.sum())
        self._sweeping.note("refill", int(counts.swept.sum()), 0)
        self._sweeping.note("reclaim", freed, freed)
        ns = (
            (counts.partial + counts.swept - counts.in_vain) * costs.refill_partial_ns
            + counts.fresh * costs.refill_fresh_ns
            + counts.swept * sweep.span_ns
            + counts.freed_spans * sweep.freed_span_ns
            + self._faults.ns(counts.faulted_bytes)
        )
        if self._on.resolution == "refill":
            held = sum(hold.times * hold.ns for hold in holds)
            return Bill(taken.heap_live, np.maximum(ns - held, 0.0), np.zeros_like(ns), holds)
        locks.note_heap_lock(holds[1:])
        elapsed = self._clock.now - self._last_batch_at
        wait = np.sum([locks.note_hold(hold, elapsed) for hold in holds], axis=0)
        return Bill(taken.heap_live, ns, wait, holds)


def share_out(objects: Ints, wanted: list[int], rng: np.random.Generator) -> Ints:
    """Objects of each kind for everybody who wants so many, drawn without replacement."""
    mine = np.empty((len(wanted), len(objects)), dtype=np.int64)
    left = int(objects.sum())
    for row, number in zip(mine, wanted, strict=True):
        some = min(number, left)
        row[:] = rng.multivariate_hypergeometric(objects, some, method="marginals")
        objects -= row
        left -= some
    return mine
