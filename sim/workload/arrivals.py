"""Arrival processes of open-loop load: when requests come, whatever the program does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Final, Protocol

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray

from sim.errors import UserError
from sim.registry import Registry
from sim.units import SECOND, Nanoseconds, PerSecond

arrivals: Final = Registry("arrivals")

Times = NDArray[np.int64]
BLOCK: Final = 1024


class Arrivals(Protocol):
    """Instants at which requests arrive."""

    def times(self, rng: np.random.Generator) -> Iterator[Times]:
        """Blocks of ascending instants in ns from the start of the load; may end."""


@arrivals.register("poisson")
@dataclass(frozen=True)
class Poisson:
    """Independent arrivals at a constant rate."""

    rate: Annotated[PerSecond, Gt(0)]
    """Mean number in a second."""

    def times(self, rng: np.random.Generator) -> Iterator[Times]:
        last = 0.0
        while True:
            at = last + np.cumsum(rng.standard_exponential(BLOCK)) * (SECOND / self.rate)
            last = float(at[-1])
            yield at.astype(np.int64)


@arrivals.register("regular")
@dataclass(frozen=True)
class Regular:
    """Arrivals at equal distances."""

    rate: Annotated[PerSecond, Gt(0)]
    """Number in a second."""

    def times(self, rng: np.random.Generator) -> Iterator[Times]:
        del rng
        gap, first = SECOND / self.rate, 1
        while True:
            yield (np.arange(first, first + BLOCK) * gap).astype(np.int64)
            first += BLOCK


def _unit_rate(rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Blocks of independent arrivals, one a unit of time on average."""
    last = 0.0
    while True:
        at = last + np.cumsum(rng.standard_exponential(BLOCK))
        last = float(at[-1])
        yield at


@arrivals.register("bursts")
@dataclass(frozen=True)
class Bursts:
    """Poisson arrivals; the rate is `burst` for `lasting` at the start of every `period`."""

    rate: PerSecond
    """Mean number in a second between bursts."""
    burst: Annotated[PerSecond, Gt(0)]
    """Mean number in a second in a burst."""
    lasting: Annotated[Nanoseconds, Gt(0)]
    """How long a burst takes."""
    period: Nanoseconds
    """Time from the start of a burst to the start of the next."""

    def __post_init__(self) -> None:
        if self.lasting >= self.period:
            raise UserError(f"expected lasting < period, got {self.lasting} and {self.period}")

    def times(self, rng: np.random.Generator) -> Iterator[Times]:
        """Unit-rate arrivals mapped through the inverse of the cumulated rate."""
        rush = self.burst * self.lasting / SECOND
        whole = rush + self.rate * (self.period - self.lasting) / SECOND
        for count in _unit_rate(rng):
            periods, rest = np.divmod(count, whole)
            early = rest * SECOND / self.burst
            late = self.lasting + (rest - rush) * SECOND / self.rate if self.rate > 0 else early
            yield (periods * self.period + np.where(rest < rush, early, late)).astype(np.int64)


@arrivals.register("varying")
@dataclass(frozen=True)
class Varying:
    """Poisson arrivals; each of the `rates` holds for `every`, then they begin anew."""

    rates: tuple[Annotated[PerSecond, Ge(0)], ...]
    """Mean numbers in a second, one after the other."""
    every: Annotated[Nanoseconds, Gt(0)]
    """How long each of them holds."""

    def __post_init__(self) -> None:
        if not any(rate > 0 for rate in self.rates):
            raise UserError("rates: expected at least one rate above 0")

    def times(self, rng: np.random.Generator) -> Iterator[Times]:
        """Unit-rate arrivals mapped through the inverse of the cumulated rate."""
        edges = np.arange(len(self.rates) + 1) * float(self.every)
        expected = np.concatenate([[0.0], np.cumsum(self.rates) * (self.every / SECOND)])
        for count in _unit_rate(rng):
            rounds, rest = np.divmod(count, expected[-1])
            yield (rounds * edges[-1] + np.interp(rest, expected, edges)).astype(np.int64)


@arrivals.register("recorded")
@dataclass(frozen=True)
class Recorded:
    """Arrivals at the given instants, such as those of an access log; ends after the last."""

    at: tuple[Annotated[int, Nanoseconds.__metadata__[0]], ...]
    """The instants, from the start of the load, ascending."""

    def __post_init__(self) -> None:
        if list(self.at) != sorted(self.at):
            raise UserError("expected instants in ascending order")

    def times(self, rng: np.random.Generator) -> Iterator[Times]:
        del rng
        yield np.asarray(self.at, dtype=np.int64)
