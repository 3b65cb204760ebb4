"""How the rate of allocation varies over a log, where it varies beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.fitting.fit import Fit
from sim.fitting.observe import Floats
from sim.units import SECOND, Nanoseconds

CYCLES_A_BIN: Final = 5
"""Cycles of a bin of time, on average. A judgement, enough to tell its rate from scatter; more
blurs changes of load, fewer follow chance."""
MOST_BINS: Final = 60
"""Bins of a log; more would be no load that somebody planned."""
UNLIKELY: Final = 1e-3
"""Probability that bins of one and the same rate differ as much (Kruskal and Wallis, by ranks).
Chosen low because thousands of logs are looked at; larger finds changes of load in scatter."""
NOTICEABLE: Final = 1.25
"""Of the largest rate over the smallest. A judgement; smaller makes workloads long without
effect."""


@dataclass(frozen=True, slots=True)
class Variation:
    """Mean rates of allocation in consecutive times of equal length."""

    every: Nanoseconds
    rates: tuple[float, ...]
    """Bytes per second."""


def variation(fit: Fit) -> Variation | None:
    """The rates over the measured part, or None where one rate explains them all."""
    seen, measured = fit.observed, fit.measured
    steady = _steady(seen.live[measured])
    ends = (seen.at + seen.duration)[measured][steady]
    allocated, times = seen.allocated[measured][steady][1:], np.diff(ends)
    bins = min(MOST_BINS, len(times) // CYCLES_A_BIN)
    if bins <= 1 or not (times > 0).all():
        return None
    edges = np.linspace(ends[0], ends[-1], bins + 1)
    rates = np.diff(np.interp(edges, ends, np.cumsum([0.0, *allocated]))) / np.diff(edges)
    if rates.max() < NOTICEABLE * rates.min() or _by_chance(allocated / times, ends[1:], edges):
        return None
    return Variation(
        round((edges[1] - edges[0]) * fit.stands_for), tuple((rates * SECOND).tolist())
    )


def _steady(live: Floats) -> slice:
    """Without the cycles in which the program starts up: its heap is not half full yet."""
    return slice(int(np.argmax(live >= np.median(live) / 2)), None)


def _by_chance(rates: Floats, at: Floats, edges: Floats) -> bool:
    """One rate for all bins, and scatter from cycle to cycle, would do as well."""
    from scipy import stats  # half a CPU second, which few need

    which = np.searchsorted(edges[1:-1], at)
    groups = [rates[which == k] for k in np.unique(which)]
    return len(groups) == 1 or not stats.kruskal(*groups).pvalue < UNLIKELY
