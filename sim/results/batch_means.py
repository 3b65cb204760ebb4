"""How well the means of one run are known: batch means.

What follows each other in a run is alike, so its values are no independent sample; means of long
batches nearly are. Sources: Law, "Simulation Modeling and Analysis", 2015, section 9.5.3;
Schmeiser, "Batch size effects in the analysis of simulation output", 1982 (more than thirty batches
buy nothing); Fishman, "Grouping observations in digital simulation", 1978 (batches are long enough
when their means are not correlated).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.results.result import Result
from sim.results.statistics import mean_interval
from sim.results.warmup import WarmUp, quantities
from sim.units import Fraction

BATCHES: Final = 20
CORRELATED: Final = 1.645
"""Of the first autocorrelation, in standard errors: 5 % of independent batches exceed it."""


class Known(NamedTuple):
    """A figure, and how well its mean is known."""

    name: str
    half_width: Fraction
    """Of the interval, relative to the mean; infinite where batches are too few or correlated."""


def known(run: Result, warm_up: WarmUp, figures: Sequence[str]) -> list[Known]:
    """How well the means of the figures are known after the warm-up: nothing without data.

    Only a figure that such a run cannot have is left out: latency as a fluid, and those of cycles
    where nothing makes them begin.
    """
    begin, events = warm_up.end_ns, run.run["detail"] != "fluid"
    possible = {"live heap": run.collects, "GC CPU": run.collects, "latency": events}
    widths = {name: math.inf for name, may_be in possible.items() if may_be}
    for series in quantities(run, begin):
        widths[series.name] = half_width(series.measured[series.at_ns >= begin])
    wanted = [name for name in widths if name.lower().replace(" ", "_") in figures]
    return [Known(name, widths[name]) for name in wanted]


def half_width(values: NDArray[np.float64]) -> Fraction:
    """Of the interval (95 % confidence) of the mean of a series, relative to the mean."""
    size = len(values) // BATCHES
    if not size:
        return math.inf
    batches = values[len(values) - size * BATCHES :].reshape(BATCHES, size).mean(axis=1)
    found = mean_interval(batches.tolist())
    width = (found.high - found.low) / 2
    if not width:
        return 0.0
    return math.inf if _correlated(batches) or not found.value else width / abs(found.value)


def _correlated(batches: NDArray[np.float64]) -> bool:
    centred = batches - batches.mean()
    first = float(np.dot(centred[1:], centred[:-1]) / np.dot(centred, centred))
    return first > CORRELATED / math.sqrt(len(batches))
