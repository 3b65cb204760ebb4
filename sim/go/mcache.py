"""The per-P caches of spans, and what a stretch of allocation does to them (runtime/mcache.go)."""

from __future__ import annotations

import numpy as np

from sim.go.mheap import PAGE, MHeap, RefillCounts
from sim.go.mspan import NO_SPAN, Ints, Spans


class Mcaches:
    """One cached span per P and span class."""

    def __init__(self, heap: MHeap, gomaxprocs: int) -> None:
        self.heap = heap
        self.cached: Ints = np.full((gomaxprocs, len(heap.nelems)), NO_SPAN, dtype=np.int64)

    def allocate(self, p: int, span_class: int, objects: int, counts: RefillCounts) -> tuple[Spans, Ints, int]:
        """Take `objects` slots of a class on one P, refilling as often as needed.

        Returns the spans used, how many slots were taken in each, in the order of use, and the
        change of heap_live: a span counts with all of its bytes that were not in use when it was
        cached (runtime/mcache.go: refill).
        """
        table = self.heap.spans
        span = int(self.cached[p, span_class])
        free = int(table.nelems[span] - table.allocated[span]) if span >= 0 else 0
        if objects <= free:
            table.allocated[span] += objects
            return np.array([span]), np.array([objects]), 0
        spans = self.heap.cache_spans(span_class, objects - free, counts)
        heap_live = self._heap_live_of(spans, span_class)
        if span >= 0:
            spans = np.concatenate(([span], spans))
        taken = table.nelems[spans] - table.allocated[spans]
        taken[-1] -= int(taken.sum()) - objects
        table.allocated[spans] += taken
        self.heap.uncache_full(span_class, spans[:-1])
        self.cached[p, span_class] = spans[-1]
        return spans, taken, heap_live

    def _heap_live_of(self, spans: Spans, span_class: int) -> int:
        heap = self.heap
        in_use = heap.slot_size[span_class] * int(heap.spans.allocated[spans].sum())
        return len(spans) * heap.span_pages[span_class] * PAGE - in_use

    def held(self) -> Spans:
        """All spans in caches."""
        return self.cached[self.cached >= 0]

    def flush(self) -> Spans:
        """Empty all caches; the caller sweeps or keeps what they held (mcache.go: releaseAll)."""
        spans = self.held()
        self.cached[:] = NO_SPAN
        return spans
