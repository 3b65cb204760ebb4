"""A pacer that does not learn, to see what learning is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from annotated_types import Ge, Le

from sim.go.pacer import pacers
from sim.go.pacer.go127 import Go127Pacer
from sim.units import Bytes, Fraction

OUT_OF_REACH: Final[Bytes] = 1 << 47
"""The address space: GOGC=off without a memory limit."""


@pacers.register("fixed-trigger")
@dataclass
class FixedTriggerPacer(Go127Pacer):
    """Goals and assists of Go 1.27; cycles start after a fixed part of the growth to the goal."""

    growth: Annotated[Fraction, Ge(0), Le(1)] = 0.8
    """1: at the goal itself, where the stop-the-world collectors until Go 1.4 started."""

    def trigger(self) -> tuple[Bytes, Bytes]:
        """See `Pacer`."""
        goal, least = self._goal_and_min_trigger()
        if goal >= OUT_OF_REACH:
            return goal, goal
        marked = min(self.heap_marked, goal)
        wanted = marked + int(self.growth * (goal - marked))
        return min(max(wanted, least), goal), goal
