"""One mark phase as a flow: work falls at the rate of those who mark, the heap grows meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from sim.fluid.limiting import Limiting
from sim.fluid.program import FluidProgram, Load, Stretch
from sim.fluid.workers import BackgroundWorkers
from sim.units import MS

LONGEST_STEP: Final = MS // 2
STEPS_OF_WORK: Final = 40
"""The work is done in at least so many steps."""


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
    """Marks `stretch.live` bytes while the program allocates. Times are ns, work is bytes."""

    def __init__(
        self,
        program: FluidProgram,
        stretch: Stretch,
        pacing: AssistPacing,
        limiting: Limiting,
        procs: int,
        heap_live: float,
        rng: np.random.Generator,
    ) -> None:
        self._program, self._stretch, self._procs = program, stretch, procs
        self._pacing, self._limiting = pacing, limiting
        self._cost = stretch.mark_cost
        self._workers = BackgroundWorkers(procs, program.yields_every, rng)
        self._heap_live = heap_live
        self._work = 0.0
        self._credit = 0.0
        self._first_assists = program.first_assists * stretch.live
        self._now = self._assist = self._background = self._idle = 0.0

    def run(self) -> Marked:
        """Mark to the end."""
        limited = self._limiting.limited
        shortest = max(1.0, min(LONGEST_STEP, self._stretch.live * self._cost / STEPS_OF_WORK))
        while self._work < self._stretch.live:
            if self._program.load is Load.BUSY:
                self._busy_step(min(shortest, max(1.0, self._workers.until_look(self._now))))
            else:
                self._waiting_step(shortest)
        return Marked(
            self._now,
            self._heap_live,
            self._assist,
            self._background,
            self._idle,
            self._limiting.limited - limited,
        )

    def _busy_step(self, dt: float) -> None:
        """The program has every P that no worker has."""
        marking = self._workers.running
        used = self._flow(dt, program=self._procs - marking, background=marking, idle=0.0)
        self._workers.advance(self._now, used)

    def _waiting_step(self, dt: float) -> None:
        """Idle workers have every P that neither the program nor another worker has."""
        background = self._program.background_share * self._procs
        program = min(self._stretch.program_cpus, self._procs - background)
        idle = self._procs - background - program
        self._flow(dt, program=program, background=background, idle=idle)

    def _flow(self, dt: float, *, program: float, background: float, idle: float) -> float:
        """Let `dt` pass, or less if the work ends before; return what passed."""
        supply = (background + idle) * dt / self._cost
        assist = 0.0 if self._limiting.limiting else self._assists(program * dt, supply)
        done = supply + assist / self._cost
        fraction = min(1.0, (self._stretch.live - self._work) / done) if done > 0 else 1.0
        self._work += done if fraction == 1.0 else self._stretch.live - self._work
        self._heap_live += self._stretch.allocation_rate * (program * dt - assist) * fraction
        self._now += dt * fraction
        self._assist += assist * fraction
        self._background += background * dt * fraction
        self._idle += idle * dt * fraction
        self._limiting.mark(dt * fraction, assist * fraction, idle * dt * fraction)
        return dt * fraction

    def _assists(self, available: float, supply: float) -> float:
        first = self._take_first_assists(available)
        return first + self._paced_assists(available - first, supply)

    def _take_first_assists(self, available: float) -> float:
        """CPU-ns of the assists that every goroutine owes at its first allocation."""
        assist = min(self._first_assists * self._cost, available)
        self._first_assists -= assist / self._cost
        self._credit += assist / self._cost
        return assist

    def _paced_assists(self, available: float, supply: float) -> float:
        """CPU-ns that the program must mark so that credit covers what it allocates."""
        owed_per_ns = self._stretch.allocation_rate * self._pacing.work_per_byte(
            self._heap_live, self._work
        )
        credit = self._credit + supply
        missing = owed_per_ns * available - credit
        assist = max(0.0, missing) / (owed_per_ns + 1 / self._cost)
        self._credit = max(0.0, -missing)
        return min(assist, available)
