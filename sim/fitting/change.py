"""Did the program change its behaviour midway through the log?"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from sim.fitting.gctrace_fit import FEW_CYCLES, Fit
from sim.fitting.observe import Floats
from sim.units import Fraction

NOTICEABLE: Final[Fraction] = 0.25
_DOUBT: Final = 0.5
"""Of a change, what is carried as uncertainty: which half will go on is not known."""


class Change(NamedTuple):
    """Uncertainty from a change, as the logarithm of a factor; 0 without one."""

    live: float
    rate: float


def change_midway(fit: Fit) -> Change:
    """Compare the halves of the log: live heap, and allocation per time."""
    seen, measured = fit.observed, fit.measured
    live = seen.live[measured]
    if len(live) < FEW_CYCLES:
        return Change(0.0, 0.0)
    inside = slice(measured.start + 1, measured.stop)
    before = slice(measured.start, measured.stop - 1)
    rate = seen.allocated[inside] / np.maximum(seen.at[inside] - seen.at[before], 1.0)
    return Change(_doubt(live), _doubt(rate))


def change_sentences(fit: Fit) -> list[str]:
    """What a user should hear of it."""
    change = change_midway(fit)
    names = (("live heap", change.live), ("allocation rate", change.rate))
    return [
        f"the {name} of the second half of the log is another than that of the first half by a"
        f" factor of {math.exp(size / _DOUBT):.1f}: predictions hold for the mixture of both"
        for name, size in names
        if size
    ]


def _doubt(values: Floats) -> float:
    first, second = np.array_split(values, 2)
    ratio = abs(math.log(max(float(np.median(second)), 1.0) / max(float(np.median(first)), 1.0)))
    return _DOUBT * ratio if ratio > NOTICEABLE else 0.0
