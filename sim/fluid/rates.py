"""Arrivals as rates that are constant for a while."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from sim.units import MS, SECOND, Nanoseconds
from sim.workload.arrivals import Arrivals, Bursts, Poisson, Regular, Varying

BIN: Final[Nanoseconds] = 50 * MS
"""ns in which arrivals that are only known one by one are counted. A judgement; longer blurs
bursts."""


class Rate(NamedTuple):
    """Arrivals per ns, and until when it holds."""

    per_ns: float
    until: float


class ArrivalRates:
    """The rate of an arrival process over the time of a run."""

    def __init__(
        self, arrivals: Arrivals, begin: float, end: Nanoseconds, rng: np.random.Generator
    ) -> None:
        self._arrivals, self._begin = arrivals, begin
        self._counts: list[int] = []
        if not isinstance(arrivals, Poisson | Regular | Bursts | Varying):
            self._counts = _histogram(arrivals, end, rng)

    @property
    def random(self) -> bool:
        """Whether arrivals are independent of each other."""
        return not isinstance(self._arrivals, Regular)

    @property
    def period(self) -> float:
        """ns after which the rates come again; 0: they do not change; inf: they do for good."""
        match self._arrivals:
            case Poisson() | Regular():
                return 0.0
            case Bursts(period=period):
                return float(period)
            case Varying(rates=rates, every=every):
                return float(every * len(rates))
        return math.inf

    def at(self, now: float) -> Rate:
        """The rate at an instant."""
        process, since = self._arrivals, now - self._begin
        if isinstance(process, Poisson | Regular):
            return Rate(process.rate / SECOND, float("inf"))
        if isinstance(process, Bursts):
            begun = now - since % process.period
            if now - begun < process.lasting - 1:
                return Rate(process.burst / SECOND, begun + process.lasting)
            return Rate(process.rate / SECOND, begun + process.period)
        if isinstance(process, Varying):
            turn = int((since + 1) // process.every)
            rate = process.rates[turn % len(process.rates)]
            return Rate(rate / SECOND, self._begin + (turn + 1) * process.every)
        which = int((since + 1) // BIN)
        if which >= len(self._counts):
            return Rate(0.0, float("inf"))
        return Rate(self._counts[which] / BIN, self._begin + (which + 1) * BIN)


def _histogram(arrivals: Arrivals, end: Nanoseconds, rng: np.random.Generator) -> list[int]:
    counts = np.zeros(end // BIN + 1, dtype=np.int64)
    for block in arrivals.times(rng):
        inside = block[block < end]
        counts += np.bincount(inside // BIN, minlength=len(counts))
        if len(inside) < len(block):
            break
    found: list[int] = counts.tolist()
    return found
