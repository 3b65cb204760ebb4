"""One mark phase as a flow: work falls at the rate of those who mark, the heap grows meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from sim.go.pacer import Workers
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.replay.background_workers import BackgroundWorkers
from sim.replay.demand import Demand
from sim.replay.limiter import TimedLimiter
from sim.replay.program import Load, ObservedCycle, ObservedProgram

STEPS: Final = 20
"""The work is done in at least so many steps, and no step takes longer than background workers
alone would need."""


class AssistPacing(Protocol):
    """The part of a pacer that a mark phase asks."""

    def work_per_byte(self, heap_live: float, scan_work: float) -> float:
        """Bytes of scan work owed per byte allocated."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What a mark phase took."""

    duration: float
    heap_live: float
    assist: float
    background: float
    idle: float
    limited: float
    """ns in which the GC CPU limiter forbade assists."""


class MarkPhase:
    """Marks `cycle.live` bytes while the program allocates. Times are ns, work is bytes."""

    def __init__(
        self,
        program: ObservedProgram,
        cycle: ObservedCycle,
        pacing: AssistPacing,
        limiter: TimedLimiter,
        workers: Workers,
        procs: int,
        heap_live: float,
        rng: np.random.Generator,
    ) -> None:
        self._program, self._cycle, self._procs = program, cycle, procs
        self._pacing, self._limiter = pacing, limiter
        self._cost, self._rate = cycle.mark_cost, cycle.allocation_rate
        self._workers = BackgroundWorkers(workers, procs, program.yields_every, rng)
        self._demand: Demand | None = None
        if program.load is Load.WAITING and cycle.measured:
            duration = cycle.live * cycle.mark_cost / procs
            self._demand = Demand(program.marking_cpus, program.piece, duration, rng)
        self._average_background = program.background_cpus(procs)
        self._heap_live = heap_live
        self._work = 0.0
        self._credit = 0.0
        self._own = program.first_assists
        self._step = cycle.live * cycle.mark_cost / STEPS
        self._finest = self._step / procs / STEPS
        self._busy = BACKGROUND_UTILIZATION * procs
        self._now = self._assist = self._background = self._idle = 0.0

    def run(self) -> Marked:
        """Mark to the end."""
        limited = self._limiter.limited
        step = self._busy_step if self._program.load is Load.BUSY else self._waiting_step
        while self._work < self._cycle.live:
            step(max(1.0, self._step / self._busy))
        return Marked(
            self._now,
            self._heap_live,
            self._assist,
            self._background,
            self._idle,
            self._limiter.limited - limited,
        )

    def _busy_step(self, dt: float) -> None:
        """The program has every P that no worker has.

        Where it works on few Ps for a while, idle workers have what they had in the log.
        """
        marking = self._workers.running
        left = self._procs - marking
        idle = min(self._cycle.idle_cpus, left)
        dt = min(dt, max(1.0, self._workers.until_change(self._now)))
        owed = self._owed()
        used = self._flow(dt, owed, program=left - idle, background=marking, idle=idle)
        self._workers.advance(self._now, used)

    def _waiting_step(self, dt: float) -> None:
        """Idle workers have every P that neither the program nor another worker has.

        Before the measured part, a program that starts up wants what it wanted in the log.
        """
        background, demand = self._average_background, self._demand
        left = self._procs - background
        wanted = self._cycle.program_cpus if demand is None else demand.cpus
        program = min(wanted, left)
        if demand is not None:
            dt = min(dt, max(1.0, self._finest, demand.until_change(program)))
        assisted = self._assist
        used = self._flow(
            dt, self._owed(), program=program, background=background, idle=left - program
        )
        if demand is not None:
            demand.advance(used, program * used - (self._assist - assisted))

    def _owed(self) -> float:
        """Bytes of scan work owed per CPU-ns of the program."""
        return self._rate * self._pacing.work_per_byte(self._heap_live, self._work)

    def _flow(
        self, dt: float, owed: float, *, program: float, background: float, idle: float
    ) -> float:
        """Let `dt` pass, or less if the work ends before; return what passed."""
        supply = (background + idle) * dt / self._cost
        assist = 0.0 if self._limiter.limiting else self._assists(program * dt, owed, supply)
        done = supply + assist / self._cost
        fraction = min(1.0, (self._cycle.live - self._work) / done) if done > 0 else 1.0
        self._work += done if fraction == 1.0 else self._cycle.live - self._work
        self._heap_live += self._rate * (program * dt - assist) * fraction
        self._now += dt * fraction
        self._assist += assist * fraction
        self._background += background * dt * fraction
        self._idle += idle * dt * fraction
        self._limiter.mark(dt * fraction, assist * fraction, idle * dt * fraction)
        self._busy = max(BACKGROUND_UTILIZATION * self._procs, background + idle + assist / dt)
        return dt * fraction

    def _assists(self, available: float, owed_per_ns: float, supply: float) -> float:
        """CPU-ns that the program must mark so that credit covers what it allocates.

        Goroutines come with a debt of their own, which they pay whatever the credit.
        """
        own = self._own * available
        credit = self._credit + supply + own / self._cost
        missing = owed_per_ns * (available - own) - credit
        paced = max(0.0, missing) / (owed_per_ns + 1 / self._cost)
        self._credit = max(0.0, -missing)
        return min(own + paced, available)
