"""An idea of our own: a runway for as many Ps as will mark, idle ones included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sim.go.pacer import pacers
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION, Go127Pacer
from sim.units import Fraction, Nanoseconds

MEMORY: Final = 5
"""Cycles; as many as go1.27 remembers of cons/mark."""


@pacers.register("idle-aware")
@dataclass
class IdleAwarePacer(Go127Pacer):
    """Go 1.27's, but it starts later where idle Ps have helped to mark in all of the last cycles.

    go1.27 plans for a quarter of the Ps. Where more are idle, marking ends early and the heap is
    collected below its goal: cycles that nobody needed. The least share of idle marking of five
    cycles counts. The price: if idle Ps find other work, the first cycle is late, and assists pay.
    """

    idle_shares: list[Fraction] = field(init=False, default_factory=lambda: [0.0] * MEMORY)
    """Share of the CPUs that idle workers took in each of the last cycles."""

    def end_cycle(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """See `Pacer`."""
        cpu = (now - self.mark_start) * gomaxprocs
        idle = self.idle_mark_time / cpu if cpu > 0 else 0.0
        self.idle_shares = [*self.idle_shares[1:], idle]
        super().end_cycle(now, gomaxprocs)

    def commit(self, *, sweep_done: bool) -> None:
        """See `Pacer`."""
        super().commit(sweep_done=sweep_done)
        marking = min(BACKGROUND_UTILIZATION + min(self.idle_shares), 1.0)
        self.runway = int(self.cons_mark * (1 - marking) / marking * self.scan_expected)
