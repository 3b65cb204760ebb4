"""A heap whose slots are known one by one, under the rules of `sim.go`.

Spans, mcentrals, pages and sweeping are those of the simulator, asked for one span at a time; what
is added is which item lies in which slot. Items are whatever the caller tells apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np

from sim.go.mcentral import Mcentral
from sim.go.mheap import PAGE, MHeap
from sim.go.mspan import lot_of
from sim.go.pagealloc import PageAlloc
from sim.go.refill import no_refills, reuse_spans
from sim.go.sizeclass import TINY_SIZE, SizeClassTable
from sim.units import Bytes

T = TypeVar("T")
ARENA: Final = 0xC0 << 32
"""Where linux/amd64 heaps begin (runtime/malloc.go: mallocinit, the first arena hint)."""


@dataclass
class Slots(Generic[T]):
    """A span in use: what lies in each slot, and where the search for a free one goes on."""

    row: int
    """In the table of spans."""
    span_class: int
    page: int
    npages: int
    size: Bytes
    """Of a slot."""
    items: list[tuple[T, ...]]
    """By slot; several only in blocks that tiny objects share."""
    next: int = 0

    def take(self) -> int | None:
        """The next free slot; None if there is none (runtime/malloc.go: nextFreeFast)."""
        while self.next < len(self.items):
            self.next += 1
            if not self.items[self.next - 1]:
                return self.next - 1
        return None

    def address(self, index: int) -> int:
        """Of a slot."""
        return ARENA + self.page * PAGE + index * self.size


class SweptSpan(NamedTuple, Generic[T]):
    """What sweeping a span did."""

    span: Slots[T]
    freed: tuple[T, ...]
    returned: bool
    """Nothing in it lived, so its pages went back to the page heap."""


@dataclass
class PlacedObject(Generic[T]):
    """Where a new item lies, and what that took."""

    span: Slots[T]
    index: int
    how: str
    """`tiny`, `hit`, the set of the mcentral that the refill used, `fresh` or `large`."""
    heap_live: Bytes = 0
    """By how much heap_live grew (runtime/mcache.go: refill, allocLarge)."""
    grown: Bytes = 0
    """By how much the heap grew."""
    swept: list[SweptSpan[T]] = field(default_factory=list)


class SmallHeap(Generic[T]):
    """The mcaches of some Ps over one page heap."""

    def __init__(
        self, sizes: SizeClassTable, pages_owed: Callable[[Bytes], int] = lambda _: 0
    ) -> None:
        """`pages_owed`: pages to be swept before a span of so many bytes is taken."""
        self.sizes, self.pages_owed = sizes, pages_owed
        self.mheap = MHeap(sizes, PageAlloc())
        self.spans: dict[int, Slots[T]] = {}
        self.cached: dict[tuple[int, int], Slots[T]] = {}
        """By P and span class."""
        self.tiny: dict[int, tuple[Slots[T], int, Bytes]] = {}
        """By P the block that tiny objects share: its span and slot, and how much of it is used."""
        self.unswept: dict[int, list[int]] = {}
        """Rows of unswept spans, and which of their slots are to be freed."""

    # -- allocation ------------------------------------------------------------------------------

    def allocate(self, p: int, size: Bytes, item: T, *, noscan: bool) -> PlacedObject[T]:
        """Put an item of so many bytes into the heap (runtime/malloc.go: mallocgc)."""
        span_class = self.sizes.span_class(size, noscan)
        if span_class <= 1:
            return self._large(span_class, size, item)
        if noscan and size < TINY_SIZE:
            return self._tiny(p, size, item)
        return self._small(p, span_class, item)

    def _small(self, p: int, span_class: int, item: T) -> PlacedObject[T]:
        span = self.cached.get((p, span_class))
        index = None if span is None else span.take()
        if span is not None and index is not None:
            placed = PlacedObject(span, index, "hit")
        else:
            placed = self._refill(p, span_class)
        placed.span.items[placed.index] = (item,)
        self.mheap.spans.allocated[placed.span.row] += 1
        return placed

    def _tiny(self, p: int, size: Bytes, item: T) -> PlacedObject[T]:
        """Into the P's block if it has room (mallocgcTiny)."""
        align = next(align for align in (8, 4, 2, 1) if size % align == 0)
        if p in self.tiny:
            span, index, used = self.tiny[p]
            start = -(-used // align) * align
            if start + size <= TINY_SIZE:
                span.items[index] += (item,)
                self.tiny[p] = (span, index, start + size)
                return PlacedObject(span, index, "tiny")
        placed = self._small(p, self.sizes.tiny_span_class, item)
        if p not in self.tiny or size < self.tiny[p][2]:
            self.tiny[p] = (placed.span, placed.index, size)
        return placed

    def _large(self, span_class: int, size: Bytes, item: T) -> PlacedObject[T]:
        npages = self.sizes.large_npages(size)
        before = self.mheap.pages.total_pages
        swept = self._pay(npages * PAGE)
        span, more = self._fresh(span_class, npages, npages * PAGE, 1)
        swept += more
        span.items[0] = (item,)
        self.mheap.spans.allocated[span.row] = 1
        self._put_back(span)
        grown = (self.mheap.pages.total_pages - before) * PAGE
        return PlacedObject(span, 0, "large", npages * PAGE, grown, swept)

    def _refill(self, p: int, span_class: int) -> PlacedObject[T]:
        """Give the full span back and get another (runtime/mcache.go: refill)."""
        full = self.cached.pop((p, span_class), None)
        if full is not None:
            self._put_back(full)
        central, before = self.mheap.centrals[span_class], self.mheap.pages.total_pages
        npages = int(self.mheap.span_pages[span_class])
        swept = self._pay(npages * PAGE)
        waiting = _waiting(central)
        found = reuse_spans(
            self.mheap, np.array([span_class]), np.array([1], dtype=np.int64), no_refills(1)
        ).spans.tolist()
        swept += self._settle()
        if found:
            span = self.spans[found[0]]
            how = next(name for name, was in waiting.items() if _waiting(central)[name] < was)
            for row in found[1:]:
                self._put_back(self.spans[row])
        else:
            size, nelems = self.mheap.slot_size[span_class], self.mheap.nelems[span_class]
            span, more = self._fresh(span_class, npages, int(size), int(nelems))
            how = "fresh"
            swept += more
        self.cached[p, span_class] = span
        index = span.take()
        assert index is not None
        live = span.npages * PAGE - int(self.mheap.spans.allocated[span.row]) * span.size
        grown = (self.mheap.pages.total_pages - before) * PAGE
        return PlacedObject(span, index, how, live, grown, swept)

    def _pay(self, nbytes: Bytes) -> list[SweptSpan[T]]:
        """Sweep what an allocation owes (runtime/mgcsweep.go: deductSweepCredit)."""
        pages = 0 if self.mheap.sweeping.done else self.pages_owed(nbytes)
        return self.sweep_pages(pages) if pages > 0 else []

    def _fresh(
        self, span_class: int, npages: int, size: Bytes, nelems: int
    ) -> tuple[Slots[T], list[SweptSpan[T]]]:
        """A span from the page heap; dead ones are freed for it first (runtime/mheap.go: alloc)."""
        swept: list[SweptSpan[T]] = []
        if not self.mheap.sweeping.done:
            self.mheap.reclaim(npages)
            swept = self._settle()
        rows, _ = self.mheap.alloc_spans(span_class, npages, nelems, size, 1)
        row = int(rows[0])
        page = int(self.mheap.spans.page[row])
        self.spans[row] = Slots(row, span_class, page, npages, size, [()] * nelems)
        return self.spans[row], swept

    def _put_back(self, span: Slots[T]) -> None:
        """Into the swept set of its mcentral that its filling says."""
        self.mheap.uncache(np.array([span.span_class]), lot_of([np.array([span.row])]))

    # -- sweeping --------------------------------------------------------------------------------

    def begin_sweep(self, lives: Callable[[T], bool]) -> None:
        """Mark termination: what does not live is freed when its span is swept."""
        marked = np.zeros(self.mheap.spans.capacity, dtype=np.int64)
        self.unswept = {}
        for row, span in self.spans.items():
            used = [index for index, items in enumerate(span.items) if items]
            dead = [index for index in used if not any(map(lives, span.items[index]))]
            self.unswept[row] = dead
            marked[row] = len(used) - len(dead)
        self.mheap.begin_sweep(marked)

    def flush(self) -> list[SweptSpan[T]]:
        """Sweep the spans in the mcaches, and empty these (runtime/mcache.go: prepareForSweep)."""
        spans = sorted(self.cached.values(), key=lambda span: span.span_class)
        self.cached.clear()
        self.tiny.clear()
        self.mheap.sweep_cached(np.array([span.row for span in spans], dtype=np.int64))
        return self._settle()

    def sweep_next(self) -> list[SweptSpan[T]]:
        """Sweep the next span in the order of the background sweeper; nothing when all is swept."""
        self.mheap.sweep_some(1)
        return self._settle()

    def sweep_pages(self, pages: int) -> list[SweptSpan[T]]:
        """Sweep at least so many pages."""
        self.mheap.sweep_pages(pages)
        return self._settle()

    def sweep_all(self) -> list[SweptSpan[T]]:
        """Sweep what is left (runtime/mgcsweep.go: finishsweep_m)."""
        self.mheap.sweep_some(len(self.unswept))
        self.mheap.sweep_some(1)
        return self._settle()

    def _settle(self) -> list[SweptSpan[T]]:
        """Free slot by slot what the rules have swept since the last time."""
        table, generation = self.mheap.spans, self.mheap.sweeping.generation
        rows = [row for row in self.unswept if table.sweep_gen[row] >= generation]
        return [self._free_dead(self.spans[row], returned=not table.in_use[row]) for row in rows]

    def _free_dead(self, span: Slots[T], *, returned: bool) -> SweptSpan[T]:
        freed: list[T] = []
        for index in self.unswept.pop(span.row):
            freed += span.items[index]
            span.items[index] = ()
        span.next = 0
        if returned:
            del self.spans[span.row]
        return SweptSpan(span, tuple(freed), returned)

    # -- looking ---------------------------------------------------------------------------------

    def by_address(self) -> list[Slots[T]]:
        """The spans in use, the lowest address first."""
        return sorted(self.spans.values(), key=lambda span: span.page)

    def place_of(self, span: Slots[T]) -> str:
        """Where a span is: in an mcache, or in a set of its mcentral."""
        for (p, _), cached in self.cached.items():
            if cached is span:
                return f"mcache of P{p}"
        swept = "unswept" if span.row in self.unswept else "swept"
        if span.span_class <= 1:
            return f"large object, {swept}"
        full = int(self.mheap.spans.allocated[span.row]) == len(span.items)
        return f"mcentral, {'full' if full else 'partial'} {swept}"

    def free_pages(self) -> tuple[int, int]:
        """Free pages that are resident, and free pages that the OS has back."""
        pages = self.mheap.pages
        return pages.free_pages - pages.scavenged_pages, pages.scavenged_pages


def _waiting(central: Mcentral) -> dict[str, int]:
    """Spans in the sets of an mcentral, in the order in which a refill asks them."""
    return {
        "full unswept": len(central.full_unswept),
        "partial unswept": len(central.partial_unswept),
        "partial swept": len(central.partial_swept),
    }
