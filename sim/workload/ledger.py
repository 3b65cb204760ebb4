"""What is reachable: counts of objects by span, kind and owner, as columns.

A row says: of the objects in this span, `count` of this kind belong to this owner. Marking asks
which rows are alive, sweeping compares counts, and nobody ever looks at a single object. Objects
that are already unreachable when they are written down need no row at all: the span's allocation
count alone makes them garbage.

Exact: which bytes and objects of which span are reachable, given how they were spread over the
spans. Approximate: survivors of random replacement and of exponential lifetimes are thinned
binomially at each mark instead of dying one by one at their instants; a row's objects of a kind all
count with the kind's mean scannable bytes.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Law(IntEnum):
    """How the objects of an owner die."""

    ENDS = 0
    """All at once, when the owner ends: a goroutine's objects; the globals, which never end."""
    HAZARD = 1
    """One by one and memoryless: exponential lifetimes, random replacement in a full cache."""
    WINDOW = 2
    """Oldest first: a store that keeps the last so many bytes."""


class Rows(NamedTuple):
    """Some of the rows: so many objects of a kind in a span."""

    span: Ints
    kind: Ints
    objects: Ints


class Ledger:
    """Rows of live objects, and their owners.

    The clock of a HAZARD owner is its cumulated hazard (age / mean, or bytes inserted / capacity);
    that of a WINDOW owner the bytes inserted so far; an ENDS owner needs none.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._distinct = 512  # rows when they were merged the last time
        self._span: Ints = np.empty(1024, dtype=np.int64)
        self._kind: Ints = np.empty(1024, dtype=np.int64)
        self._owner: Ints = np.empty(1024, dtype=np.int64)
        self._count: Ints = np.empty(1024, dtype=np.int64)
        self._birth: NDArray[np.float64] = np.empty(1024)
        self._law: NDArray[np.int8] = np.zeros(64, dtype=np.int8)
        self._ended: NDArray[np.bool_] = np.zeros(64, dtype=np.bool_)
        self._clock: NDArray[np.float64] = np.zeros(64)
        self._capacity: NDArray[np.float64] = np.full(64, np.inf)
        self._written: dict[int, float] = {}
        """Clock of every WINDOW owner when its last batch was complete."""
        self._owners = 0
        self._free_owners: list[int] = []

    # -- owners ------------------------------------------------------------------------------

    def add_owner(self, law: Law, capacity: float = np.inf) -> int:
        """A new owner; `capacity` is the window of a WINDOW owner in bytes."""
        if self._free_owners:
            owner = self._free_owners.pop()
        else:
            owner = self._owners
            self._owners += 1
            if owner == len(self._law):
                self._grow_owners()
        self._law[owner] = law
        self._ended[owner] = False
        self._clock[owner] = 0.0
        self._capacity[owner] = capacity
        if law == Law.WINDOW:
            self._written[owner] = 0.0
        return owner

    def end_owner(self, owner: int) -> None:
        """Everything that it owns becomes unreachable."""
        self._ended[owner] = True

    def advance(self, owner: int, amount: float) -> None:
        """Move an owner's clock: hazard for HAZARD, inserted bytes for WINDOW."""
        self._clock[owner] += amount

    def thin(self, owner: int, share: float) -> None:
        """A share of what a HAZARD owner holds dies, each object equally likely."""
        self._clock[owner] -= math.log(max(1.0 - share, 1e-300))

    # -- rows --------------------------------------------------------------------------------

    def add(
        self,
        spans: Ints,
        kinds: Ints | int,
        owners: Ints | int,
        counts: Ints,
        group: Ints | int = 0,
    ) -> None:
        """Write down `counts[i]` objects of a kind and owner in `spans[i]`.

        Rows of a group, which lie next to each other, are in the order of allocation.
        """
        start, end = self.rows, self.rows + len(spans)
        if end > len(self._span):
            self._grow_rows(end)
        self._span[start:end] = spans
        self._kind[start:end] = kinds
        self._owner[start:end] = owners
        self._count[start:end] = counts
        self._birth[start:end] = self._clock[owners]
        for owner in self._written:
            mine = np.flatnonzero(self._owner[start:end] == owner)
            number = np.bincount(np.broadcast_to(group, len(spans))[mine])
            self._birth[start + mine] = self._births(owner, number[number > 0])
        self.rows = end

    def _births(self, owner: int, rows: Ints) -> NDArray[np.float64]:
        """What of a batch is still in the window came in evenly, in the order of a group's rows."""
        now = self._clock[owner]
        first = max(self._written[owner], now - self._capacity[owner])
        births: NDArray[np.float64] = first + (now - first) * (ranks(rows) + 0.5) / np.repeat(
            rows, rows
        )
        return births

    def close_batch(self) -> None:
        """All rows of what was allocated so far have been added."""
        for owner in self._written:
            self._written[owner] = float(self._clock[owner])

    def bury(self, rng: np.random.Generator) -> None:
        """Remove what has become unreachable; what remains is exactly the reachable heap.

        Called when a mark phase takes its snapshot.
        """
        _, _, owner, count, birth = self._columns()
        law = self._law.take(owner)
        alive = np.where(self._ended.take(owner), 0, count)
        mortal = np.flatnonzero((law == Law.HAZARD) & (alive > 0))
        if len(mortal):
            clock = self._clock.take(owner.take(mortal))
            survive = np.exp(birth.take(mortal) - clock)
            alive[mortal] = rng.binomial(alive.take(mortal), survive)
            birth[mortal] = clock
        if self._written:
            age = self._clock.take(owner) - birth
            alive[(law == Law.WINDOW) & (age >= self._capacity.take(owner))] = 0
        count[:] = alive
        self._keep(np.flatnonzero(alive))
        if self.rows > 2 * self._distinct:
            self._merge()
        self._recycle_owners()

    def lost(self, kinds: NDArray[np.bool_]) -> Rows:
        """Rows of these kinds whose owners have ended and that are not buried yet."""
        span, kind, owner, count, _ = self._columns()
        rows = np.flatnonzero(self._ended[owner] & kinds[kind])
        return Rows(span[rows], kind[rows], count[rows])

    def held_by(self, owner: int, kinds: int) -> Ints:
        """Objects that an owner holds, by kind, those included that may have died."""
        _, kind, owners, count, _ = self._columns()
        mine = owners == owner
        return np.bincount(kind[mine], weights=count[mine], minlength=kinds).astype(np.int64)

    def expected_counts(self) -> NDArray[np.float64]:
        """Reachable objects per row at this instant, in expectation; changes nothing."""
        _, _, owner, count, birth = self._columns()
        law, clock = self._law.take(owner), self._clock.take(owner)
        expected = count.astype(np.float64)
        mortal = np.flatnonzero(law == Law.HAZARD)
        expected[mortal] *= np.exp(birth.take(mortal) - clock.take(mortal))
        dead = self._ended.take(owner)
        if self._written:
            dead |= (law == Law.WINDOW) & (clock - birth >= self._capacity.take(owner))
        expected[dead] = 0.0
        return expected

    def per_span(self, spans: int) -> Ints:
        """Objects of all rows by span, for a span table of so many rows."""
        span, _, _, count, _ = self._columns()
        return np.bincount(span, weights=count, minlength=spans).astype(np.int64)

    def expected_per_kind(self, kinds: int) -> NDArray[np.float64]:
        """Reachable objects by kind at this instant, in expectation."""
        _, kind, _, _, _ = self._columns()
        return np.bincount(kind, weights=self.expected_counts(), minlength=kinds).astype(np.float64)

    def per_kind(self, kinds: int) -> Ints:
        """Objects of all rows by kind."""
        _, kind, _, count, _ = self._columns()
        return np.bincount(kind, weights=count, minlength=kinds).astype(np.int64)

    def scattered_per_kind(self, kinds: int) -> NDArray[np.float64]:
        """Objects that lie apart from what they were allocated with, by kind, in expectation.

        They survived among others that died at random. The clock of their owner tells how many:
        what was there from the start lies beside its neighbour if that has survived as well.
        """
        _, kind, owner, count, _ = self._columns()
        replaced = np.where(self._law == Law.HAZARD, -np.expm1(-2.0 * self._clock), 0.0)
        weights = count * replaced.take(owner)
        return np.bincount(kind, weights=weights, minlength=kinds).astype(np.float64)

    def spans_per_kind(self, rank: Ints) -> Ints:
        """Different spans in which objects of each kind lie.

        `rank` has different numbers for kinds that may lie in the same span.
        """
        span, kind, _, _, _ = self._columns()
        kinds, ranks = len(rank), int(rank.max(initial=0)) + 1
        there = np.full((int(span.max(initial=-1)) + 1) * ranks, kinds, dtype=np.int16)
        there[span * ranks + rank[kind]] = kind
        return np.bincount(there, minlength=kinds + 1)[:kinds]

    def _columns(self) -> tuple[Ints, Ints, Ints, Ints, NDArray[np.float64]]:
        n = self.rows
        return self._span[:n], self._kind[:n], self._owner[:n], self._count[:n], self._birth[:n]

    def _merge(self) -> None:
        """Make one row of those that differ in nothing but their counts."""
        span, kind, owner, count, birth = self._columns()
        place = (span * (int(kind.max(initial=0)) + 1) + kind) * self._owners + owner
        # Of one owner, only the rows of a WINDOW have different births by now.
        order = np.lexsort((birth, place)) if self._written else np.argsort(place)
        place, birth = place.take(order), birth.take(order)
        differs = (place[1:] != place[:-1]) | (birth[1:] != birth[:-1])
        first = np.concatenate(([0], np.flatnonzero(differs) + 1))
        sums = np.add.reduceat(count.take(order), first)
        self._keep(order.take(first))
        self._count[: self.rows] = sums
        self._distinct = self.rows

    def _keep(self, rows: Ints) -> None:
        """Only these rows remain, in the given order."""
        for name in _ROW_COLUMNS:
            column = getattr(self, name)
            column[: len(rows)] = column.take(rows)
        self.rows = len(rows)

    def _recycle_owners(self) -> None:
        self._free_owners = np.flatnonzero(self._ended[: self._owners])[::-1].tolist()

    def _grow_rows(self, needed: int) -> None:
        for name in _ROW_COLUMNS:
            column = getattr(self, name)
            grown = np.empty(max(needed, 2 * len(column)), dtype=column.dtype)
            grown[: self.rows] = column[: self.rows]
            setattr(self, name, grown)

    def _grow_owners(self) -> None:
        for name, empty in (("_law", 0), ("_ended", False), ("_clock", 0.0), ("_capacity", np.inf)):
            column = getattr(self, name)
            setattr(
                self,
                name,
                np.concatenate((column, np.full(len(column), empty, dtype=column.dtype))),
            )


_ROW_COLUMNS: Final = ("_span", "_kind", "_owner", "_count", "_birth")


def ranks(number: Ints) -> Ints:
    """0, 1, ... within each of so many in a row."""
    return np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
