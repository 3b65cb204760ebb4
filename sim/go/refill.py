"""Spans for the refills of many span classes at once (runtime/mcentral.go: cacheSpan, grow).

What the refills of a batch would do one after the other to the sets, the pages and the counters,
done together: arrays have one entry a class, and classes without need ask for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.go.mheap import MHeap
from sim.go.mspan import Ints, Lot, Spans, SpanSet, lot_of, merged
from sim.go.pagealloc import CACHE_PAGES
from sim.kernels import native

SWEEP_BUDGET: Final = 100  # runtime/mcentral.go: cacheSpan, spanBudget
PAGE_CACHE_LIMIT: Final = (
    CACHE_PAGES // 4
)  # runtime/mheap.go: allocSpan, smaller requests may use it
_NO_SPANS: Final[Spans] = np.empty(0, dtype=np.int64)


@dataclass
class RefillCounts:
    """How the spans of a batch of refills were obtained, and what else was swept, by class."""

    partial: Ints
    swept: Ints
    in_vain: Ints
    """Of the swept ones, those without a free slot."""
    sweeps_in_vain: Ints
    """Sequences of these between two spans with free slots, each of about SWEEP_BUDGET at most."""
    fresh: Ints
    freed_spans: Ints
    faulted_bytes: Ints
    """Bytes of fresh spans that the OS has to provide at the first touch."""

    def add(self, classes: Ints | slice, more: RefillCounts) -> None:
        """Count what was done for some of the classes."""
        for field in fields(self):
            getattr(self, field.name)[classes] += getattr(more, field.name)

    @property
    def spans(self) -> Ints:
        """Spans that were obtained, or swept in vain."""
        return self.partial + self.swept + self.fresh


def no_refills(classes: int) -> RefillCounts:
    """Nothing yet."""
    return RefillCounts(*np.zeros((7, classes), dtype=np.int64))


def reuse_spans(heap: MHeap, classes: Ints, slots: Ints, counts: RefillCounts) -> Lot:
    """Spans of the mcentrals with up to `slots[c]` free slots, in the order of Go's refills.

    Partial swept; partial unswept, swept on the way; full unswept within the budget of 100 per
    refill (runtime/mcentral.go: cacheSpan).
    """
    centrals = [heap.centrals[span_class] for span_class in classes.tolist()]
    found = _pop_until(heap, [central.partial_swept for central in centrals], classes, slots)
    counts.partial += found.number
    if heap.sweeping.done:
        return found
    slots = slots - found.total(heap.free_slots(found.spans))
    return merged(found, _sweep_and_take(heap, classes, np.maximum(slots, 0), counts))


def _pop_until(heap: MHeap, waiting: list[SpanSet], classes: Ints, slots: Ints) -> Lot:
    """From the head of every set the shortest run with enough free slots, or all of it."""
    wanted = -(-slots // heap.nelems[classes])
    there = np.array([len(spans) for spans in waiting])
    while True:
        number = np.minimum(wanted, there)
        ahead = np.concatenate(
            [spans.peek(some) for spans, some in zip(waiting, number.tolist(), strict=True)]
        )
        free = np.concatenate(([0], np.cumsum(heap.free_slots(ahead))))
        behind = np.cumsum(number)
        before = free[behind - number]
        reach, found = before + slots, free[behind] - before
        short = (found < slots) & (number < there)
        if not short.any():
            break
        # As many as it takes if the next ones are as full as these, and some more.
        wanted = np.where(short, number * slots // np.maximum(found, 1) * 9 // 8 + 8, wanted)
    number = np.minimum(np.searchsorted(free, reach), behind) - (behind - number)
    return lot_of([spans.pop(some) for spans, some in zip(waiting, number.tolist(), strict=True)])


def _sweep_and_take(heap: MHeap, classes: Ints, slots: Ints, counts: RefillCounts) -> Lot:
    """Sweep unswept spans of the classes until enough slots are free or the budget is spent.

    A refill may sweep 101 spans in vain before it takes a fresh one, so the budget is that of the
    refills which are still needed.
    """
    centrals = [heap.centrals[span_class] for span_class in classes.tolist()]
    nelems = heap.nelems[classes]
    taken = lot_of([_NO_SPANS] * len(classes))
    budget = (SWEEP_BUDGET + 1) * -(-slots // nelems)
    goes_on = np.zeros(len(classes), dtype=np.bool_)  # the last span was swept in vain
    for unswept in (
        [central.partial_unswept for central in centrals],
        [central.full_unswept for central in centrals],
    ):
        step = -(-np.maximum(slots, 0) // nelems)
        while True:
            some = np.where(slots > 0, np.minimum(budget, step), 0)
            batch = lot_of([s.pop(n) for s, n in zip(unswept, some.tolist(), strict=True)])
            if not len(batch.spans):
                break
            budget -= batch.number
            step *= 2
            batch = batch.those(heap.is_unswept(batch.spans))
            heap.sweep(batch.spans)
            counts.swept += batch.number
            free = heap.free_slots(batch.spans)
            full = batch.those(free == 0)
            counts.in_vain += full.number
            counts.sweeps_in_vain += batch.total(_begins(free == 0, batch, goes_on))
            heap.uncache_full(classes, full)
            slots = slots - batch.total(free)
            taken = merged(taken, batch.those(free > 0))
    counts.sweeps_in_vain += counts.in_vain // SWEEP_BUDGET
    return taken


def _begins(chosen: NDArray[np.bool_], lot: Lot, goes_on: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where sequences of chosen spans of a class begin, which go on from one lot to the next.

    `goes_on` says by class whether the last span before the lot was chosen, and is renewed.
    """
    there, behind = lot.number > 0, np.cumsum(lot.number)
    before = np.concatenate(([False], chosen[:-1]))
    before[(behind - lot.number)[there]] = goes_on[there]
    goes_on[there] = chosen[behind[there] - 1]
    return chosen & ~before


def fresh_spans(heap: MHeap, classes: Ints, number: Ints, counts: RefillCounts) -> Lot:
    """Fresh spans: `number[c]` of each class.

    Before the heap grows, unswept spans without a live slot are reclaimed.
    """
    pages = heap.span_pages[classes]
    if not heap.sweeping.done:
        for at in np.flatnonzero(number).tolist():
            counts.freed_spans[at] += heap.reclaim(int(number[at] * pages[at]))
    counts.fresh += number
    lot = Lot(np.empty(int(number.sum()), dtype=np.int64), number)
    which = lot.which
    for npages in np.unique(pages[number > 0]).tolist():
        if native is not None:
            order = native.spread_evenly(number, pages == npages)
            spans, faulted = _of_classes(heap, classes.take(order), npages)
            native.by_class(order, number, spans, lot.spans, faulted, counts.faulted_bytes)
            continue
        mine = np.flatnonzero(pages[which] == npages)
        interleaved = mine[_evenly(which[mine], number)]
        of_class = classes[which[interleaved]]
        lot.spans[interleaved], faulted = _of_classes(heap, of_class, npages)
        np.add.at(counts.faulted_bytes, which[interleaved], faulted)
    return lot


def _of_classes(heap: MHeap, classes: Ints, npages: int) -> tuple[Spans, Ints]:
    """See MHeap.alloc_spans: one span of each of these classes."""
    return heap.alloc_spans(
        classes, npages, heap.nelems.take(classes), heap.slot_size.take(classes), len(classes)
    )


def _evenly(which: NDArray[np.int16], number: Ints) -> Ints:
    """An order in which spans of all classes are spread evenly, as concurrent refills would be."""
    of_class = number[which]
    rank = np.arange(len(which)) - np.searchsorted(which, which)
    return np.argsort((rank + 0.5) / of_class, kind="stable")


def heap_lock_acquisitions(fresh_spans: Ints, npages: Ints) -> NDArray[np.float64]:
    """Small spans come from the P's page cache, which takes the lock once per 64 pages."""
    cached = fresh_spans * npages / CACHE_PAGES
    return np.where(npages < PAGE_CACHE_LIMIT, cached, fresh_spans)
