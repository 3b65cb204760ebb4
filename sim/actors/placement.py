"""Where a batch of objects lies: kinds are drawn, slots taken, and what is kept is written down."""

from __future__ import annotations

from functools import partial
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.actors.black import BlackSlots
from sim.actors.kinds import KindColumns
from sim.actors.locks import Bill
from sim.actors.memory import Memory
from sim.actors.prices import Prices
from sim.actors.refill_costs import RefillCosts
from sim.actors.refills import SingleRefills
from sim.actors.retention import ROUNDING_SLACK, Retention
from sim.go.mcache import Taken
from sim.go.mheap import PAGE
from sim.go.mspan import lot_of
from sim.go.refill import no_refills
from sim.runtime.state import GC
from sim.streams import Streams
from sim.workload.layout import KeptObjects, Room, write_down

Ints = NDArray[np.int64]

NOTHING_KEPT: Final = KeptObjects(*np.zeros((4, 0), dtype=np.int64))


class PlacedBatch(NamedTuple):
    """A batch that lies in spans."""

    objects: Ints
    """By kind."""
    bills: list[Bill]
    """What their refills cost."""


class Placement:
    """Takes slots for what goroutines allocated since the last batch."""

    def __init__(
        self,
        gc: GC,
        memory: Memory,
        kinds: KindColumns,
        prices: Prices,
        costs: RefillCosts,
        refills: SingleRefills | None,
        retention: Retention,
        black: BlackSlots,
        streams: Streams,
        *,
        allocate_black: bool,
    ) -> None:
        self._gc, self._kinds, self._prices, self._costs = gc, kinds, prices, costs
        self._heap, self._caches, self._ledger = memory.heap, memory.caches, memory.ledger
        self._refills = refills
        """Takes the slots, where every refill is an event."""
        self._retention, self._black, self._allocate_black = retention, black, allocate_black
        self._kinds_rng, self._spread_rng = streams["kinds"], streams["spread"]

    def place(self, slots: list[list[float]]) -> PlacedBatch:
        """Place so many slots by P and mix; fractions of a slot stay there."""
        demand, kept = self._draw_kinds(slots)
        objects = demand.sum(axis=1)
        large = self._allocate_large_objects(objects, kept)
        return PlacedBatch(objects, [*large, *self._allocate_small_objects(demand, kept)])

    def _draw_kinds(self, pending: list[list[float]]) -> tuple[Ints, KeptObjects]:
        """Objects by kind and P, and the part of them that owners keep.

        A sum of multinomial draws is a multinomial draw of the sum, so drawing the kinds once per
        batch is exact. Owners draw from what was allocated without replacement: a multivariate
        hypergeometric draw.
        """
        columns, rng = self._kinds, self._kinds_rng
        demand = np.zeros((len(columns), len(pending)), dtype=np.int64)
        kept = []
        for mix_id in range(len(columns.mixes)):
            drawn = self._refills.drawn if self._refills else partial(self._draw_mix, pending)
            by_p = drawn(mix_id)
            if by_p is None:
                continue
            demand[columns.by_mix[mix_id]] = by_p.T
            owners = list(self._retention.owners_of(mix_id))
            if owners:
                owner, wanted, bursts = np.array(owners).T
                mine = share_out(by_p.sum(axis=0), wanted.tolist(), rng)
                which, some = np.nonzero(mine)
                kinds = columns.by_mix[mix_id].take(some)
                kept.append(KeptObjects(kinds, owner[which], mine[which, some], bursts[which]))
        return demand, KeptObjects(*map(np.concatenate, zip(NOTHING_KEPT, *kept, strict=True)))

    def _draw_mix(self, pending: list[list[float]], mix: int) -> Ints | None:
        """Objects of a mix by P and kind; None if there are none."""
        whole = [int(slots[mix] + ROUNDING_SLACK) for slots in pending]
        if not any(whole):
            return None
        for p, count in enumerate(whole):
            pending[p][mix] -= count
        drawn: Ints = self._kinds_rng.multinomial(whole, self._kinds.mixes[mix].shares)
        return drawn

    def _allocate_small_objects(self, demand: Ints, kept: KeptObjects) -> list[Bill]:
        """Objects of the size classes, from the caches of all Ps."""
        columns, heap = self._kinds, self._heap
        kinds, classes = columns.small, columns.small_classes
        if not demand[kinds].any():
            return []
        of_kind = columns.classes[kinds]
        slots = np.add.reduceat(demand[kinds], np.searchsorted(of_kind, classes))
        group = np.searchsorted(classes, of_kind)
        if self._refills:
            taken = self._refills.taken()
            self._note_objects(taken, kinds, group, kept)
            return [self._costs.paid(taken)]
        taken = self._caches.allocate(classes, slots)
        objects = slots.sum(axis=1)
        heap.stats.count_allocated(objects, heap.slot_size[classes])
        self._note_objects(taken, kinds, group, kept)
        bill = self._costs.bill(taken, heap.span_pages[classes])
        self._prices.learn(classes, objects, bill)
        return [bill]

    def _allocate_large_objects(self, demand: Ints, kept: KeptObjects) -> list[Bill]:
        """Objects above 32 KiB: a span each, from the heap (runtime/mcache.go: allocLarge)."""
        columns = self._kinds
        kinds = np.flatnonzero((demand > 0) & (columns.pages > 0))
        if not len(kinds):
            return []
        objects, pages = demand[kinds], columns.pages[kinds]
        taken = self._take_large(columns.classes[kinds], pages, objects)
        self._heap.stats.count_allocated(objects, pages * PAGE)
        self._note_objects(taken, kinds, np.arange(len(kinds)), kept)
        if self._refills:
            self._refills.pay(taken.classes, pages, taken.counts)
            return [self._costs.paid(taken)]
        bill = self._costs.bill(taken, pages)
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

    def _note_objects(self, taken: Taken, kinds: Ints, group: Ints, kept: KeptObjects) -> None:
        """Rows for what is kept; marks for everything that is born while marking.

        Objects of `kinds[i]` lie in the spans of the `group[i]`-th class that was taken.
        """
        if self._gc.marking and self._allocate_black:
            self._black.add(taken.spans, taken.slots)
        group_of_kind = np.full(len(self._kinds), -1)
        group_of_kind[kinds] = group
        mine = group_of_kind[kept.kind]
        order = np.lexsort((kept.kind, mine))
        order = order[mine[order] >= 0]
        if len(order):
            room = Room(taken.spans, taken.slots, taken.number)
            write_down(self._ledger, room, kept.those(order), mine[order], self._spread_rng)


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
