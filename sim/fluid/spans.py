"""Spans by class: how full they are, and what that makes of an allocated slot.

Of every span class only sums are known: spans in use and slots that the last sweep left in them.
Where objects die one by one, survivors lie spread over the spans; so many spans are freed as are
empty by chance.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.fluid.caches import spans_begun, taken_by_holders
from sim.fluid.recount import Recount
from sim.fluid.retention import Retained
from sim.go.kinds import Kind, KindTable, Mix
from sim.go.mheap import PAGE
from sim.go.scavenge import QUANTUM
from sim.go.sizeclass import SizeClassTable
from sim.machine.price import OS_PAGE, malloc_ns
from sim.machine.profile import MachineProfile

Floats = NDArray[np.float64]
NEGLIGIBLE_GROWTH: Final = 0.02
"""Share of a cycle's growth that is not worth iterating for. Chosen below the 3 % that cycles are
meant to agree to; larger moves heap_live ahead of objects."""
RECOUNT_CHANGE: Final = 1 / 20
"""What caches hold is found anew when the heap or what is allocated has changed by this part. A
judgement; larger is faster, and moves prices of a slot."""
UNFILLED: Final = 1 / 256
"""Share of a cycle's growth by which the search for what is taken in it may miss; more moves cycles
by as much."""
MOST_TRIALS: Final = 10
"""Of that search; each halves at least what is left where others do not find it sooner."""
NO_SPANS: Final = 1e-6
"""Spans of a class that are as good as none: a rounding error."""


class FinalKinds(KindTable):
    """Kinds to which none will be added: a column is made once."""

    def __init__(self, rows: list[Kind]) -> None:
        super().__init__(rows)
        self._columns: dict[str, Floats] = {}

    def column(self, name: str) -> Floats:
        """See `KindTable`."""
        if name not in self._columns:
            self._columns[name] = super().column(name)
        return self._columns[name]


class SpanModel:
    """Span classes of a program as columns. Slots and spans are expectations."""

    def __init__(
        self,
        kinds: KindTable,
        mixes: Sequence[Mix],
        table: SizeClassTable,
        machine: MachineProfile,
    ) -> None:
        self.kinds, self._machine = FinalKinds(kinds.rows), machine
        rows, kinds = kinds.rows, self.kinds
        self.mix_of_kind = np.concatenate([np.full(len(m.kinds), i) for i, m in enumerate(mixes)])
        self.shares = np.concatenate([mix.shares for mix in mixes])
        keys = [(row.span_class, row.npages) for row in rows]
        unique = sorted(set(keys))
        self.cls = np.array([unique.index(key) for key in keys])
        self.nelems = np.array([1.0 if n else float(table.nelems[c]) for c, n in unique])
        self.pages = np.array([float(n or table.npages[c]) for c, n in unique])
        self.slot = np.array([n * PAGE if n else float(table.elemsize[c]) for c, n in unique])
        self.tail = self.pages * PAGE - self.nelems * self.slot
        small = np.array([npages == 0 for _, npages in unique])
        self._cached_slot = self.slot * small
        """Bytes of a slot of which caches hold some."""
        slot, scan = kinds.column("slot_bytes"), kinds.column("scan_bytes")
        ends = np.cumsum([len(mix.kinds) for mix in mixes]).tolist()
        self._kinds_of = [slice(a, b) for a, b in zip([0, *ends], ends, strict=False)]
        """The kinds of each mix; each has a class of its own."""
        self._shares = np.zeros((len(mixes), len(unique)))
        """Of the slots of each mix, those of each class."""
        self._shares[self.mix_of_kind, self.cls] = self.shares
        npages, objects = kinds.column("npages"), kinds.column("objects")
        self._malloc = self._of_kinds(malloc_ns(slot, scan, npages, objects, machine.alloc))
        self.scan_per_slot = self._of_kinds(scan).tolist()
        self.slot_bytes = self._of_kinds(slot).tolist()
        self.spans = np.zeros(len(unique))
        self.full = np.zeros(len(unique))
        """Of these, spans that were filled while marking."""
        self.used = np.zeros(len(unique))
        """Slots in use after the last sweep."""
        self._span_bytes = self.pages * PAGE
        self._totals = np.column_stack([np.ones(len(unique)), self.nelems, self._span_bytes])
        self.live = self._span_bytes / self.nelems
        """Bytes of heap_live of a slot."""
        self._free = self._partly = self._reuse = np.zeros(0)
        self._note_room()
        self._change, self._taken_of_room, self._ahead_of_room = Recount(RECOUNT_CHANGE), 1.0, 0.0

    def _of_kinds(self, column: Floats) -> Floats:
        """The mean of a property of kinds in each mix."""
        sums = np.bincount(self.mix_of_kind, column * self.shares, len(self._kinds_of))
        mean: Floats = sums.astype(np.float64)
        return mean

    def per_kind(self, by_mix: Floats) -> Floats:
        """Slots by kind of so many slots by mix."""
        kinds: Floats = by_mix[self.mix_of_kind] * self.shares
        return kinds

    def per_class(self, by_mix: Sequence[float]) -> Floats:
        """Slots by class of so many slots by mix."""
        slots: Floats = np.array(by_mix).dot(self._shares)
        return slots

    def totals(self, spans: Floats) -> tuple[float, float, float]:
        """How many spans these are, with how many slots, in how many bytes."""
        number, slots, nbytes = spans.dot(self._totals).tolist()
        return number, slots, nbytes

    def nbytes(self, by_mix: Sequence[float]) -> float:
        """Bytes of so many slots by mix."""
        return float(sum(map(operator.mul, by_mix, self.slot_bytes)))

    def _note_room(self) -> None:
        """What is free after a sweep, and how much of it in a partly used span."""
        self._free = self.spans * self.nelems - self.used
        self._partly = self.spans - self.full
        per_span = self._free / np.maximum(self._partly, NO_SPANS)
        per_span = np.minimum(np.maximum(per_span, 1.0), self.nelems)
        self._reuse = np.where(self._partly > NO_SPANS, per_span, self.nelems)

    def expect(
        self, slots: Floats, room: float, taken: Floats | float = 0.0, *, limited: bool
    ) -> tuple[list[float], list[float]]:
        """Prices of a slot of each mix: CPU-ns outside of marking, and bytes of heap_live.

        `slots` are expected by class until the next cycle, beside those `taken` already; `room` is
        free memory that needs no first touch. At the memory limit, as much as is touched anew was
        returned before.
        """
        costs, page = self._machine.alloc, self._machine.page
        free = np.maximum(self._free - taken, 0.0)
        reused = np.minimum(free / np.maximum(slots, 1.0), 1.0)
        of_refill, of_fresh = reused / self._reuse, (1 - reused) / self.nelems
        total = max(float((of_fresh * slots).dot(self._span_bytes)), 1.0)
        byte_ns = page.fault_ns / OS_PAGE + limited * page.scavenge_ns / QUANTUM
        fault_ns = max(0.0, 1 - room / total) * self._span_bytes * byte_ns
        refill = of_refill * costs.refill_partial_ns
        refill += of_fresh * (costs.refill_fresh_ns + fault_ns)
        self.live = self.slot + self.tail * (of_refill + of_fresh)
        ns = self._malloc + self._shares.dot(refill)
        return ns.tolist(), self._shares.dot(self.live).tolist()

    def cached(self, slots: Floats, ps: float, stretches: float) -> float:
        """Bytes by which heap_live is ahead when so many slots have been taken on so many Ps.

        Every P that has taken a slot of a class holds a span of it, which is used up in part. Spans
        that the sweep left are taken first; those that are held were taken last. What a P takes, it
        took in so many stretches that are independent of each other.
        """
        per_p = slots / ps
        held, taken = taken_by_holders(per_p, stretches)
        needed = held * spans_begun(taken, self._reuse)
        fresh = np.minimum(np.maximum(ps * needed - self._partly, 0.0), ps * held)
        left = self._reuse * needed - per_p
        left_of_fresh = self.nelems * held * spans_begun(taken, self.nelems) - per_p
        left += (left_of_fresh - left) * fresh / (ps * held)
        return float(ps * left.dot(self._cached_slot))

    def taken_within(
        self, by_mix: Sequence[float], room: float, ps: float, stretches_per_byte: float
    ) -> tuple[Floats, float]:
        """Slots by class, of mixes in such proportions, until heap_live has grown by so much.

        Returns the bytes by which heap_live is ahead then as well: of a lot of room, a small part,
        which changes slowly. So many Ps take them, each in so many independent stretches a byte.
        """
        mixture, total = self.per_class(by_mix), max(sum(by_mix), 1.0)
        per_byte = mixture / max(float(mixture.dot(self.live)), 1.0)
        free, partly = np.add.reduce(self._free), np.add.reduce(self._partly)
        sizes = (room, ps, stretches_per_byte * room, float(free), float(partly))
        changed = self._change.matters(sizes, [slots / total for slots in by_mix])
        if changed or self._ahead_of_room > NEGLIGIBLE_GROWTH:
            taken, ahead = self._within(per_byte, room, ps, stretches_per_byte)
            self._taken_of_room, self._ahead_of_room = taken / room, ahead / room
        return per_byte * (self._taken_of_room * room), self._ahead_of_room * room

    def _within(
        self, per_byte: Floats, room: float, ps: float, stretches_per_byte: float
    ) -> tuple[float, float]:
        """Bytes taken, and those by which heap_live is ahead then: together, they fill the room."""
        low, high = room * NEGLIGIBLE_GROWTH, room
        taken = self._taken_of_room * room  # as before, and then what is left beside caches
        for _ in range(MOST_TRIALS):
            ahead = self.cached(per_byte * taken, ps, stretches_per_byte * taken)
            excess = taken + ahead - room
            if abs(excess) < UNFILLED * room:
                break
            low, high = (taken, high) if excess < 0 else (low, taken)
            taken = room - ahead if low < room - ahead < high else (low + high) / 2
        return taken, ahead

    def in_use(self, slots: Floats) -> Floats:
        """Spans when so many slots have been taken since the sweep."""
        fresh: Floats = np.maximum(slots - self._free, 0.0) / self.nelems
        return self.spans + fresh

    def occupied(self, retained: Sequence[Retained], spans: Floats) -> tuple[Floats, Floats]:
        """Spans in which each kind lives, and spans in which none does, as a share by class.

        What different retained have lies apart in fresh spans, and anywhere in those that are used
        again.
        """
        reused, room = self._room(spans)
        some, of_kind = np.zeros(len(self.slot)), np.zeros(len(self.cls))
        for holder in retained:
            mine = self._kinds_of[holder.mix]
            shares, cls = self.shares[mine], self.cls[mine]
            slots, length, left = np.array(holder.runs()).T[:, :, np.newaxis]
            there = occupied_spans(
                slots * shares, length * shares, left, room[cls], self.nelems[cls], spans[cls]
            )
            of_kind[mine] += there
            there = there / np.maximum(spans[cls], NO_SPANS)
            some[cls] += there * (1 - reused[cls] * some[cls])
        return np.minimum(of_kind, spans[self.cls]), np.maximum(1 - some, 0.0)

    def _room(self, spans: Floats) -> tuple[Floats, Floats]:
        """The share of slots taken since the sweep that were free in used spans; free per span."""
        fresh = np.maximum(spans - self.spans, 0.0) * self.nelems
        reused = self._free / np.maximum(self._free + fresh, NO_SPANS)
        return reused, reused * self._reuse + (1 - reused) * self.nelems

    def sweep(self, spans: Floats, empty: Floats, live: Floats, black: Floats) -> None:
        """The end of a cycle: marked slots stay, and the spans that hold some.

        What was allocated last, while marking, lies in fresh spans as far as there were any.
        """
        in_fresh = np.minimum(black, np.maximum(spans - self.spans, 0.0) * self.nelems)
        touched = in_fresh / self.nelems + (black - in_fresh) / self._reuse
        self.full = np.minimum(touched, spans)
        kept = spans - empty * (spans - self.full)
        self.used = live + black
        self.spans = np.maximum(kept, self.used / self.nelems)
        self._note_room()


def occupied_spans(
    slots: Floats, length: Floats, left: Floats, room: Floats, nelems: Floats, spans: Floats
) -> Floats:
    """Spans in which so many slots lie: rows are runs of a length, of which a share is left.

    Long runs fill whole spans, apart from each other, and a part of those at their ends; short ones
    lie anywhere in the room that there is. A run that begins at any slot is cut where the next span
    begins, and a span counts if one of its slots is left.
    """
    length, spans = np.maximum(length, 1.0), np.maximum(spans, NO_SPANS)
    is_long = length > nelems
    room = np.where(is_long, nelems, room)
    runs, gone = slots / left / length, 1 - left
    longer, shorter = np.maximum(length, room), np.minimum(length, room)
    whole = runs * (longer - shorter + 1) / room * (1 - gone**shorter)
    cut = runs * 2 / room * (shorter - 1 - gone * (1 - gone ** (shorter - 1)) / left)
    apart = np.minimum(np.add.reduce(np.where(is_long, whole, 0.0)), spans)
    anywhere = np.add.reduce(np.where(is_long, 0.0, whole) + cut)
    found: Floats = apart - (spans - apart) * np.expm1(-anywhere / spans)
    return found
