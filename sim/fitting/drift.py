"""Does the live heap grow with the work done: a leak, or a cache that fills?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.fitting.fit import Fit
from sim.fitting.phases import FEW_CYCLES

SIGNIFICANT: Final = 5.0
"""Standard errors between the slope and zero. A judgement, above the usual 2 to 3 because cycles
that follow each other are alike; smaller calls scatter a leak."""
NOTICEABLE: Final = 0.1
"""Growth over the log, relative to the mean live heap. A judgement: predictions may be off by as
much anyway; smaller warns of drifts that matter to nobody."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A line through the live heap; bytes."""

    at_begin: float
    per_byte: float
    """Bytes that stay, per byte allocated."""
    growth: float
    """Over the measured part."""


def drift(fit: Fit) -> Drift | None:
    """The drift of the live heap, or None where it cannot be told from scatter."""
    live = fit.observed.live[fit.measured]
    if len(live) < FEW_CYCLES:
        return None
    position = np.array([s.end for s in fit.program.cycles])[fit.measured]
    along = position - position.mean()
    slope = float((along * live).sum() / (along**2).sum())
    rest = live - live.mean() - slope * along
    error = float(np.sqrt((rest**2).sum() / (len(live) - 2) / (along**2).sum()))
    growth = slope * float(position[-1] - position[0])
    if slope < SIGNIFICANT * error or growth < NOTICEABLE * live.mean():
        return None
    return Drift(float(live.mean() + slope * along[0]), slope / fit.stands_for, growth)
