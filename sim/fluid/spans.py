"""Spans by class: how full they are, and what that makes of an allocated slot.

Of every span class only sums are known: spans in use and slots that the last sweep left in them.
Where objects die one by one, survivors lie spread over the spans; so many spans are freed as are
empty by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.fluid.keepers import Keeper
from sim.go.kinds import Kind, KindTable, Mix
from sim.go.mheap import PAGE
from sim.go.scavenge import QUANTUM
from sim.go.sizeclass import SizeClassTable
from sim.machine.price import malloc_ns
from sim.machine.profile import MachineProfile

Floats = NDArray[np.float64]
LARGE_CLASSES: Final = 2
OS_PAGE: Final = 4096
SMALL: Final = 0.02
"""Share of a cycle's growth that is not worth iterating for."""
ROUNDS: Final = 8
NO_SPANS: Final = 1e-6
"""Spans of a class that are as good as none."""
QUANTILES: Final = np.array([NormalDist().inv_cdf((i + 0.5) / 16) for i in range(16)])
"""Of the normal distribution."""


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
        self, kinds: KindTable, mixes: Sequence[Mix], table: SizeClassTable,
        machine: MachineProfile, procs: int,
    ) -> None:  # fmt: skip
        self.kinds, self._procs, self._machine = FinalKinds(kinds.rows), procs, machine
        rows, kinds = kinds.rows, self.kinds
        self.mix_of_kind = np.concatenate([np.full(len(m.kinds), i) for i, m in enumerate(mixes)])
        self.shares = np.concatenate([mix.shares for mix in mixes])
        keys = [(row.span_class, row.npages) for row in rows]
        unique = sorted(set(keys))
        self.cls = np.array([unique.index(key) for key in keys])
        self._by_class = np.argsort(self.cls, kind="stable")
        self._edges = np.searchsorted(self.cls[self._by_class], np.arange(len(unique)))
        self.large = np.array([npages > 0 for _, npages in unique])
        self.nelems = np.array([1.0 if n else float(table.nelems[c]) for c, n in unique])
        self.pages = np.array([float(n or table.npages[c]) for c, n in unique])
        self.slot = np.array([n * PAGE if n else float(table.elemsize[c]) for c, n in unique])
        self.tail = self.pages * PAGE - self.nelems * self.slot
        self.kind_slot = kinds.column("slot_bytes")
        self.kind_scan = kinds.column("scan_bytes")
        self._bounds = np.flatnonzero(np.diff(self.mix_of_kind, prepend=-1))
        ends = [*self._bounds[1:].tolist(), len(self.shares)]
        self._kinds_of = [slice(a, b) for a, b in zip(self._bounds.tolist(), ends, strict=True)]
        """The kinds of each mix; each has a class of its own."""
        self._malloc = malloc_ns(
            self.kind_slot, self.kind_scan, kinds.column("npages"), kinds.column("objects"),
            machine.alloc,
        )  # fmt: skip
        self.spans = np.zeros(len(unique))
        self.full = np.zeros(len(unique))
        """Of these, spans that were filled while marking."""
        self.used = np.zeros(len(unique))
        """Slots in use after the last sweep."""
        self._span_bytes = self.pages * PAGE
        self.live = self._span_bytes / self.nelems
        """Bytes of heap_live of a slot."""
        self._free = self._partly = self._reuse = np.zeros(0)
        self._note_room()
        self.scan_per_slot = self._by_mix(self.kind_scan)
        self.slot_bytes = self._by_mix(self.kind_slot)

    def _by_mix(self, column: Floats) -> list[float]:
        weighted: list[float] = np.add.reduceat(column * self.shares, self._bounds).tolist()
        return weighted

    def per_kind(self, by_mix: Floats) -> Floats:
        """Slots by kind of so many slots by mix."""
        kinds: Floats = by_mix[self.mix_of_kind] * self.shares
        return kinds

    def per_class(self, by_kind: Floats) -> Floats:
        """Sums over the kinds of each class."""
        sums: Floats = np.add.reduceat(by_kind[self._by_class], self._edges)
        return sums

    def _note_room(self) -> None:
        """What is free after a sweep, and how much of it in a partly used span."""
        self._free = np.maximum(self.spans * self.nelems - self.used, 0.0)
        self._partly = np.maximum(self.spans - self.full, 0.0)
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
        total = max(float(np.dot(of_fresh * slots, self._span_bytes)), 1.0)
        byte_ns = page.fault_ns / OS_PAGE + limited * page.scavenge_ns / QUANTUM
        fault_ns = max(0.0, 1 - room / total) * self._span_bytes * byte_ns
        refill = of_refill * costs.refill_partial_ns
        refill += of_fresh * (costs.refill_fresh_ns + fault_ns)
        self.live = self.slot + self.tail * (of_refill + of_fresh)
        return self._by_mix(self._malloc + refill[self.cls]), self._by_mix(self.live[self.cls])

    def cached(self, slots: Floats, stretches: float) -> float:
        """Bytes by which heap_live is ahead when so many slots have been taken.

        Every P that has taken a slot of a class holds a span of it, which is used up in part. Spans
        that the sweep left are taken first; those that are held were taken last. What a P takes, it
        took in so many stretches that are independent of each other, and in each of these a class
        comes by chance.
        """
        per_p = slots / self._procs
        held = np.maximum(-np.expm1(-per_p), NO_SPANS)
        taken = _by_chance(per_p / held, 1 / (1 / max(stretches, 1.0) + 1 / np.maximum(per_p, 1.0)))
        needed = held * _begun(taken, self._reuse)
        fresh = np.minimum(np.maximum(self._procs * needed - self._partly, 0.0), self._procs * held)
        left = self._reuse * needed - per_p
        left_of_fresh = self.nelems * held * _begun(taken, self.nelems) - per_p
        left += (left_of_fresh - left) * fresh / (self._procs * held)
        return float(self._procs * np.dot(np.where(self.large, 0.0, left), self.slot))

    def taken_within(
        self, mixture: Floats, room: float, stretches_per_byte: float
    ) -> tuple[Floats, float]:
        """Slots by class of such a mixture until heap_live has grown by so much.

        Returns the bytes by which heap_live is ahead then as well. Every P takes them in so many
        independent stretches a byte.
        """
        per_byte = mixture / max(float(np.dot(mixture, self.live)), 1.0)
        taken, ahead = room, self.cached(per_byte * room, stretches_per_byte * room)
        if ahead > room * SMALL:
            low, high = room * SMALL, room
            for _ in range(ROUNDS):
                taken = (low + high) / 2
                ahead = self.cached(per_byte * taken, stretches_per_byte * taken)
                low, high = (taken, high) if taken + ahead < room else (low, taken)
        return per_byte * taken, ahead

    def in_use(self, slots: Floats) -> Floats:
        """Spans when so many slots have been taken since the sweep."""
        fresh: Floats = np.maximum(slots - self._free, 0.0) / self.nelems
        return self.spans + fresh

    def occupied(self, keepers: Sequence[Keeper], spans: Floats) -> tuple[Floats, Floats]:
        """Spans in which each kind lives, and spans in which none does, as a share by class."""
        empty = np.ones(len(self.slot))
        of_kind = np.zeros(len(self.cls))
        room = np.maximum(spans * self.nelems, 1e-9)
        for keeper in keepers:
            if keeper.slots <= 0:
                continue
            mine = self._kinds_of[keeper.mix]
            shares, cls = self.shares[mine], self.cls[mine]
            density = np.minimum(keeper.slots * shares / room[cls], 1.0)
            clump = np.maximum(keeper.clump() * shares, 1.0)
            none = (1 - density) ** np.maximum(self.nelems[cls] / clump, 1.0)
            of_kind[mine] = np.maximum(of_kind[mine], (1 - none) * spans[cls])
            empty[cls] *= none
        return of_kind, empty

    def sweep(self, spans: Floats, empty: Floats, live: Floats, black: Floats) -> None:
        """The end of a cycle: marked slots stay, and the spans that hold some."""
        touched = np.minimum(black / self._reuse / np.maximum(spans, 1e-9), 1.0)
        kept = spans * (1 - empty * (1 - touched))
        self.full = spans * touched
        self.used = live + black
        self.spans = np.maximum(kept, self.used / self.nelems)
        self._note_room()


def _by_chance(mean: Floats, shape: Floats) -> Floats:
    """Quantities with gamma distributions of these means, at their quantiles.

    The cube root of such a quantity is nearly normal (Wilson and Hilferty, 1931).
    """
    root = 1 - 1 / (9 * shape) + QUANTILES[:, np.newaxis] / (3 * np.sqrt(shape))
    some = np.maximum(root, 0.0) ** 3
    quantities: Floats = some * (mean * len(some) / np.add.reduce(some))
    return quantities


def _begun(taken: Floats, per_span: Floats) -> Floats:
    """Spans that have been begun, on average, when so many slots have been taken.

    Slots are whole: the next span is begun when one more than the last has been taken.
    """
    begun = np.maximum(np.ceil((taken - 0.5) / per_span), 1.0)
    mean: Floats = np.add.reduce(begun) / len(begun)
    return mean
