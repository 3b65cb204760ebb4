"""Spans as columns: runs of pages cut into slots of one size (runtime/mheap.go: mspan).

A span is a row number. Columns instead of objects, so that marking and sweeping a heap are a few
array operations whatever its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.units import MAX_INT64

T = TypeVar("T", bound=np.generic)
Ints = NDArray[np.int64]
Spans = NDArray[np.int64]
NO_SPAN: Final = -1
_FIRST_ROWS: Final = 1024


class Lot(NamedTuple):
    """Spans of several classes, one class after the other: `number[c]` of the c-th."""

    spans: Spans
    number: Ints

    @property
    def which(self) -> NDArray[np.int16]:
        """The place of its class for every span."""
        return self.of_class(np.arange(len(self.number), dtype=np.int16))

    def of_class(self, values: NDArray[T]) -> NDArray[T]:
        """For every span the value of its class."""
        return np.repeat(values, self.number)

    def those(self, chosen: NDArray[np.bool_]) -> Lot:
        """Some of the spans."""
        return Lot(self.spans.take(np.flatnonzero(chosen)), self.total(chosen))

    def total(self, weights: NDArray[Any]) -> Ints:
        """Sums by class of a property of the spans."""
        before = np.zeros(len(weights) + 1, dtype=np.int64)
        np.cumsum(weights, out=before[1:])
        behind = np.cumsum(self.number)
        sums: Ints = before[behind] - before[behind - self.number]
        return sums

    def parts(self) -> Iterator[tuple[int, Spans]]:
        """The place and the spans of every class that has some."""
        there = np.flatnonzero(self.number)
        number = self.number.take(there)
        behind = np.cumsum(number)
        for at, start, end in zip(
            there.tolist(), (behind - number).tolist(), behind.tolist(), strict=True
        ):
            yield at, self.spans[start:end]


def lot_of(parts: Sequence[Spans]) -> Lot:
    """Spans of several classes as one lot."""
    return Lot(np.concatenate(parts), np.array([len(part) for part in parts]))


def by_class(spans: Spans, classes: Ints) -> tuple[Ints, Lot]:
    """The classes of spans that lie class after class, and the spans as a lot."""
    edges = np.concatenate(([0], np.flatnonzero(classes[1:] != classes[:-1]) + 1, [len(classes)]))
    return classes[edges[:-1]], Lot(spans, edges[1:] - edges[:-1])


def merged(first: Lot, second: Lot) -> Lot:
    """In every class the spans of the first lot, then those of the second."""
    if not len(second.spans):
        return first
    order = np.argsort(np.concatenate((first.which, second.which)), kind="stable")
    return Lot(np.concatenate((first.spans, second.spans))[order], first.number + second.number)


class SpanTable:
    """All spans ever in use at the same time; rows of freed spans are used again.

    Columns: `page` (first page), `npages`, `span_class` (2 * size class + noscan; 0 and 1 are large
    objects), `nelems` (slots), `allocated` (Go's allocCount: slots that are not free), `live`
    (slots marked in the last cycle), `sweep_gen` (the generation in which it was last swept),
    `slot_bytes` (all of its pages for a large object), `in_use`.
    """

    _COLUMNS: Final = (
        "page",
        "npages",
        "span_class",
        "nelems",
        "slot_bytes",
        "allocated",
        "live",
        "sweep_gen",
    )

    def __init__(self) -> None:
        self.capacity = 0
        self.count = 0
        self.mark_words = 0
        """Words of 64 mark bits that the spans in use have (runtime/mheap.go: newMarkBits)."""
        self._free_rows: Spans = np.empty(0, dtype=np.int64)
        """A stack of as many rows as are not in use; what lies behind is void."""
        self.page: Ints = np.empty(0, dtype=np.int64)
        self.npages: Ints = np.empty(0, dtype=np.int64)
        self.span_class: Ints = np.empty(0, dtype=np.int64)
        self.nelems: Ints = np.empty(0, dtype=np.int64)
        self.slot_bytes: Ints = np.empty(0, dtype=np.int64)
        self.allocated: Ints = np.empty(0, dtype=np.int64)
        self.live: Ints = np.empty(0, dtype=np.int64)
        self.sweep_gen: Ints = np.empty(0, dtype=np.int64)
        self.in_use: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self._reserve(_FIRST_ROWS)

    def add(
        self,
        pages: Ints,
        npages: int,
        span_class: int | Ints,
        nelems: int | Ints,
        slot_bytes: int | Ints,
        sweep_gen: int,
    ) -> Spans:
        """New empty spans that start at the given pages; returns their rows."""
        wanted = len(pages)
        while self.capacity - self.count < wanted:
            self._reserve(2 * self.capacity)
        free = self.capacity - self.count
        rows = self._free_rows[free - wanted : free][::-1].copy()
        values = (pages, npages, span_class, nelems, slot_bytes, 0, 0, sweep_gen)
        for name, value in zip(self._COLUMNS, values, strict=True):
            getattr(self, name)[rows] = value
        self.in_use[rows] = True
        self.mark_words += self._words(rows)
        self.count += wanted
        return rows

    def drop(self, spans: Spans) -> None:
        """Forget spans whose pages went back to the heap; there is nothing to sweep in them."""
        self.in_use[spans] = False
        self.sweep_gen[spans] = MAX_INT64  # later than any sweep
        self.mark_words -= self._words(spans)
        free = self.capacity - self.count
        self._free_rows[free : free + len(spans)] = spans[::-1]
        self.count -= len(spans)

    def _words(self, spans: Spans) -> int:
        return int((self.nelems.take(spans) + 63 >> 6).sum())

    def rows_in_use(self) -> Spans:
        """Every span in use, in row order."""
        return np.flatnonzero(self.in_use)

    def _reserve(self, capacity: int) -> None:
        old, free = self.capacity, self.capacity - self.count
        for name in (*self._COLUMNS, "in_use"):
            column = getattr(self, name)
            grown = np.zeros(capacity, dtype=column.dtype)
            grown[:old] = column
            setattr(self, name, grown)
        rows = np.empty(capacity, dtype=np.int64)
        rows[: capacity - old] = np.arange(capacity - 1, old - 1, -1)
        rows[capacity - old : capacity - old + free] = self._free_rows[:free]
        self._free_rows, self.capacity = rows, capacity


class SpanSet:
    """A FIFO of spans (runtime/mspanset.go: push at the tail, pop at the head).

    They are `items[head:tail]`; what lies around is void.
    """

    def __init__(self) -> None:
        self.items: Spans = np.empty(64, dtype=np.int64)
        self.head = 0
        self.tail = 0

    def __len__(self) -> int:
        return self.tail - self.head

    def push(self, spans: Spans) -> None:
        """Append spans in order."""
        if len(spans):
            first = self.reserve(len(spans))
            self.items[first : self.tail] = spans

    def reserve(self, count: int) -> int:
        """Append so many spans that the caller writes; where the first of them goes."""
        if self.tail + count > len(self.items):
            waiting = self.items[self.head : self.tail]
            room = max(64, 2 * (len(waiting) + count))
            self.items = np.concatenate((waiting, np.empty(room - len(waiting), dtype=np.int64)))
            self.head, self.tail = 0, len(waiting)
        first = self.tail
        self.tail += count
        return first

    def peek(self, count: int) -> Spans:
        """Up to `count` spans from the head, left in place."""
        return self.items[self.head : min(self.head + count, self.tail)]

    def pop(self, count: int) -> Spans:
        """Remove and return up to `count` spans from the head."""
        spans = self.peek(count).copy()
        self.head += len(spans)
        return spans

    def clear(self) -> None:
        """Forget all spans."""
        self.head = self.tail = 0
