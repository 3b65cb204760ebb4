"""The heap: pages into spans, spans through mcentrals, sweeping, reclaiming (runtime/mheap.go).

Everything works on batches of spans: what n operations in a row would do to the sets, the pages and
the counters, done at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from sim.go.mcentral import Mcentral
from sim.go.mspan import Ints, Lot, Spans, SpanSet, SpanTable, by_class
from sim.go.pagealloc import PageAlloc
from sim.go.pagebits import CHUNK_PAGES
from sim.go.sizeclass import SizeClassTable
from sim.kernels import native

PAGE: Final = 8192
_NO_SPANS: Final[Spans] = np.empty(0, dtype=np.int64)


@dataclass
class HeapStats:
    """Cumulative counters (runtime/mstats.go: heapStatsDelta; runtime/mheap.go)."""

    in_use_bytes: int = 0
    """Bytes of spans in use."""
    pages_in_use: int = 0
    pages_swept: int = 0
    """Pages swept in this sweep generation."""
    spans_freed: int = 0
    allocated_bytes: int = 0
    """Slot bytes ever allocated (/gc/heap/allocs:bytes)."""
    allocated_objects: int = 0
    freed_bytes: int = 0
    """Slot bytes found dead by sweeping (/gc/heap/frees:bytes)."""
    freed_objects: int = 0

    def count_allocated(self, objects: Ints, size: Ints) -> None:
        """Objects of several sizes were allocated."""
        self.allocated_objects += int(objects.sum())
        self.allocated_bytes += int(np.dot(objects, size))

    def copy(self) -> HeapStats:
        """The counters as they are now."""
        return replace(self)


@dataclass
class SweepState:
    """Where a sweep stands: Go's sweepgen counts by one here instead of by two."""

    generation: int = 0
    done: bool = True
    dead: Spans = field(default_factory=lambda: _NO_SPANS)
    """Unswept spans without a live slot in address order: what reclaim looks for."""
    reclaimed: int = 0
    """How many of `dead` the reclaimer has passed."""
    cursor: int = 0
    """Next span class of the background order."""


class MHeap:
    """Spans of all classes over one page allocator."""

    def __init__(self, sizes: SizeClassTable, pages: PageAlloc) -> None:
        self.pages = pages
        self.nelems = sizes.nelems
        self.span_pages = sizes.npages
        self.slot_size = sizes.elemsize
        self.spans = SpanTable()
        self.stats = HeapStats()
        self.sweeping = SweepState()
        self.centrals = [Mcentral(span_class) for span_class in range(len(self.nelems))]
        self.classes_used = np.zeros(len(self.nelems), dtype=np.bool_)
        """Span classes whose mcentral has ever held spans."""

    # -- obtaining spans ---------------------------------------------------------------------

    def alloc_spans(
        self,
        span_class: int | Ints,
        npages: int,
        nelems: int | Ints,
        slot_bytes: int | Ints,
        count: int,
    ) -> tuple[Spans, Ints]:
        """Fresh spans of so many pages, and the bytes of each that the OS has to provide.

        Source: runtime/mheap.go, alloc and allocSpan.
        """
        self.stats.in_use_bytes += count * npages * PAGE
        self.stats.pages_in_use += count * npages
        first, scavenged = self.take_pages(npages, count)
        spans = self.spans.add(
            first, npages, span_class, nelems, slot_bytes, self.sweeping.generation
        )
        return spans, scavenged

    def take_pages(self, npages: int, count: int) -> tuple[Ints, Ints]:
        """First pages of so many runs, and their bytes that the OS has to provide; may grow.

        Spans for stacks come straight from here (runtime/mheap.go: allocManual).
        """
        runs = [self.pages.alloc_runs(npages, count)]
        missing = count - len(runs[0].page)
        while missing:
            self.pages.grow(-(-missing * npages // CHUNK_PAGES))
            runs.append(self.pages.alloc_runs(npages, missing))
            missing -= len(runs[-1].page)
        return (
            np.concatenate([run.page for run in runs]),
            np.concatenate([run.scav_bytes for run in runs]),
        )

    def free_slots(self, spans: Spans) -> Ints:
        """Slots of each span that may be allocated."""
        free: Ints = self.spans.nelems.take(spans) - self.spans.allocated.take(spans)
        return free

    # -- giving spans back -------------------------------------------------------------------

    def uncache_full(self, classes: Ints, lot: Lot) -> None:
        """Put spans that an mcache used up into the full swept sets (mcentral.go: uncacheSpan)."""
        for at, spans in lot.parts():
            self.centrals[classes[at]].full_swept.push(spans)

    def uncache(self, classes: Ints, lot: Lot) -> None:
        """Put swept spans into the sets that their filling says."""
        full = self.free_slots(lot.spans) == 0
        self.uncache_full(classes, lot.those(full))
        for at, spans in lot.those(~full).parts():
            self.centrals[classes[at]].partial_swept.push(spans)

    def free_spans(self, spans: Spans) -> None:
        """Return the pages of empty spans to the heap (runtime/mheap.go: freeSpan)."""
        if not len(spans):
            return
        npages = self.spans.npages[spans]
        self.pages.free_many(self.spans.page[spans], npages)
        total = int(npages.sum())
        self.stats.in_use_bytes -= total * PAGE
        self.stats.pages_in_use -= total
        self.stats.spans_freed += len(spans)
        self.spans.drop(spans)

    # -- sweeping ----------------------------------------------------------------------------

    def begin_sweep(self, marked: Ints) -> None:
        """Mark termination: every span in use becomes unswept with `marked[span]` live slots.

        Those in mcaches stay there until each is flushed (runtime/mcache.go: prepareForSweep);
        nobody may allocate before. `marked` has one entry per row of the span table.
        """
        in_use = self.spans.rows_in_use()
        self.spans.live[in_use] = marked[in_use]
        self.classes_used[self.spans.span_class[in_use]] = True
        self.sweeping.generation += 1
        self.sweeping.done = len(in_use) == 0
        self.sweeping.cursor = 0
        self.sweeping.reclaimed = 0
        dead = in_use[self.spans.live[in_use] == 0]
        self.sweeping.dead = dead[np.argsort(self.spans.page[dead], kind="stable")]
        self.stats.pages_swept = 0
        for central in self.centrals:
            central.begin_sweep()

    def sweep_some(self, limit: int) -> tuple[int, int]:
        """Sweep up to `limit` spans in the background order; (spans swept, spans freed)."""
        batch = [_NO_SPANS]
        while limit > 0 and (unswept := self._next_unswept()) is not None:
            spans = unswept.pop(limit)
            batch.append(spans[self.is_unswept(spans)])
            limit -= len(batch[-1])
        spans = np.concatenate(batch)
        return len(spans), self._sweep_and_release(spans)

    def sweep_pages(self, pages: int) -> tuple[int, int]:
        """Sweep at least `pages` pages, or all that is left; (spans swept, spans freed)."""
        batch = [_NO_SPANS]
        while pages > 0 and (unswept := self._next_unswept()) is not None:
            ahead = unswept.peek(pages)
            waiting = np.cumsum(self.spans.npages[ahead] * self.is_unswept(ahead))
            spans = unswept.pop(min(int(np.searchsorted(waiting, pages)) + 1, len(ahead)))
            batch.append(spans[self.is_unswept(spans)])
            pages -= int(waiting[len(spans) - 1])
        spans = np.concatenate(batch)
        return len(spans), self._sweep_and_release(spans)

    def _next_unswept(self) -> SpanSet | None:
        """Where the background goes on: class by class, full before partial spans.

        None when all is swept (runtime/mgcsweep.go: nextSpanForSweep).
        """
        sweeping = self.sweeping
        while sweeping.cursor < len(self.centrals):
            central = self.centrals[sweeping.cursor]
            if len(central.full_unswept):
                return central.full_unswept
            if len(central.partial_unswept):
                return central.partial_unswept
            sweeping.cursor += 1
        sweeping.done = True
        return None

    def reclaim(self, npages: int) -> int:
        """Free wholly dead spans in address order before the heap grows (mheap.go: reclaim)."""
        sweeping = self.sweeping
        candidates = sweeping.dead[sweeping.reclaimed :]
        pages = np.cumsum(self.spans.npages[candidates[: npages + 1]])
        count = min(int(np.searchsorted(pages, npages)) + 1, len(pages))
        chosen = candidates[:count]
        sweeping.reclaimed += count
        chosen = chosen[self.is_unswept(chosen)]
        self.sweep(chosen)
        self.free_spans(chosen)
        return len(chosen)

    def sweep_cached(self, spans: Spans) -> int:
        """Sweep the stale spans of flushed mcaches (mcache.go: prepareForSweep); spans freed."""
        return self._sweep_and_release(spans)

    def is_unswept(self, spans: Spans) -> np.ndarray:
        """Spans in use that nobody has swept since the last cycle."""
        unswept: np.ndarray = self.spans.sweep_gen.take(spans) < self.sweeping.generation
        return unswept

    def sweep(self, spans: Spans) -> None:
        """Make the marks of the last cycle the allocated slots (runtime/mgcsweep.go: sweep)."""
        table = self.spans
        live = table.live.take(spans)
        freed = table.allocated.take(spans) - live
        table.allocated[spans] = live
        table.sweep_gen[spans] = self.sweeping.generation
        self.stats.pages_swept += int(table.npages.take(spans).sum())
        self.stats.freed_objects += int(freed.sum())
        self.stats.freed_bytes += int(np.dot(freed, table.slot_bytes.take(spans)))

    def _sweep_and_release(self, spans: Spans) -> int:
        """Sweep spans, class after class; dead ones go back as pages, others into swept sets."""
        if not len(spans):
            return 0
        if native is not None:
            dead = native.sweep_into_sets(self, spans)
            self.free_spans(dead)
            return len(dead)
        self.sweep(spans)
        alive = self.spans.live.take(spans) > 0
        kept = spans.take(np.flatnonzero(alive))
        if len(kept):
            self.uncache(*by_class(kept, self.spans.span_class.take(kept)))
        self.free_spans(spans.take(np.flatnonzero(~alive)))
        return len(spans) - len(kept)
