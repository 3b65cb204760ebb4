"""Objects that die one by one and without memory: exponential lifetimes, random replacement."""

from __future__ import annotations

import math
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.kernels import native

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Rows(NamedTuple):
    """So many objects of a kind in a span."""

    span: Ints
    kind: Ints
    objects: Ints


class AgeCohort(NamedTuple):
    """Objects equally likely to be dead: at `birth` on their owner's clock, all were alive."""

    rows: Rows
    birth: float
    by_kind: Ints
    """Objects of all rows by kind."""


class Population:
    """All that one memoryless owner holds. In one span, all of it is of one kind.

    The clock is the cumulated hazard of each object: age / mean, or bytes inserted / capacity.
    """

    def __init__(self) -> None:
        self.clock = 0.0
        self._cohorts: list[AgeCohort] = []

    def add(self, rows: Rows) -> None:
        """Objects that are alive now."""
        self._cohorts.append(AgeCohort(rows, self.clock, _by_kind(rows)))

    def thin(self, share: float) -> None:
        """A share of the objects dies, each equally likely."""
        self.clock -= math.log(max(1.0 - share, 1e-300))

    def bury(self, rng: np.random.Generator) -> None:
        """Draw who has died. From now on all others are of one cohort, with a row a span."""
        parts = [
            Rows(*cohort.rows[:2], _survivors(rng, cohort.rows.objects, self._survival(cohort)))
            for cohort in self._cohorts
        ]
        self._cohorts.clear()
        if parts and native is not None:
            *rows, by_kind = native.one_row_a_span(parts)
            self._cohorts.append(AgeCohort(Rows(*rows), self.clock, by_kind))
        elif parts:
            self.add(_one_row_a_span(parts))

    def per_kind(self, kinds: int) -> Ints:
        """Objects by kind, those included that may have died since they were buried."""
        total = np.zeros(kinds, dtype=np.int64)
        for cohort in self._cohorts:
            total[: len(cohort.by_kind)] += cohort.by_kind
        return total

    def expected_per_kind(self, kinds: int) -> Floats:
        """Objects by kind that are alive at this instant, in expectation."""
        total = np.zeros(kinds)
        for cohort in self._cohorts:
            total[: len(cohort.by_kind)] += cohort.by_kind * self._survival(cohort)
        return total

    def scattered(self) -> float:
        """Share of the objects that lie apart: they survived among others that died at random.

        What was there from the start lies beside its neighbour if that has survived as well.
        """
        return -math.expm1(-2.0 * self.clock)

    def add_per_span(self, total: Ints) -> None:
        """Add the objects of all rows to a column by span."""
        for cohort in self._cohorts:
            np.add.at(total, cohort.rows.span, cohort.rows.objects)

    def add_expected_per_span(self, total: Floats) -> None:
        """Add what is alive at this instant, in expectation."""
        for cohort in self._cohorts:
            np.add.at(total, cohort.rows.span, cohort.rows.objects * self._survival(cohort))

    def rows(self) -> list[Rows]:
        """All rows."""
        return [cohort.rows for cohort in self._cohorts]

    def _survival(self, cohort: AgeCohort) -> float:
        return math.exp(cohort.birth - self.clock)


def _survivors(rng: np.random.Generator, objects: Ints, share: float) -> Ints:
    """So many of these are alive, each equally likely."""
    draw = rng.binomial if native is None else partial(native.binomial, rng)
    found: Ints = draw(objects, share)
    return found


def _one_row_a_span(parts: list[Rows]) -> Rows:
    spans = 1 + max(int(rows.span.max(initial=-1)) for rows in parts)
    objects, kind = np.zeros(spans, dtype=np.int64), np.empty(spans, dtype=np.int64)
    for rows in parts:
        np.add.at(objects, rows.span, rows.objects)
        kind[rows.span] = rows.kind
    there = np.flatnonzero(objects)
    return Rows(there, kind.take(there), objects.take(there))


def _by_kind(rows: Rows) -> Ints:
    return np.bincount(rows.kind, weights=rows.objects).astype(np.int64)
