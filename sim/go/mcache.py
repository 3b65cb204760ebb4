"""The per-P caches of spans, and what allocation on all Ps does to them (runtime/mcache.go)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim.go.mheap import PAGE, MHeap, RefillCounts
from sim.go.mspan import NO_SPAN, Ints, Spans


@dataclass
class Taken:
    """Slots of one span class taken on all Ps: how many in which span, in the order of use.

    `heap_live` is the change of heap_live: a span counts with all of its bytes that were not in use
    when it was cached (runtime/mcache.go: refill).
    """

    span_class: int
    spans: Spans
    slots: Ints
    heap_live: int
    counts: RefillCounts


class Mcaches:
    """One cached span per P and span class."""

    def __init__(self, heap: MHeap, gomaxprocs: int) -> None:
        self.heap = heap
        self.cached: Ints = np.full((gomaxprocs, len(heap.nelems)), NO_SPAN, dtype=np.int64)

    def allocate(self, demand: Mapping[int, Ints]) -> list[Taken]:
        """Take `demand[span_class][p]` slots on every P, refilling as often as needed.

        Spans come from the caches, then from the mcentrals, then fresh from the heap; fresh ones of
        all classes are obtained together, interleaved as concurrent refills would be.
        """
        open_refills = [
            _Refill(self, span_class, objects) for span_class, objects in demand.items()
        ]
        fresh = self.heap.fresh_spans(
            [(r.span_class, int(r.fresh.sum()), r.counts) for r in open_refills]
        )
        return [refill.finish(spans) for refill, spans in zip(open_refills, fresh, strict=True)]

    def held(self) -> Spans:
        """All spans in caches."""
        return self.cached[self.cached >= 0]

    def flush(self) -> Spans:
        """Empty all caches; the caller sweeps or keeps what they held (mcache.go: releaseAll)."""
        spans = self.held()
        self.cached[:] = NO_SPAN
        return spans


class _Refill:
    """Allocation of one span class on all Ps, until only fresh spans are missing."""

    def __init__(self, caches: Mcaches, span_class: int, objects: Ints) -> None:
        self.caches, self.heap, self.span_class = caches, caches.heap, span_class
        self.counts = RefillCounts()
        self.used: list[Spans] = []
        self.slots: list[Ints] = []
        self.heap_live = 0
        self.missing = objects - self._from_caches(objects)
        while self.missing.any() and self._from_mcentral():
            pass
        self.fresh = -(-self.missing // self.heap.nelems[span_class])

    def _from_caches(self, objects: Ints) -> Ints:
        table, held = self.heap.spans, self.caches.cached[:, self.span_class]
        free = np.where(held >= 0, table.nelems[held] - table.allocated[held], 0)
        some = np.minimum(objects, free)
        self._take(held[some > 0], some[some > 0])
        done = (objects > free) & (held >= 0)
        self.heap.uncache_full(self.span_class, held[done])
        self.caches.cached[done, self.span_class] = NO_SPAN
        return some

    def _from_mcentral(self) -> bool:
        """Every P in need goes through the spans that have free slots, one P after the other.

        What is left in the last span of a P is out of reach of the next one, which may come away
        empty-handed: then there is more to be had. False if there was nothing.
        """
        table = self.heap.spans
        pool = self.heap.reuse_spans(self.span_class, int(self.missing.sum()), self.counts)
        room = table.nelems[pool] - table.allocated[pool]
        edges = np.cumsum(room)
        first = before = 0
        for p in np.flatnonzero(self.missing).tolist():
            if first == len(pool):
                break
            last = min(int(np.searchsorted(edges, before + self.missing[p])), len(pool) - 1)
            some = room[first : last + 1].copy()
            some[-1] -= max(int(some.sum()) - int(self.missing[p]), 0)
            mine = pool[first : last + 1]
            self._count_live(mine)
            self._take(mine, some)
            self.missing[p] -= int(some.sum())
            self._cache(p, mine)
            first, before = last + 1, int(edges[last])
        self.heap.uncache(self.span_class, pool[first:])
        return len(pool) > 0

    def finish(self, spans: Spans) -> Taken:
        """Use the fresh spans: full ones, and a last one for every P that stays in its cache."""
        if len(spans):
            nelems = self.heap.nelems[self.span_class]
            self._count_live(spans)
            some = np.full(len(spans), nelems)
            ends = np.cumsum(self.fresh)
            for p in np.flatnonzero(self.fresh).tolist():
                end, count = int(ends[p]), int(self.fresh[p])
                some[end - 1] = int(self.missing[p]) - (count - 1) * nelems
                self._cache(p, spans[end - count : end])
            self._take(spans, some)
        return Taken(
            self.span_class, _joined(self.used), _joined(self.slots), self.heap_live, self.counts
        )

    def _take(self, spans: Spans, slots: Ints) -> None:
        if len(spans):
            self.heap.spans.allocated[spans] += slots
            self.used.append(spans)
            self.slots.append(slots)

    def _cache(self, p: int, spans: Spans) -> None:
        """The last of the spans stays with the P; the others, and what it had, are full."""
        held = self.caches.cached[p : p + 1, self.span_class]
        self.heap.uncache_full(self.span_class, held[held >= 0])
        self.heap.uncache_full(self.span_class, spans[:-1])
        self.caches.cached[p, self.span_class] = spans[-1]

    def _count_live(self, spans: Spans) -> None:
        heap = self.heap
        in_use = heap.slot_size[self.span_class] * int(heap.spans.allocated[spans].sum())
        self.heap_live += len(spans) * heap.span_pages[self.span_class] * PAGE - in_use


def _joined(parts: list[Ints]) -> Ints:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
