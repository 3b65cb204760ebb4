"""The course of a program: what it allocates from its start to its end, and what of that stays."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import isotonic_regression

from sim.fitting.drift import grows
from sim.fitting.fit import Fit
from sim.fitting.observe import Floats
from sim.fitting.phases import FEW_CYCLES
from sim.units import Bytes, Nanoseconds

MOST_STRETCHES: Final = 12
"""Parts that a course is told in. A judgement; fewer moves cycles of programs that grow."""
TAIL: Final = 0.5
"""Of the way to the next cycle, that a program has got when it ends: as likely at any point."""

COMES_AND_GOES: Final = 0.25
"""Standard deviation of the live heap around its course, relative to its mean, from which on it is
mostly work in flight. A judgement; less takes scatter of whole MiB for work."""
Z99: Final = 2.326
"""The 99 % quantile of a standard normal distribution."""


class Stretch(NamedTuple):
    """A part of a course."""

    allocated: Bytes
    kept: Bytes
    """Of that, what is alive to the end."""
    lasts: Nanoseconds


def course(fit: Fit, ran: Nanoseconds | None) -> list[Stretch]:
    """The stretches of a run, from its start to its end after `ran`.

    Where nobody knows that, it is half way to the cycle after the last.

    What is alive never falls along them: what comes and goes within it counts with its mean. A log
    that begins later than its program has all that was alive then in its first stretch.
    """
    seen = fit.observed
    allocated, lasts = _between(fit)
    level = _level(fit, allocated)
    steps = np.diff(level, prepend=0.0)
    rate = float(allocated[-1] / lasts[-1])
    black, marking = float(seen.black[-1]), float(seen.duration[-1])
    after = TAIL * fit.last.growth
    if ran is not None:
        after = min(max(0.0, ran - float(lasts.sum()) - marking) * rate, fit.last.growth)
    grown = min(1.0, float(steps[-1]) / float(allocated[-1])) if len(steps) > 1 else 0.0
    return _merged(
        np.append(allocated, black + after),
        np.append(steps, grown * (black + after)),
        np.append(lasts, marking + after / rate),
    )


def _between(fit: Fit) -> tuple[Floats, Floats]:
    """Bytes allocated and ns from the start of one mark phase to the next, by the second one."""
    seen = fit.observed
    columns = [np.diff(column, prepend=0.0) for column in (np.cumsum(seen.allocated), seen.at)]
    columns[0] -= np.diff(seen.black, prepend=0.0)
    for column in columns:
        np.maximum(column, 1.0, out=column)
        column[fit.measured] *= fit.stands_for
    return columns[0], columns[1]


def _level(fit: Fit, allocated: Floats) -> Floats:
    """What is alive, cycle by cycle, along the monotone course of least squares.

    Isotonic regression bends the ends of a level that only scatters: where the live heap
    does not grow after a start-up, it is its mean.
    """
    live = fit.observed.live
    level: Floats = isotonic_regression(live, weights=allocated).x
    first = int(fit.measured.start) + fit.course.starting
    if first + 1 < len(live) and not grows(live[first:], np.cumsum(allocated)[first:]):
        level[first:] = np.average(live[first:], weights=allocated[first:])
        level[:first] = np.minimum(level[:first], level[-1])
    return level


def _merged(allocated: Floats, kept: Floats, lasts: Floats) -> list[Stretch]:
    """Neighbours together, until each is a part of what is allocated, of what stays, or of time."""
    columns = np.array([allocated, kept, lasts])
    enough = np.maximum(columns.sum(axis=1), 1.0) / MOST_STRETCHES
    found, sums = [], np.zeros(3)
    for column in columns.T:
        sums += column
        if (sums >= enough).any():
            found.append(Stretch(round(max(sums[0], sums[1])), round(sums[1]), round(sums[2])))
            sums = np.zeros(3)
    if sums.any():
        found.append(Stretch(round(max(sums[0], sums[1])), round(sums[1]), round(sums[2])))
    return found


class WorkInFlight(NamedTuple):
    """Pieces of work that keep what they allocate until they are done, one on each P at a time."""

    median: Bytes
    """Of what a piece allocates; lognormal."""
    p99: Bytes
    pieces: int
    base: Bytes
    """Alive all the time."""


def in_flight(fit: Fit) -> WorkInFlight | None:
    """The pieces whose work makes the live heap come and go; None where it mostly stays.

    What is alive of a piece at a random instant is its age in bytes, of which renewal theory has
    the moments E[S^2] / 2 E[S] and E[S^3] / 3 E[S]; those of lognormal sizes S are solved for the
    mean and variance that the live heap has along what is allocated.
    """
    seen, lanes = fit.observed, fit.program.procs
    live, weights = seen.live[fit.measured], seen.allocated[fit.measured]
    if len(live) < FEW_CYCLES:
        return None
    around = isotonic_regression(live, weights=weights).x
    mean = float(np.average(live, weights=weights))
    if float(np.average((live - around) ** 2, weights=weights)) < (COMES_AND_GOES * mean) ** 2:
        return None
    base = float(live.min())
    first = (mean - base) / lanes
    second = float(np.average((live - mean) ** 2, weights=weights)) / lanes + first**2
    variance = max(0.0, math.log(0.75 * second / first**2))
    median = 2 * first * math.exp(-1.5 * variance)
    total = float(weights.sum()) * fit.stands_for
    return WorkInFlight(
        round(median),
        round(median * math.exp(Z99 * math.sqrt(variance))),
        max(1, round(total / (median * math.exp(variance / 2)))),
        round(base),
    )


class Background(NamedTuple):
    """What a service allocates beside its requests, stretch by stretch."""

    rate: float
    """Bytes per ns that its requests allocate."""
    stretches: list[Stretch]


def background(stretches: list[Stretch]) -> Background:
    """Requests allocate at the usual rate of the course; what is more in a stretch is beside them.

    All that is allocated is one or the other.
    """
    allocated, _, lasts = np.array(stretches, dtype=float).T
    rates = allocated / np.maximum(lasts, 1.0)
    order = np.argsort(rates, kind="stable")
    half = int(np.searchsorted(np.cumsum(lasts[order]), lasts.sum() / 2))
    usual = min(float(rates[order[half]]), float(allocated.sum() / lasts.sum()))
    more = np.maximum(allocated - usual * lasts, 0.0)
    rest = float(allocated.sum() - usual * lasts.sum())
    more *= rest / more.sum() if more.sum() else 0.0
    found = [
        one._replace(allocated=round(max(extra, one.kept)))
        for one, extra in zip(stretches, more.tolist(), strict=True)
    ]
    return Background(usual, found)
