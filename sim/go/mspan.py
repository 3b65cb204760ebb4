"""Spans as columns: runs of pages cut into slots of one size (runtime/mheap.go: mspan).

A span is a row number. Columns instead of objects, so that marking and sweeping a heap are a few
array operations whatever its size.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Spans = NDArray[np.int64]
NO_SPAN: Final = -1
_FIRST_ROWS: Final = 1024


class SpanTable:
    """All spans ever in use at the same time; rows of freed spans are used again.

    Columns: `page` (first page), `npages`, `span_class` (2 * size class + noscan; 0 and 1 are large
    objects), `nelems` (slots), `allocated` (Go's allocCount: slots that are not free), `live`
    (slots marked in the last cycle), `sweep_gen` (the generation in which it was last swept),
    `needzero` (recycled memory: slots must be cleared), `in_use`.
    """

    _COLUMNS: Final = ("page", "npages", "span_class", "nelems", "allocated", "live", "sweep_gen")

    def __init__(self) -> None:
        self.capacity = 0
        self.count = 0
        self._free_rows = np.empty(0, dtype=np.int64)
        self.page: Ints = np.empty(0, dtype=np.int64)
        self.npages: Ints = np.empty(0, dtype=np.int64)
        self.span_class: Ints = np.empty(0, dtype=np.int64)
        self.nelems: Ints = np.empty(0, dtype=np.int64)
        self.allocated: Ints = np.empty(0, dtype=np.int64)
        self.live: Ints = np.empty(0, dtype=np.int64)
        self.sweep_gen: Ints = np.empty(0, dtype=np.int64)
        self.needzero: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self.in_use: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self._reserve(_FIRST_ROWS)

    def add(
        self,
        pages: Ints,
        npages: int,
        span_class: int | Ints,
        nelems: int | Ints,
        sweep_gen: int,
        needzero: NDArray[np.bool_],
    ) -> Spans:
        """New empty spans that start at the given pages; returns their rows."""
        wanted = len(pages)
        while len(self._free_rows) < wanted:
            self._reserve(2 * self.capacity)
        rows = self._free_rows[-wanted:][::-1].copy() if wanted else np.empty(0, dtype=np.int64)
        self._free_rows = self._free_rows[: len(self._free_rows) - wanted]
        self.page[rows] = pages
        self.npages[rows] = npages
        self.span_class[rows] = span_class
        self.nelems[rows] = nelems
        self.allocated[rows] = 0
        self.live[rows] = 0
        self.sweep_gen[rows] = sweep_gen
        self.needzero[rows] = needzero
        self.in_use[rows] = True
        self.count += wanted
        return rows

    def drop(self, spans: Spans) -> None:
        """Forget spans whose pages went back to the heap."""
        self.in_use[spans] = False
        self._free_rows = np.concatenate((self._free_rows, spans[::-1]))
        self.count -= len(spans)

    def rows_in_use(self) -> Spans:
        """Every span in use, in row order."""
        return np.flatnonzero(self.in_use)

    def _reserve(self, capacity: int) -> None:
        old = self.capacity
        for name in (*self._COLUMNS, "needzero", "in_use"):
            column = getattr(self, name)
            grown = np.zeros(capacity, dtype=column.dtype)
            grown[:old] = column
            setattr(self, name, grown)
        self._free_rows = np.concatenate((np.arange(capacity - 1, old - 1, -1), self._free_rows))
        self.capacity = capacity


class SpanSet:
    """A FIFO of spans (runtime/mspanset.go: push at the tail, pop at the head)."""

    def __init__(self) -> None:
        self._spans: Spans = np.empty(64, dtype=np.int64)
        self._head = 0
        self._tail = 0

    def __len__(self) -> int:
        return self._tail - self._head

    def push(self, spans: Spans) -> None:
        """Append spans in order."""
        if not len(spans):
            return
        if self._tail + len(spans) > len(self._spans):
            waiting = self._spans[self._head : self._tail]
            room = max(64, 2 * (len(waiting) + len(spans)))
            self._spans = np.concatenate((waiting, np.empty(room - len(waiting), dtype=np.int64)))
            self._head, self._tail = 0, len(waiting)
        self._spans[self._tail : self._tail + len(spans)] = spans
        self._tail += len(spans)

    def peek(self, count: int) -> Spans:
        """Up to `count` spans from the head, left in place."""
        return self._spans[self._head : min(self._head + count, self._tail)]

    def pop(self, count: int) -> Spans:
        """Remove and return up to `count` spans from the head."""
        spans = self.peek(count).copy()
        self._head += len(spans)
        return spans

    def clear(self) -> None:
        """Forget all spans."""
        self._head = self._tail = 0
