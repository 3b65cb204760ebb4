"""Who marks in the background, and when: dedicated and fractional workers on busy Ps.

A fractional worker gets its P only when the running goroutine gives it up. A goroutine that never
blocks is preempted by sysmon, which looks every 10 ms and acts at the second look that finds the
same goroutine: so a worker waits up to 20 ms, and a short mark phase mostly waits.
Source: runtime/proc.go, sysmon, retake, findRunnableGCWorker; runtime/mgcmark.go, gcBgMarkWorker,
gcDrain (pollFractionalWorkerExit); runtime/mgcpacer.go, startCycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.go.markwork import FRACTIONAL_SLACK
from sim.go.pacer import Workers
from sim.go.pacer.go127 import background_workers
from sim.go.sysmon import PERIOD
from sim.units import Fraction, Nanoseconds


def worker_goal(procs: int) -> Fraction:
    """Share of the Ps that dedicated and fractional workers aim at together."""
    workers = background_workers(procs, periodic=False)
    return workers.dedicated / procs + workers.fraction


@dataclass(slots=True)
class _FractionalP:
    seen: bool
    """sysmon has seen the goroutine that runs here."""
    yields_at: float
    marking: bool = False
    marked: float = 0.0
    """ns of fractional marking on this P in this cycle."""


class BackgroundWorkers:
    """The workers of one mark phase in a program that leaves no P idle."""

    def __init__(
        self,
        workers: Workers,
        procs: int,
        yields_every: Nanoseconds | None,
        rng: np.random.Generator,
    ) -> None:
        self._dedicated, self._share = workers.dedicated, workers.fraction
        self._yields_every = yields_every
        self._rng = rng
        self._look_at = rng.uniform(0, PERIOD)
        # Stopping the world preempted all goroutines but the one that triggered the cycle.
        self._ps = [
            _FractionalP(seen=i == 0 and bool(rng.integers(2)), yields_at=self._next_yield(0.0))
            for i in range(procs - self._dedicated if self._share else 0)
        ]

    @property
    def running(self) -> int:
        """Ps that mark now."""
        return self._dedicated + sum(p.marking for p in self._ps)

    def until_change(self, now: float) -> float:
        """ns in which no worker starts or stops."""
        if not self._ps:
            return float("inf")
        return min([self._look_at - now, *(self._until_change_of(p, now) for p in self._ps)])

    def _until_change_of(self, p: _FractionalP, now: float) -> float:
        if not p.marking:
            return p.yields_at - now
        allowed = FRACTIONAL_SLACK * self._share
        return (allowed * now - p.marked) / (1 - allowed)

    def advance(self, now: float, elapsed: float) -> None:
        """Account for the time just spent, then start and stop fractional workers."""
        for p in self._ps:
            if p.marking:
                p.marked += elapsed
                if p.marked >= FRACTIONAL_SLACK * self._share * now - 1:
                    p.marking = p.seen = False
            elif now >= p.yields_at:
                p.yields_at = self._next_yield(now)
                self._switch(p, now)
        if now >= self._look_at:
            self._look_at += PERIOD
            for p in self._ps:
                self._look(p, now)

    def _look(self, p: _FractionalP, now: float) -> None:
        if p.marking:
            return
        if p.seen:
            self._switch(p, now)
        else:
            p.seen = True

    def _switch(self, p: _FractionalP, now: float) -> None:
        p.seen = False
        p.marking = p.marked <= self._share * now

    def _next_yield(self, now: float) -> float:
        if self._yields_every is None:
            return float("inf")
        return now + self._rng.exponential(self._yields_every)
