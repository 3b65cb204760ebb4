"""One mark phase as a flow: work falls at the rate of those who mark, the heap grows meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from sim.go.pacer import Workers
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.replay.background_workers import BackgroundWorkers
from sim.replay.demand import Demand
from sim.replay.limiter import TimedLimiter
from sim.replay.program import Load, ObservedCycle, ObservedProgram

STEPS: Final = 5
"""Steps in which the work is done at least, in each of which the assist ratio stays. Where assists
pay what allocation owes, they do so in reality too: work and heap approach their ends in the
proportion that the ratio is. So few are enough to see that a cycle does more work than expected or
misses its goal; twenty give the same within what seeds differ by (benchmarks/replay_steps.py)."""
FINEST: Final = 400
"""Parts of the marking, done by all Ps, that are short enough for changes of load to come together.
A judgement, which bounds the time of a prediction."""


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
        self._step_work = cycle.live * cycle.mark_cost / STEPS
        self._finest = cycle.live * cycle.mark_cost / procs / FINEST
        self._busy = BACKGROUND_UTILIZATION * procs
        self._now = self._assist = self._background = self._idle = 0.0
        self._owed, self._limiting = 0.0, False

    def run(self) -> Marked:
        """Mark to the end."""
        limited = self._limiter.limited
        piece = self._busy_piece if self._program.load is Load.BUSY else self._waiting_piece
        while self._work < self._cycle.live:
            self._step(max(1.0, self._step_work / self._busy), piece)
        return Marked(
            self._now,
            self._heap_live,
            self._assist,
            self._background,
            self._idle,
            self._limiter.limited - limited,
        )

    def _step(self, dt: float, piece: Callable[[float], None]) -> None:
        """Pacer and limiter look once; what they say holds for `dt`, or until the work ends."""
        self._owed = self._rate * self._pacing.work_per_byte(self._heap_live, self._work)
        self._limiting = self._limiter.limiting
        begun, assist, background, idle = self._now, self._assist, self._background, self._idle
        end = begun + dt
        while self._now < end and self._work < self._cycle.live:
            piece(end - self._now)
        time, assist, idle = self._now - begun, self._assist - assist, self._idle - idle
        self._limiter.mark(time, assist, idle)
        marked = self._background - background + assist + idle
        self._busy = max(BACKGROUND_UTILIZATION * self._procs, marked / time)

    def _busy_piece(self, dt: float) -> None:
        """The program has every P that no worker has.

        Where it works on few Ps for a while, idle workers have what they had in the log.
        """
        marking = self._workers.running
        left = self._procs - marking
        idle = min(self._cycle.idle_cpus, left)
        dt = min(dt, max(1.0, self._workers.until_change(self._now)))
        used = self._flow(dt, program=left - idle, background=marking, idle=idle)
        self._workers.advance(self._now, used)

    def _waiting_piece(self, dt: float) -> None:
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
        used = self._flow(dt, program=program, background=background, idle=left - program)
        if demand is not None:
            demand.advance(used, program * used - (self._assist - assisted))

    def _flow(self, dt: float, *, program: float, background: float, idle: float) -> float:
        """Let `dt` pass, or less if the work ends before; return what passed."""
        supply = (background + idle) * dt / self._cost
        assist = 0.0 if self._limiting else self._assists(program * dt, self._owed, supply)
        done, left = supply + assist / self._cost, self._cycle.live - self._work
        if done > left:
            fraction = left / done
            dt, assist, done = dt * fraction, assist * fraction, left
        self._work += done
        self._heap_live += self._rate * (program * dt - assist)
        self._now += dt
        self._assist += assist
        self._background += background * dt
        self._idle += idle * dt
        return dt

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
