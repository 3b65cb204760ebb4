"""The heap: pages into spans, spans through mcentrals, sweeping, reclaiming (runtime/mheap.go).

Everything works on batches of spans: what n operations in a row would do to the sets, the pages and
the counters, done at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from sim.go.mcentral import Mcentral
from sim.go.mspan import Ints, Lot, Spans, SpanTable, lot_of
from sim.go.pagealloc import PageAlloc
from sim.go.pagebits import CHUNK_PAGES
from sim.go.sizeclass import SizeClassTable

PAGE: Final = 8192
LARGE_NOSCAN: Final = 1  # span classes 0 and 1 hold large objects
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

    def copy(self) -> HeapStats:
        """The counters as they are now."""
        return replace(self)


@dataclass
class Sweeping:
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
        self.sweeping = Sweeping()
        self.centrals = [Mcentral(span_class) for span_class in range(len(self.nelems))]

    # -- obtaining spans ---------------------------------------------------------------------

    def alloc_spans(
        self, span_class: int, npages: int, nelems: int, count: int
    ) -> tuple[Spans, int]:
        """Fresh spans from the page heap, and the bytes of them that the OS has to provide.

        Source: runtime/mheap.go, alloc and allocSpan.
        """
        first, scavenged = self.take_span_pages(npages, count)
        needzero = scavenged < npages * PAGE
        spans = self.spans.add(
            first, npages, span_class, nelems, self.sweeping.generation, needzero
        )
        return spans, int(scavenged.sum())

    def take_span_pages(self, npages: int, count: int) -> tuple[Ints, Ints]:
        """`take_pages` for spans of the heap, which count as in use."""
        self.stats.in_use_bytes += count * npages * PAGE
        self.stats.pages_in_use += count * npages
        return self.take_pages(npages, count)

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
        return self.spans.nelems[spans] - self.spans.allocated[spans]

    # -- giving spans back -------------------------------------------------------------------

    def uncache_full(self, classes: Ints, lot: Lot) -> None:
        """Put spans that an mcache used up into the full swept sets (mcentral.go: uncacheSpan)."""
        for span_class, spans in zip(classes.tolist(), lot.parts(), strict=True):
            self.centrals[span_class].full_swept.push(spans)

    def uncache(self, classes: Ints, lot: Lot) -> None:
        """Put swept spans into the sets that their filling says."""
        full = self.free_slots(lot.spans) == 0
        self.uncache_full(classes, lot.those(full))
        for span_class, spans in zip(classes.tolist(), lot.those(~full).parts(), strict=True):
            self.centrals[span_class].partial_swept.push(spans)

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
        """Sweep up to `limit` spans in the background order; (spans swept, spans freed).

        Class by class, full before partial (runtime/mgcsweep.go: nextSpanForSweep).
        """
        swept = freed = 0
        sweeping = self.sweeping
        while swept < limit and sweeping.cursor < len(self.centrals):
            central = self.centrals[sweeping.cursor]
            unswept = central.full_unswept if len(central.full_unswept) else central.partial_unswept
            if not len(unswept):
                sweeping.cursor += 1
                continue
            batch = unswept.pop(limit - swept)
            batch = batch[self.is_unswept(batch)]
            freed += self._sweep_and_release(sweeping.cursor, batch)
            swept += len(batch)
        if sweeping.cursor >= len(self.centrals):
            sweeping.done = True
        return swept, freed

    def sweep_pages(self, pages: int) -> tuple[int, int]:
        """Sweep at least `pages` pages, or all that is left; (spans swept, spans freed)."""
        swept = freed = 0
        target = self.stats.pages_swept + pages
        while self.stats.pages_swept < target and not self.sweeping.done:
            some, gone = self.sweep_some(max(1, (target - self.stats.pages_swept) // 4))
            swept, freed = swept + some, freed + gone
        return swept, freed

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
        classes = self.spans.span_class[spans]
        return sum(
            self._sweep_and_release(span_class, spans[classes == span_class])
            for span_class in np.unique(classes).tolist()
        )

    def is_unswept(self, spans: Spans) -> np.ndarray:
        """Spans in use that nobody has swept since the last cycle."""
        return self.spans.in_use[spans] & (self.spans.sweep_gen[spans] < self.sweeping.generation)

    def sweep(self, spans: Spans) -> None:
        """Make the marks of the last cycle the allocated slots (runtime/mgcsweep.go: sweep)."""
        table = self.spans
        freed = table.allocated[spans] - table.live[spans]
        table.allocated[spans] = table.live[spans]
        table.needzero[spans] |= freed > 0
        table.sweep_gen[spans] = self.sweeping.generation
        size = self.slot_bytes_of(spans)
        self.stats.pages_swept += int(table.npages[spans].sum())
        self.stats.freed_objects += int(freed.sum())
        self.stats.freed_bytes += int((freed * size).sum())

    def slot_bytes_of(self, spans: Spans) -> Ints:
        """Bytes of a slot of each span: the whole span for large objects."""
        classes = self.spans.span_class[spans]
        return np.where(
            classes <= LARGE_NOSCAN, self.spans.npages[spans] * PAGE, self.slot_size[classes]
        )

    def _sweep_and_release(self, span_class: int, spans: Spans) -> int:
        """Sweep spans of a class; dead ones go back as pages, the others into its swept sets."""
        if not len(spans):
            return 0
        self.sweep(spans)
        empty = self.spans.allocated[spans] == 0
        dead = int(empty.sum())
        if dead < len(spans):
            self.uncache(np.array([span_class]), lot_of([spans[~empty]]))
        if dead:
            self.free_spans(spans[empty])
        return dead
