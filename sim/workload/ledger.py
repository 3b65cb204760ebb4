"""What is reachable: counts of objects by span, kind and owner, as columns.

A row says: of the objects in this span, `count` of this kind belong to this owner. Marking asks
which rows are alive, sweeping compares counts, and nobody ever looks at a single object. Objects
that are already unreachable when they are written down need no row at all: the span's allocation
count alone makes them garbage. What memoryless owners hold lies apart, in a population each.

Exact: which bytes and objects of which span are reachable, given how they were spread over the
spans. Approximate: survivors of random replacement and of exponential lifetimes are thinned
binomially at each mark instead of dying one by one at their instants; a row's objects of a kind all
count with the kind's mean scannable bytes.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.kernels import native
from sim.workload.population import Population, Rows

Ints = NDArray[np.int64]


class Law(IntEnum):
    """How the objects of an owner die."""

    ENDS = 0
    """All at once, when the owner ends: a goroutine's objects; the globals, which never end."""
    HAZARD = 1
    """One by one and memoryless: exponential lifetimes, random replacement in a full cache.

    Such an owner holds objects of one kind in a span, as one mix has them.
    """
    WINDOW = 2
    """Oldest first: a store that keeps the last so many bytes."""


class Ledger:
    """Rows of live objects, and their owners.

    The clock of a HAZARD owner is that of its population; that of a WINDOW owner the bytes
    inserted so far; an ENDS owner needs none.
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
        self._populations: dict[int, Population] = {}
        """What every HAZARD owner holds."""
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
        elif law == Law.HAZARD:
            self._populations[owner] = Population()
        return owner

    def end_owner(self, owner: int) -> None:
        """Everything that it owns becomes unreachable."""
        self._ended[owner] = True

    def advance(self, owner: int, amount: float) -> None:
        """Move an owner's clock: hazard for HAZARD, inserted bytes for WINDOW."""
        if owner in self._populations:
            self._populations[owner].clock += amount
        else:
            self._clock[owner] += amount

    def thin(self, owner: int, share: float) -> None:
        """A share of what a HAZARD owner holds dies, each object equally likely."""
        self._populations[owner].thin(share)

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
        columns = np.broadcast_arrays(spans, kinds, owners, counts, group)
        for owner, population in self._populations.items():
            mine = np.flatnonzero(columns[2] == owner)
            if len(mine):
                span, kind, _, count, _ = (column.take(mine) for column in columns)
                population.add(Rows(span, kind, count))
        others = np.flatnonzero(self._law.take(columns[2]) != Law.HAZARD)
        if len(others):
            self._add_rows(*(column.take(others) for column in columns))

    def _add_rows(self, spans: Ints, kinds: Ints, owners: Ints, counts: Ints, group: Ints) -> None:
        start, end = self.rows, self.rows + len(spans)
        if end > len(self._span):
            self._grow_rows(end)
        self._span[start:end] = spans
        self._kind[start:end] = kinds
        self._owner[start:end] = owners
        self._count[start:end] = counts
        self._birth[start:end] = 0.0
        for owner in self._written:
            mine = np.flatnonzero(self._owner[start:end] == owner)
            number = np.bincount(group[mine])
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
        _, _, owner, _, birth = self._columns()
        dead = self._dead(owner, birth)
        if dead.any():
            self._keep(np.flatnonzero(~dead))
        if self.rows > 2 * self._distinct:
            self._merge()
        for population in self._populations.values():
            population.bury(rng)
        self._recycle_owners()

    def _dead(self, owner: Ints, birth: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Rows whose owner has ended, or that have left its window."""
        dead = self._ended.take(owner)
        if self._written:
            dead |= self._clock.take(owner) - birth >= self._capacity.take(owner)
        return dead

    def lost(self, kinds: NDArray[np.bool_]) -> Rows:
        """Rows of these kinds whose owners have ended and that are not buried yet."""
        span, kind, owner, count, _ = self._columns()
        rows = np.flatnonzero(self._ended[owner] & kinds[kind])
        return Rows(span[rows], kind[rows], count[rows])

    def held_by(self, owner: int, kinds: int) -> Ints:
        """Objects that a HAZARD owner holds, by kind, those included that may have died."""
        return self._populations[owner].per_kind(kinds)

    def per_span(self, spans: int) -> Ints:
        """Objects of all rows by span, for a span table of so many rows."""
        span, _, _, count, _ = self._columns()
        total = np.bincount(span, weights=count, minlength=spans).astype(np.int64)
        for population in self._populations.values():
            population.add_per_span(total)
        return total

    def expected_per_span(self, spans: int) -> NDArray[np.float64]:
        """Reachable objects by span at this instant, in expectation; changes nothing."""
        span, _, owner, count, birth = self._columns()
        alive = np.where(self._dead(owner, birth), 0, count)
        total = np.bincount(span, weights=alive, minlength=spans).astype(np.float64)
        for population in self._populations.values():
            population.add_expected_per_span(total)
        return total

    def expected_per_kind(self, kinds: int) -> NDArray[np.float64]:
        """Reachable objects by kind at this instant, in expectation; changes nothing."""
        _, kind, owner, count, birth = self._columns()
        alive = np.where(self._dead(owner, birth), 0, count)
        total = np.bincount(kind, weights=alive, minlength=kinds).astype(np.float64)
        for population in self._populations.values():
            total += population.expected_per_kind(kinds)
        return total

    def per_kind(self, kinds: int) -> Ints:
        """Objects of all rows by kind."""
        _, kind, _, count, _ = self._columns()
        total = np.bincount(kind, weights=count, minlength=kinds).astype(np.int64)
        for population in self._populations.values():
            total += population.per_kind(kinds)
        return total

    def scattered_per_kind(self, kinds: int) -> NDArray[np.float64]:
        """Objects that lie apart from what they were allocated with, by kind, in expectation."""
        total = np.zeros(kinds)
        for population in self._populations.values():
            total += population.per_kind(kinds) * population.scattered()
        return total

    def spans_per_kind(self, rank: Ints) -> Ints:
        """Different spans in which objects of each kind lie.

        `rank` has different numbers for kinds that may lie in the same span.
        """
        span, kind, _, count, _ = self._columns()
        rows = [Rows(span, kind, count)]
        for population in self._populations.values():
            rows += population.rows()
        if native is not None:
            found: Ints = native.spans_per_kind(rows, rank)
            return found
        spans = max(int(some.span.max(initial=-1)) for some in rows) + 1
        kinds, ranks = len(rank), int(rank.max(initial=0)) + 1
        there = np.full(spans * ranks, kinds, dtype=np.int16)
        for some in rows:
            there[some.span * ranks + rank.take(some.kind)] = some.kind
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
