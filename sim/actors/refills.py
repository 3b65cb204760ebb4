"""Allocation with every refill an event: slots are taken span by span, on one P at a time.

The heap hears of objects in batches, as it does of those that are allocated in batches; which spans
they lie in, and which locks that took, is known at once (`model.resolution: refill`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.actors.kinds import KindColumns
from sim.actors.locks import RefillWork
from sim.actors.refill_costs import RefillCosts
from sim.actors.sweeping import Sweeping
from sim.go.kinds import LARGE_NOSCAN
from sim.go.mcache import Mcaches, Taken
from sim.go.mheap import PAGE
from sim.go.refill import RefillCounts, no_refills

Ints = NDArray[np.int64]


class MixClasses:
    """The small kinds of a mix by span class."""

    def __init__(self, columns: KindColumns, mix: int) -> None:
        of_kind = columns.classes_by_mix[mix]
        small = np.flatnonzero(of_kind > LARGE_NOSCAN)
        self._kinds: Ints = small[np.argsort(of_kind[small], kind="stable")]
        """Places of the kinds in the mix, class after class."""
        self.classes, self._first = np.unique(of_kind[self._kinds], return_index=True)
        self.places: Ints = np.searchsorted(columns.small_classes, self.classes)
        """Places of the classes among all small ones of the program."""
        self.large: Ints = np.flatnonzero(of_kind <= LARGE_NOSCAN)
        """Places of the large kinds in the mix."""

    def slots(self, drawn: Ints) -> Ints:
        """Slots by class of so many objects by kind."""
        if not len(self._kinds):
            return self._kinds
        return np.add.reduceat(drawn[self._kinds], self._first)


class SingleRefills:
    """What the Ps took since the last batch, refill by refill."""

    def __init__(
        self,
        caches: Mcaches,
        columns: KindColumns,
        costs: RefillCosts,
        sweeping: Sweeping,
        rng: np.random.Generator,
    ) -> None:
        self._caches, self._heap, self._columns, self._rng = caches, caches.heap, columns, rng
        self._costs, self._sweeping = costs, sweeping
        self._work: list[RefillWork] = []
        """What the goroutine that allocates has to do for its refills."""
        self._mixes = [MixClasses(columns, mix) for mix in range(len(columns.mixes))]
        self._classes, self._procs = len(columns.small_classes), caches.cached.shape[1]
        self._drawn: dict[int, Ints] = {}
        """Objects by P and kind, of each mix."""
        self._before = np.zeros((self._classes, self._procs), dtype=np.int64)
        """Slots that were allocated in each cached span when the batch began, or it was cached."""
        self._begin_batch()

    def _begin_batch(self) -> None:
        self._used: list[tuple[int, int, int]] = []
        """(Place of its class, span, slots) of spans that were used up."""
        self._counts = no_refills(self._classes)
        self._heap_live = np.zeros(self._classes, dtype=np.int64)

    def take(self, p: int, mix: int, slots: int) -> tuple[int, int]:
        """Take whole slots of a mix; bytes by which heap_live and heap_scan grow.

        A span counts for heap_live with all that was free in it (runtime/mcache.go: refill).
        """
        if swept_ns := self._sweeping.pay_debt():
            self._work.append(RefillWork((), swept_ns))
        columns = self._columns
        drawn = self._rng.multinomial(slots, columns.mixes[mix].shares)
        if mix not in self._drawn:
            self._drawn[mix] = np.zeros((self._procs, len(drawn)), dtype=np.int64)
        self._drawn[mix][p] += drawn
        heap_live = self._take_small(p, self._mixes[mix], drawn)
        return heap_live, int(np.dot(drawn, columns.scan_bytes[columns.by_mix[mix]]))

    def _take_small(self, p: int, mix: MixClasses, drawn: Ints) -> int:
        """From the spans that the P holds and those that it gets; bytes of heap_live."""
        table, size = self._heap.spans, self._heap.slot_size[mix.classes]
        wanted, spans = mix.slots(drawn), self._caches.cached[mix.classes, p]
        self._heap.stats.count_allocated(wanted, size)
        free = np.where(spans >= 0, table.nelems[spans] - table.allocated[spans], 0)
        some = np.minimum(wanted, free)
        there = np.flatnonzero(some)
        table.allocated[spans[there]] += some[there]
        short = np.flatnonzero(wanted > some)
        if not len(short):
            return 0
        counts, places = no_refills(self._classes), mix.places[short].tolist()
        missing = (wanted - some)[short].tolist()
        heap_live = sum(
            self._refill(p, place, slots, counts)
            for place, slots in zip(places, missing, strict=True)
        )
        self._counts.add(slice(None), counts)
        classes = self._columns.small_classes
        self.pay(classes, self._heap.span_pages[classes], counts)
        return heap_live

    def pay(self, classes: Ints, pages: Ints, counts: RefillCounts) -> None:
        """The goroutine that allocates has to do these refills."""
        self._work.append(self._costs.work(classes, pages, counts))

    @property
    def waiting(self) -> bool:
        """Whether the goroutine that allocates has refills to do."""
        return bool(self._work)

    def take_over(self) -> list[RefillWork]:
        """The refills, which the caller does."""
        work, self._work = self._work, []
        return work

    def has_large(self, mix: int) -> bool:
        """Whether objects of the mix wait that need spans of their own."""
        large = self._mixes[mix].large
        return bool(len(large) and mix in self._drawn and self._drawn[mix][:, large].any())

    def _refill(self, p: int, place: int, missing: int, counts: RefillCounts) -> int:
        """Other spans for the P until no slot is missing; the bytes by which heap_live grows."""
        table, span_class = self._heap.spans, int(self._columns.small_classes[place])
        size, span_bytes = (
            int(column[span_class]) for column in (self._heap.slot_size, self._heap.span_pages)
        )
        span_bytes *= PAGE
        grown = 0
        while missing:
            self._use_up(int(self._caches.cached[span_class, p]), p, place)
            span, did = self._caches.refill(span_class, p)
            counts.add(np.array([place]), did)
            in_use = int(table.allocated[span])
            self._before[place, p] = in_use
            grown += span_bytes - in_use * size
            some = min(missing, int(table.nelems[span]) - in_use)
            table.allocated[span] += some
            missing -= some
        self._heap_live[place] += grown
        return grown

    def _use_up(self, span: int, p: int, place: int) -> None:
        if span >= 0 and (slots := int(self._heap.spans.nelems[span] - self._before[place, p])):
            self._used.append((place, span, slots))

    def drawn(self, mix: int) -> Ints | None:
        """Objects of a mix by P and kind since the last batch, which ends with this."""
        return self._drawn.pop(mix, None)

    def taken(self) -> Taken:
        """Slots of the small classes since the last batch, which ends with this."""
        place, spans, slots = np.array(self._used, dtype=np.int64).reshape(-1, 3).T
        cached = self._caches.cached[self._columns.small_classes]
        now = np.where(cached >= 0, self._heap.spans.allocated[cached], 0)
        some = np.nonzero((cached >= 0) & (now > self._before))
        place = np.concatenate((place, some[0]))
        order = np.argsort(place, kind="stable")
        found = Taken(
            self._columns.small_classes,
            np.bincount(place, minlength=self._classes),
            np.concatenate((spans, cached[some]))[order],
            np.concatenate((slots, (now - self._before)[some]))[order],
            self._heap_live,
            self._counts,
        )
        self._before = now
        self._begin_batch()
        return found
