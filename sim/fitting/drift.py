"""Does the live heap grow with the work done: a leak, or a cache that fills?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.fitting.fit import Fit
from sim.fitting.observe import Floats
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
    if not grows(live, position):
        return None
    slope, along = _slope(live, position)
    growth = slope * float(position[-1] - position[0])
    return Drift(float(live.mean() + slope * along[0]), slope / fit.stands_for, growth)


def grows(live: Floats, position: Floats) -> bool:
    """Whether a line through so many live bytes along what was allocated rises, beyond scatter."""
    if len(live) < FEW_CYCLES:
        return False
    slope, along = _slope(live, position)
    rest = live - live.mean() - slope * along
    error = float(np.sqrt((rest**2).sum() / (len(live) - 2) / (along**2).sum()))
    growth = slope * float(position[-1] - position[0])
    return slope >= SIGNIFICANT * error and growth >= NOTICEABLE * float(live.mean())


def _slope(live: Floats, position: Floats) -> tuple[float, Floats]:
    """Of the line, and where along it the values are, around their middle."""
    along: Floats = position - position.mean()
    return float((along * live).sum() / (along**2).sum()), along
