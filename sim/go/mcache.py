"""The per-P caches of spans, and what allocation on all Ps does to them (runtime/mcache.go)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.go.mheap import PAGE, MHeap
from sim.go.mspan import NO_SPAN, Ints, Lot, Spans
from sim.go.refill import RefillCounts, fresh_spans, no_refills, reuse_spans


@dataclass
class Taken:
    """Slots taken on all Ps: `slots[i]` in `spans[i]`, class after class, in the order of use.

    `heap_live` is the change of heap_live by class: a span counts with all of its bytes that were
    not in use when it was cached (runtime/mcache.go: refill).
    """

    classes: Ints
    number: Ints
    """Spans of each class."""
    spans: Spans
    slots: Ints
    heap_live: Ints
    counts: RefillCounts


class Mcaches:
    """One cached span per span class and P."""

    def __init__(self, heap: MHeap, gomaxprocs: int) -> None:
        self.heap = heap
        self.cached: Ints = np.full((len(heap.nelems), gomaxprocs), NO_SPAN, dtype=np.int64)

    def allocate(self, classes: Ints, demand: Ints) -> Taken:
        """Take `demand[c, p]` slots of class `classes[c]` on every P, refilling as often as needed.

        Spans come from the caches, then from the mcentrals, then fresh from the heap.
        """
        refills = _Refills(self, classes, demand)
        refills.from_caches()
        refills.from_mcentrals()
        refills.from_heap()
        return refills.taken()

    def held(self) -> Spans:
        """All spans in caches."""
        return self.cached[self.cached >= 0]

    def flush(self) -> Spans:
        """Empty all caches; the caller sweeps or keeps what they held (mcache.go: releaseAll)."""
        spans = self.held()
        self.cached[:] = NO_SPAN
        return spans


class _Refills:
    """Allocation of several span classes on all Ps: what each still misses, and what was taken."""

    def __init__(self, caches: Mcaches, classes: Ints, demand: Ints) -> None:
        self.caches, self.heap, self.classes = caches, caches.heap, classes
        self.counts = no_refills(len(classes))
        self.missing = demand.copy()
        self.used: list[Lot] = []
        self.slots: list[Ints] = []
        self.heap_live = np.zeros(len(classes), dtype=np.int64)

    def from_caches(self) -> None:
        """Use the spans that the Ps hold; what is used up goes to the full sets."""
        table, held = self.heap.spans, self.caches.cached[self.classes]
        free = np.where(held >= 0, table.nelems[held] - table.allocated[held], 0)
        some = np.minimum(self.missing, free)
        done = (self.missing > free) & (held >= 0)
        self._take(_chosen(held, some > 0), some[some > 0])
        self.heap.uncache_full(self.classes, _chosen(held, done))
        self.caches.cached[self.classes] = np.where(done, NO_SPAN, held)
        self.missing -= some

    def from_mcentrals(self) -> None:
        """Ask for spans with free slots until nobody misses any or nothing comes back.

        What is left in the last span of a P is out of reach of the next one, which may come away
        empty-handed: then there is more to be had.
        """
        asking = self.missing.any(axis=1)
        while asking.any():
            slots = np.where(asking, self.missing.sum(axis=1), 0)
            found = reuse_spans(self.heap, self.classes, slots, self.counts)
            if len(found.spans):
                self._share_out(found)
            asking = (found.number > 0) & self.missing.any(axis=1)

    def from_heap(self) -> None:
        """Use fresh spans: full ones, and a last one for every P that stays in its cache."""
        nelems = self.heap.nelems[self.classes][:, np.newaxis]
        number = (-(-self.missing // nelems)).sum(axis=1)
        fresh = fresh_spans(self.heap, self.classes, number, self.counts)
        if len(fresh.spans):
            self._share_out(fresh)

    def taken(self) -> Taken:
        """All that was taken, class after class."""
        which = np.concatenate([lot.which for lot in self.used])
        order = np.argsort(which, kind="stable")
        return Taken(
            self.classes, np.bincount(which, minlength=len(self.classes)),
            np.concatenate([lot.spans for lot in self.used])[order],
            np.concatenate(self.slots)[order], self.heap_live, self.counts,
        )  # fmt: skip

    def _share_out(self, pool: Lot) -> None:
        """Every P in need goes through the spans of its class, one P after the other.

        The last span of each stays in its cache; those that nobody needed go back.
        """
        slots = self.heap.free_slots(pool.spans)
        edges = np.concatenate(([0], np.cumsum(slots)))
        behind = np.cumsum(pool.number)
        first = behind - pool.number
        last = np.full(self.missing.shape, NO_SPAN, dtype=np.int64)
        begin = np.zeros_like(last)
        for p in np.flatnonzero(self.missing.any(axis=0)).tolist():
            needs = np.flatnonzero((self.missing[:, p] > 0) & (first < behind))
            start, wanted = first[needs], self.missing[needs, p]
            end = np.minimum(np.searchsorted(edges, edges[start] + wanted), behind[needs])
            there = edges[end] - edges[start]
            slots[end - 1] -= np.maximum(there - wanted, 0)
            self.missing[needs, p] -= np.minimum(there, wanted)
            begin[needs, p], last[needs, p], first[needs] = start, end - 1, end
        used = np.arange(len(pool.spans)) < first[pool.which]
        mine = pool.those(used)
        self._count_live(mine)
        self._take(mine, slots[used])
        self._cache(pool, used, begin, last)
        self.heap.uncache(self.classes, pool.those(~used))

    def _take(self, lot: Lot, slots: Ints) -> None:
        self.heap.spans.allocated[lot.spans] += slots
        self.used.append(lot)
        self.slots.append(slots)

    def _cache(self, pool: Lot, used: np.ndarray, begin: Ints, last: Ints) -> None:
        """The last span of every P stays with it; its others, and what it had, are full."""
        held = self.caches.cached[self.classes]
        took = last >= 0
        full = used.copy()
        full[last[took]] = False
        replaced = took & (held >= 0)
        before = np.cumsum(full) - full
        spans = np.insert(pool.spans[full], before[begin[replaced]], held[replaced])
        number = pool.those(full).number + replaced.sum(axis=1)
        self.heap.uncache_full(self.classes, Lot(spans, number))
        held[took] = pool.spans[last[took]]
        self.caches.cached[self.classes] = held

    def _count_live(self, lot: Lot) -> None:
        heap = self.heap
        in_use = heap.slot_size[self.classes] * lot.total(heap.spans.allocated[lot.spans])
        self.heap_live += lot.number * heap.span_pages[self.classes] * PAGE - in_use


def _chosen(spans: Ints, chosen: np.ndarray) -> Lot:
    """Some of the spans in a table by class and P."""
    return Lot(spans[chosen], chosen.sum(axis=1))
