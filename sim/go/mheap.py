"""The heap: pages into spans, spans through mcentrals, sweeping, reclaiming (runtime/mheap.go).

Everything works on batches of spans of one class: what n refills in a row would do to the sets, the
pages and the counters, done at once. A batch of one is one refill.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from sim.go.mcentral import Mcentral
from sim.go.mspan import Ints, Spans, SpanSet, SpanTable
from sim.go.pagealloc import PageAlloc
from sim.go.pagebits import CHUNK_PAGES
from sim.go.sizeclass import SizeClassTable

PAGE: Final = 8192
LARGE_NOSCAN: Final = 1  # span classes 0 and 1 hold large objects
SWEEP_BUDGET: Final = 100  # runtime/mcentral.go: cacheSpan, spanBudget
_NO_SPANS: Final[Spans] = np.empty(0, dtype=np.int64)


@dataclass
class RefillCounts:
    """How the spans of a batch of refills were obtained, and what else was swept on the way."""

    partial: int = 0
    swept: int = 0
    fresh: int = 0
    freed_spans: int = 0
    faulted_bytes: int = 0
    """Bytes of fresh spans that the OS has to provide at the first touch."""

    @property
    def spans(self) -> int:
        """Spans that were obtained, or swept in vain."""
        return self.partial + self.swept + self.fresh


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
        self.nelems: list[int] = sizes.nelems.tolist()
        self.span_pages: list[int] = sizes.npages.tolist()
        self.slot_size: list[int] = sizes.elemsize.tolist()
        self.spans = SpanTable()
        self.stats = HeapStats()
        self.sweeping = Sweeping()
        self.centrals = [Mcentral(span_class) for span_class in range(len(self.nelems))]
        self._elem_size = sizes.elemsize

    # -- obtaining spans ---------------------------------------------------------------------

    def reuse_spans(self, span_class: int, slots: int, counts: RefillCounts) -> Spans:
        """Spans of an mcentral with up to `slots` free slots, in the order of Go's refills.

        Partial swept; partial unswept, swept on the way; full unswept within the budget of 100 per
        refill (runtime/mcentral.go: cacheSpan).
        """
        central = self.centrals[span_class]
        found = self._pop_until(central.partial_swept, span_class, slots)
        counts.partial += len(found)
        if self.sweeping.done:
            return found
        slots -= self._free_slots(found)
        if slots <= 0:
            return found
        return np.concatenate((found, self._sweep_and_take(central, slots, counts)))

    def fresh_spans(self, wanted: list[tuple[int, int, RefillCounts]]) -> list[Spans]:
        """Fresh spans for refills: so many of each class, in lists of (class, number, counts).

        Before the heap grows, unswept spans without a live slot are reclaimed.
        """
        if not self.sweeping.done:
            for span_class, number, counts in wanted:
                counts.freed_spans += self.reclaim(number * self.span_pages[span_class])
        singles = [entry for entry in wanted if entry[1] and self.span_pages[entry[0]] == 1]
        one_page = iter(self._interleaved_singles(singles))
        spans = []
        for span_class, number, counts in wanted:
            counts.fresh += number
            if not number:
                spans.append(_NO_SPANS)
            elif self.span_pages[span_class] == 1:
                spans.append(next(one_page))
            else:
                npages, nelems = self.span_pages[span_class], self.nelems[span_class]
                spans.append(self.alloc_spans(span_class, npages, nelems, number, counts))
        return spans

    def _interleaved_singles(self, wanted: list[tuple[int, int, RefillCounts]]) -> list[Spans]:
        """One-page spans of several classes, spread evenly over the addresses of the batch."""
        if not wanted:
            return []
        number = np.array([entry[1] for entry in wanted])
        which = np.repeat(np.arange(len(wanted)), number)
        place = (
            np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number) + 0.5
        ) / number[which]
        pages, scavenged = self._take_span_pages(1, len(which))
        mine = np.empty(len(which), dtype=np.int64)
        mine[np.argsort(place, kind="stable")] = np.arange(len(which))
        classes = np.array([entry[0] for entry in wanted])[which]
        spans = self.spans.add(
            pages[mine], 1, classes, np.asarray(self.nelems)[classes], self.sweeping.generation,
            scavenged[mine] < PAGE,
        )  # fmt: skip
        for index, (_, _, counts) in enumerate(wanted):
            counts.faulted_bytes += int(scavenged[mine][which == index].sum())
        return np.split(spans, np.cumsum(number)[:-1])

    def alloc_spans(
        self, span_class: int, npages: int, nelems: int, count: int, counts: RefillCounts
    ) -> Spans:
        """Fresh spans from the page heap (runtime/mheap.go: alloc, allocSpan)."""
        first, scavenged = self._take_span_pages(npages, count)
        counts.faulted_bytes += int(scavenged.sum())
        needzero = scavenged < npages * PAGE
        return self.spans.add(first, npages, span_class, nelems, self.sweeping.generation, needzero)

    def _take_span_pages(self, npages: int, count: int) -> tuple[Ints, Ints]:
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

    def _pop_until(self, waiting: SpanSet, span_class: int, slots: int) -> Spans:
        """The shortest run from the head of a set with enough free slots, or all of it."""
        found, step = _NO_SPANS, -(-slots // self.nelems[span_class])
        while slots > 0 and len(waiting):
            ahead = waiting.peek(step)
            free = np.cumsum(self.spans.nelems[ahead] - self.spans.allocated[ahead])
            got = waiting.pop(min(int(np.searchsorted(free, slots)) + 1, len(ahead)))
            slots -= int(free[len(got) - 1])
            found = np.concatenate((found, got))
            step *= 2
        return found

    def _free_slots(self, spans: Spans) -> int:
        return int((self.spans.nelems[spans] - self.spans.allocated[spans]).sum())

    def _sweep_and_take(self, central: Mcentral, slots: int, counts: RefillCounts) -> Spans:
        """Sweep unswept spans of the class until enough slots are free or the budget is spent.

        A refill may sweep 101 spans in vain before it takes a fresh one, so the budget is that of
        the refills which are still needed.
        """
        nelems = self.nelems[central.span_class]
        taken = [_NO_SPANS]
        budget = (SWEEP_BUDGET + 1) * -(-slots // nelems)
        for unswept in (central.partial_unswept, central.full_unswept):
            step = -(-slots // nelems)
            while slots > 0 and budget > 0 and len(unswept):
                batch = unswept.pop(min(budget, step))
                budget -= len(batch)
                step *= 2
                batch = batch[self._is_unswept(batch)]
                self._sweep(batch)
                counts.swept += len(batch)
                full = self.spans.allocated[batch] == nelems
                central.full_swept.push(batch[full])
                taken.append(batch[~full])
                slots -= self._free_slots(batch[~full])
        return np.concatenate(taken)

    # -- giving spans back -------------------------------------------------------------------

    def uncache_full(self, span_class: int, spans: Spans) -> None:
        """Put spans that an mcache used up into the full swept set (mcentral.go: uncacheSpan)."""
        self.centrals[span_class].full_swept.push(spans)

    def uncache(self, span_class: int, spans: Spans) -> None:
        """Put swept spans of a class into the set that their filling says."""
        full = self.spans.allocated[spans] == self.spans.nelems[spans]
        central = self.centrals[span_class]
        central.full_swept.push(spans[full])
        central.partial_swept.push(spans[~full])

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
            batch = batch[self._is_unswept(batch)]
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
        chosen = chosen[self._is_unswept(chosen)]
        self._sweep(chosen)
        self.free_spans(chosen)
        return len(chosen)

    def sweep_cached(self, spans: Spans) -> int:
        """Sweep the stale spans of flushed mcaches (mcache.go: prepareForSweep); spans freed."""
        classes = self.spans.span_class[spans]
        return sum(
            self._sweep_and_release(span_class, spans[classes == span_class])
            for span_class in np.unique(classes).tolist()
        )

    def _is_unswept(self, spans: Spans) -> np.ndarray:
        return self.spans.in_use[spans] & (self.spans.sweep_gen[spans] < self.sweeping.generation)

    def _sweep(self, spans: Spans) -> None:
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
            classes <= LARGE_NOSCAN, self.spans.npages[spans] * PAGE, self._elem_size[classes]
        )

    def _sweep_and_release(self, span_class: int, spans: Spans) -> int:
        """Sweep spans of a class; dead ones go back as pages, the others into its swept sets."""
        if not len(spans):
            return 0
        self._sweep(spans)
        empty = self.spans.allocated[spans] == 0
        dead = int(empty.sum())
        if dead < len(spans):
            self.uncache(span_class, spans[~empty])
        if dead:
            self.free_spans(spans[empty])
        return dead
