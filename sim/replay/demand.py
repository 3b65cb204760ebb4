"""How many Ps a program wants from instant to instant that waits for load.

Load comes in pieces at random instants, and each piece wants one P for as long as it takes. An
allocation begins a cycle, so at that instant there is the piece that allocates beside those that
are there on average; background workers have no credit to give yet, and so it assists.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.units import Nanoseconds

MOST_PIECES: Final = 20
"""Pieces of demand in a mark phase; shorter ones are taken together, and scatter as much less as
more of them would. A judgement, so that the time of a prediction is bounded; fewer makes the
scatter of assists coarser (benchmarks/replay_steps.py)."""


class Demand:
    """The pieces of load that are there during one mark phase; times are ns."""

    def __init__(
        self, wanted: float, piece: Nanoseconds, duration: float, rng: np.random.Generator
    ) -> None:
        """`wanted` Ps on average by pieces of so much CPU time, for about so long."""
        self._rng, self._wanted = rng, wanted
        self._piece = max(float(piece), wanted * duration / MOST_PIECES)
        self._scatter = min(1.0, math.sqrt(piece / self._piece))
        self._apart = self._piece / max(wanted, 1e-9)
        self._next = rng.exponential(self._apart)
        self._rest = rng.exponential(self._piece)
        self._change_to(1 + int(rng.poisson(wanted)))

    def until_change(self, running: float) -> float:
        """ns until a piece comes or goes if so many Ps run the program."""
        served = running * self._share
        return min(self._next, self._rest / served) if served > 0 else self._next

    def advance(self, elapsed: float, cpu: float) -> None:
        """Time passed, and pieces had so much CPU for themselves."""
        self._next -= elapsed
        self._rest -= cpu * self._share
        if self._there and self._rest < 1:
            self._change_to(self._there - 1)
            self._rest = self._rng.exponential(self._piece)
        if self._next < 1:
            self._change_to(self._there + 1)
            self._next = self._rng.exponential(self._apart)

    def _change_to(self, pieces: int) -> None:
        self._there = pieces
        self.cpus = max(0.0, self._wanted + self._scatter * (pieces - self._wanted))
        """Ps that are wanted now."""
        self._share = pieces / self.cpus if pieces else 0.0
        """What pieces get of CPU time, of which they want one P each."""
