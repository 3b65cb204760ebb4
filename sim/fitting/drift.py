"""Does the live heap grow with the work done: a leak, or a cache that fills?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.fitting.fit import Fit
from sim.fitting.observe import Floats
from sim.fitting.phases import FEW_CYCLES
from sim.units import SECOND, Bytes, format_bytes

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
    if len(live) < FEW_CYCLES or position[-1] <= position[0]:
        return False
    slope, along = _slope(live, position)
    rest = live - live.mean() - slope * along
    error = float(np.sqrt((rest**2).sum() / (len(live) - 2) / (along**2).sum()))
    growth = slope * float(position[-1] - position[0])
    return slope >= SIGNIFICANT * error and growth >= NOTICEABLE * float(live.mean())


@dataclass(frozen=True, slots=True)
class LiveHeapGrowth:
    """A live heap that has not come to rest when its log ends."""

    live: Bytes
    """At the end."""
    per_second: float
    """Bytes that are alive more after each second."""

    def sentence(self) -> str:
        """In words."""
        return (
            "the live heap still grows when the log ends, by"
            f" {format_bytes(self.per_second)}/s, and is {format_bytes(self.live)} by then:"
            " predictions do not follow it beyond the log"
        )

    def seconds_until(self, size: Bytes) -> float:
        """Until what is alive fills so much, whatever is set; 0 if it does already."""
        return max(0.0, (size - self.live) / self.per_second)


def still_growing(fit: Fit) -> LiveHeapGrowth | None:
    """How the live heap grows in the second half of the time; None where it holds, or may."""
    at, live = fit.observed.at[fit.measured], fit.observed.live[fit.measured]
    late = at >= (at[0] + at[-1]) / 2
    at, live = at[late], live[late]
    if fit.stands_for != 1 or not grows(live, at):
        return None
    slope, along = _slope(live, at)
    return LiveHeapGrowth(round(float(live.mean() + slope * along[-1])), slope * SECOND)


def _slope(live: Floats, position: Floats) -> tuple[float, Floats]:
    """Of the line, and where along it the values are, around their middle."""
    along: Floats = position - position.mean()
    return float((along * live).sum() / (along**2).sum()), along
