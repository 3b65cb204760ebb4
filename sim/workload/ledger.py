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
from collections.abc import Sequence
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


class Ledger:
    """Rows of live objects, and their owners.

    The clock of a HAZARD owner is its cumulated hazard (age / mean, or bytes inserted / capacity);
    that of a WINDOW owner the bytes inserted so far; an ENDS owner needs none.
    """

    def __init__(self) -> None:
        self.rows = 0
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

    def add(self, spans: Ints, kinds: Ints | int, owners: Ints | int, counts: Ints) -> None:
        """Write down `counts[i]` objects of a kind and owner in `spans[i]`."""
        kept = counts > 0
        if not kept.all():
            spans, counts = spans[kept], counts[kept]
        start, end = self.rows, self.rows + len(spans)
        if end > len(self._span):
            self._grow_rows(end)
        self._span[start:end] = spans
        self._kind[start:end] = kinds
        self._owner[start:end] = owners
        self._count[start:end] = counts
        self._birth[start:end] = self._clock[owners]
        for owner in self._written:
            mine = start + np.flatnonzero(self._owner[start:end] == owner)
            self._birth[mine] = self._births(owner, len(mine))
        self.rows = end

    def _births(self, owner: int, rows: int) -> NDArray[np.float64]:
        """What of a batch is still in the window came in evenly, in the order of the rows."""
        now = self._clock[owner]
        first = max(self._written[owner], now - self._capacity[owner])
        births: NDArray[np.float64] = first + (now - first) * (np.arange(rows) + 0.5) / rows
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
        law = self._law[owner]
        count = np.where(self._ended[owner], 0, count)
        mortal = np.flatnonzero((law == Law.HAZARD) & (count > 0))
        if len(mortal):
            hazard = self._clock[owner[mortal]] - birth[mortal]
            count[mortal] = rng.binomial(count[mortal], np.exp(-hazard))
            birth[mortal] = self._clock[owner[mortal]]
        window = law == Law.WINDOW
        if window.any():
            age = self._clock[owner] - birth
            count = np.where(window & (age >= self._capacity[owner]), 0, count)
        self._count[: self.rows] = count
        self._keep(count > 0)
        self._recycle_owners()

    def expected_counts(self) -> NDArray[np.float64]:
        """Reachable objects per row at this instant, in expectation; changes nothing."""
        _, _, owner, count, birth = self._columns()
        law, age = self._law[owner], self._clock[owner] - birth
        alive = np.where(law == Law.HAZARD, np.exp(-np.where(law == Law.HAZARD, age, 0.0)), 1.0)
        dead = self._ended[owner] | ((law == Law.WINDOW) & (age >= self._capacity[owner]))
        return np.where(dead, 0.0, count * alive)

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

    def spans_per_kind(self, kinds: int) -> Ints:
        """Different spans in which objects of each kind lie."""
        span, kind, _, _, _ = self._columns()
        pairs = np.unique(span * kinds + kind)
        return np.bincount(pairs % kinds, minlength=kinds)

    def _columns(self) -> tuple[Ints, Ints, Ints, Ints, NDArray[np.float64]]:
        n = self.rows
        return self._span[:n], self._kind[:n], self._owner[:n], self._count[:n], self._birth[:n]

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        survivors = int(kept.sum())
        for name in _ROW_COLUMNS:
            column = getattr(self, name)
            column[:survivors] = column[: self.rows][kept]
        self.rows = survivors

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


class Part(NamedTuple):
    """So many objects of one kind that belong to one owner.

    They were allocated in so many bursts, each of them in one go: its objects lie side by side.
    """

    kind: int
    owner: int
    objects: int
    bursts: int


def write_down(
    ledger: Ledger, spans: Ints, taken: Ints, parts: Sequence[Part], rng: np.random.Generator
) -> None:
    """Rows for the parts of what was allocated: `taken[i]` slots in `spans[i]`; the rest is dead.

    The bursts of all parts come in random order, with even distances between them.
    """
    objects = [part.objects for part in parts]
    bursts = [min(part.objects, part.bursts) for part in parts]
    where, which, count = lay_out(taken, objects, bursts, rng)
    kinds, owners = np.array([(part.kind, part.owner) for part in parts]).T
    ledger.add(spans[where], kinds[which], owners[which], count)


def lay_out(
    taken: Ints, objects: Sequence[int], bursts: Sequence[int], rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Put the bursts of all parts into the slots, which are used one after the other.

    Returns (index of the span, index of the part, objects) of every combination that occurs.
    """
    number = np.asarray(bursts)
    which = np.repeat(np.arange(len(bursts)), number)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
    size, rest = np.divmod(objects, number)
    length = size[which] + (nth < rest[which])
    order = rng.permutation(len(which))
    which, length = which[order], length[order]
    edges, ends = np.cumsum(taken), np.cumsum(length)
    spare = (edges[-1] - ends[-1]) / len(length)
    ends += ((np.arange(len(length)) + rng.random()) * spare).astype(np.int64)
    begins = ends - length
    first = np.searchsorted(edges, begins, side="right")
    touched = np.searchsorted(edges, ends - 1, side="right") - first + 1
    burst = np.repeat(np.arange(len(length)), touched)
    where = first[burst] + np.arange(len(burst)) - np.repeat(np.cumsum(touched) - touched, touched)
    count = np.minimum(ends[burst], edges[where]) - np.maximum(
        begins[burst], edges[where] - taken[where]
    )
    pairs, inverse = np.unique(where * len(bursts) + which[burst], return_inverse=True)
    total = np.bincount(inverse, weights=count).astype(np.int64)
    kept = total > 0  # a burst may pass over a span without slots
    return (pairs // len(bursts))[kept], (pairs % len(bursts))[kept], total[kept]
