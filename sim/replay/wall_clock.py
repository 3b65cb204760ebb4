"""Time along a run: positions (bytes allocated) into wall time."""

from __future__ import annotations

import numpy as np

from sim.replay.program import Load, ObservedProgram
from sim.replay.setting import Setting


class WallClock:
    """The time of a run; `wall` counts only between the positions `begin` and `end`. ns."""

    def __init__(
        self, program: ObservedProgram, setting: Setting, begin: float, end: float
    ) -> None:
        self._program = program
        self._slower = program.procs / setting.procs
        self._places, self._times = _course(program)
        self._begin, self._end = begin, end
        self._backlog = 0.0
        self.now = 0.0
        self.wall = 0.0

    def between_cycles(self, start: float, allocated: float) -> float:
        """The program allocates; returns how long that takes."""
        if self._program.load is Load.WAITING:
            # The load that came while marking is served first, as fast as it may.
            allocated_late = min(self._backlog, allocated)
            self._backlog -= allocated_late
            time = (allocated - allocated_late) / self._program.demand
        else:
            time = self._slower * (self._until(start + allocated) - self._until(start))
        self._count(start, allocated, time)
        return time

    def mark(self, start: float, allocated: float, duration: float) -> None:
        """A mark phase and its pauses."""
        self._backlog += self._program.demand * duration - allocated
        self._count(start, allocated, duration)

    def _until(self, position: float) -> float:
        """ns that a busy program has allocated for between mark phases, up to a position."""
        beyond = max(0.0, position - self._places[-1]) / self._program.allocation_rate
        return float(np.interp(position, self._places, self._times)) + beyond

    def _count(self, start: float, allocated: float, time: float) -> None:
        self.now += time
        if start + allocated <= self._begin or start >= self._end:
            return
        inside = min(start + allocated, self._end) - max(start, self._begin)
        self.wall += time * inside / allocated if allocated > 0 else time


def _course(program: ObservedProgram) -> tuple[list[float], list[float]]:
    """Positions, and the time that a busy program needs until there where nothing is marked.

    What it allocates between mark phases takes as long as it did. What it allocated while the heap
    was marked takes as long as what followed, though no longer than usual: it may have waited.
    """
    usual = 1 / program.allocation_rate
    places, times, last = [0.0], [0.0], 0.0
    for cycle in program.cycles:
        gap = cycle.start - last
        apart = gap * usual if cycle.apart is None else cycle.apart
        pace = min(usual, apart / max(gap, 1.0))
        times.append(times[-1] + pace * (last - places[-1]))
        times.append(times[-1] + apart)
        places += [last, cycle.start]
        last = cycle.end
    return places, times
