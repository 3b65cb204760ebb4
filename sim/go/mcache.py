"""The per-P caches of spans, and what allocation on all Ps does to them (runtime/mcache.go)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.go.mheap import PAGE, MHeap
from sim.go.mspan import NO_SPAN, Ints, Lot, Spans
from sim.go.refill import RefillCounts, fresh_spans, no_refills, reuse_spans
from sim.kernels import native

Bools = NDArray[np.bool_]
ONE: Ints = np.ones(1, dtype=np.int64)
NO_SPANS: Spans = np.empty(0, dtype=np.int64)


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
        if native is not None:
            return self._taken_by(native.Refills(self, classes, demand), classes)
        refills = Refills(self, classes, demand)
        refills.from_caches()
        refills.from_mcentrals()
        refills.from_heap()
        return refills.taken()

    def _taken_by(self, refills: Any, classes: Ints) -> Taken:
        """The same by the kernel."""
        counts = no_refills(len(classes))
        refills.from_sets(counts)
        number = refills.needed()
        if number.any():
            refills.from_heap(fresh_spans(self.heap, classes, number, counts).spans, number)
        number, spans, slots, heap_live = refills.taken()
        return Taken(classes, number, spans, slots, heap_live, counts)

    def refill(self, span_class: int, p: int) -> tuple[int, RefillCounts]:
        """Another span for a P whose span of the class has no free slot; how it was obtained.

        Source: runtime/mcache.go, refill; runtime/mcentral.go, cacheSpan.
        """
        one, counts, held = np.array([span_class]), no_refills(1), self.cached[span_class, p]
        if held != NO_SPAN:
            self.heap.uncache_full(one, Lot(np.array([held]), ONE))
        partial = self.heap.centrals[span_class].partial_swept
        if len(partial):
            counts.partial += 1
            self.cached[span_class, p] = span = int(partial.pop(1)[0])
            return span, counts
        found = Lot(NO_SPANS, np.zeros_like(ONE))
        if not self.heap.sweeping.done:
            found = reuse_spans(self.heap, one, ONE, counts)
        if not len(found.spans):
            found = fresh_spans(self.heap, one, ONE, counts)
        if len(found.spans) > 1:
            self.heap.uncache(one, found.those(np.arange(len(found.spans)) > 0))
        self.cached[span_class, p] = span = int(found.spans[0])
        return span, counts

    def held(self) -> Spans:
        """All spans in caches."""
        return self.cached[self.cached >= 0]

    def flush(self) -> Spans:
        """Empty all caches; the caller sweeps or keeps what they held (mcache.go: releaseAll)."""
        spans = self.held()
        self.cached[:] = NO_SPAN
        return spans


class Refills:
    """Allocation of several span classes on all Ps: what each still misses, and what was taken."""

    def __init__(self, caches: Mcaches, classes: Ints, demand: Ints) -> None:
        self.caches, self.heap, self.classes = caches, caches.heap, classes
        self.counts = no_refills(len(classes))
        self.missing = demand.copy()
        self.which: list[NDArray[np.int16]] = []
        self.used: list[Spans] = []
        self.slots: list[Ints] = []
        self.heap_live = np.zeros(len(classes), dtype=np.int64)

    def from_caches(self) -> None:
        """Use the spans that the Ps hold; what is used up goes to the full sets."""
        table, held = self.heap.spans, self.caches.cached[self.classes]
        free = np.where(held >= 0, table.nelems[held] - table.allocated[held], 0)
        some = np.minimum(self.missing, free)
        done = (self.missing > free) & (held >= 0)
        self._take(np.arange(len(held)), _chosen(held, some > 0), some[some > 0])
        self.heap.uncache_full(self.classes, _chosen(held, done))
        self.caches.cached[self.classes] = np.where(done, NO_SPAN, held)
        self.missing -= some

    def from_mcentrals(self) -> None:
        """Ask for spans with free slots until nobody misses any or nothing comes back.

        What is left in the last span of a P is out of reach of the next one, which may come away
        empty-handed: then there is more to be had.
        """
        asking = np.flatnonzero(self.missing.any(axis=1))
        while len(asking):
            slots, counts = self.missing[asking].sum(axis=1), no_refills(len(asking))
            found = reuse_spans(self.heap, self.classes[asking], slots, counts)
            self.counts.add(asking, counts)
            self._share_out(asking, found)
            asking = asking[(found.number > 0) & self.missing[asking].any(axis=1)]

    def from_heap(self) -> None:
        """Use fresh spans: full ones, and a last one for every P that stays in its cache."""
        asking = np.flatnonzero(self.missing.any(axis=1))
        if not len(asking):
            return
        nelems, counts = self.heap.nelems[self.classes[asking]], no_refills(len(asking))
        number = (-(-self.missing[asking] // nelems[:, np.newaxis])).sum(axis=1)
        fresh = fresh_spans(self.heap, self.classes[asking], number, counts)
        self.counts.add(asking, counts)
        self._share_out(asking, fresh)

    def taken(self) -> Taken:
        """All that was taken, class after class."""
        which = np.concatenate(self.which)
        order = np.argsort(which, kind="stable")
        return Taken(
            self.classes,
            np.bincount(which, minlength=len(self.classes)),
            np.concatenate(self.used)[order],
            np.concatenate(self.slots)[order],
            self.heap_live,
            self.counts,
        )

    def _share_out(self, asking: Ints, pool: Lot) -> None:
        """Every P in need goes through the spans of its class, one P after the other.

        The last span of each stays in its cache; those that nobody needed go back.
        """
        if not len(pool.spans):
            return
        table, missing = self.heap.spans, self.missing[asking]
        allocated = table.allocated.take(pool.spans)
        slots = table.nelems.take(pool.spans) - allocated
        edges = np.concatenate(([0], np.cumsum(slots)))
        behind = np.cumsum(pool.number)
        first = behind - pool.number
        last = np.full(missing.shape, NO_SPAN, dtype=np.int64)
        begin = np.zeros_like(last)
        for p in np.flatnonzero(missing.any(axis=0)).tolist():
            needs = np.flatnonzero((missing[:, p] > 0) & (first < behind))
            start, wanted = first[needs], missing[needs, p]
            before = edges[start]
            end = np.minimum(np.searchsorted(edges, before + wanted), behind[needs])
            there = edges[end] - before
            slots[end - 1] -= np.maximum(there - wanted, 0)
            missing[needs, p] -= np.minimum(there, wanted)
            begin[needs, p], last[needs, p], first[needs] = start, end - 1, end
        self.missing[asking] = missing
        used = np.arange(len(pool.spans)) < pool.of_class(first)
        some = np.flatnonzero(used)
        mine = Lot(pool.spans.take(some), first - behind + pool.number)
        self._count_live(asking, mine, allocated.take(some))
        self._take(asking, mine, slots.take(some))
        self._cache(self.classes[asking], pool, used, begin, last)
        if len(some) < len(used):
            self.heap.uncache(self.classes[asking], pool.those(~used))

    def _take(self, asking: Ints, lot: Lot, slots: Ints) -> None:
        self.heap.spans.allocated[lot.spans] += slots
        self.which.append(lot.of_class(asking.astype(np.int16)))
        self.used.append(lot.spans)
        self.slots.append(slots)

    def _cache(self, classes: Ints, pool: Lot, used: Bools, begin: Ints, last: Ints) -> None:
        """The last span of every P stays with it; its others, and what it had, are full."""
        held = self.caches.cached[classes]
        took = last >= 0
        full = used.copy()
        full[last[took]] = False
        spans, number = pool.spans.take(np.flatnonzero(full)), pool.total(full)
        replaced = took & (held >= 0)
        if replaced.any():
            before: Ints = np.cumsum(full) - full
            spans = np.insert(spans, before[begin[replaced]], held[replaced])
            number += replaced.sum(axis=1)
        self.heap.uncache_full(classes, Lot(spans, number))
        held[took] = pool.spans[last[took]]
        self.caches.cached[classes] = held

    def _count_live(self, asking: Ints, lot: Lot, allocated: Ints) -> None:
        heap, classes = self.heap, self.classes[asking]
        in_use = heap.slot_size[classes] * lot.total(allocated)
        self.heap_live[asking] += lot.number * heap.span_pages[classes] * PAGE - in_use


def _chosen(spans: Ints, chosen: Bools) -> Lot:
    """Some of the spans in a table by class and P."""
    return Lot(spans[chosen], chosen.sum(axis=1))
