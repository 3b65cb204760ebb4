"""Time along a run: positions (bytes allocated) into wall time."""

from __future__ import annotations

from sim.replay.program import Load, ObservedProgram
from sim.replay.setting import Setting


class WallClock:
    """The time of a run; `wall` counts only between the positions `begin` and `end`. ns."""

    def __init__(
        self, program: ObservedProgram, setting: Setting, begin: float, end: float
    ) -> None:
        self._program = program
        self._rate = program.allocation_rate
        if program.load is Load.BUSY:
            self._rate *= setting.procs / program.procs
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
            time = allocated / self._rate
        self._count(start, allocated, time)
        return time

    def mark(self, start: float, allocated: float, duration: float) -> None:
        """A mark phase and its pauses."""
        self._backlog += self._program.demand * duration - allocated
        self._count(start, allocated, duration)

    def _count(self, start: float, allocated: float, time: float) -> None:
        self.now += time
        if start + allocated <= self._begin or start >= self._end:
            return
        inside = min(start + allocated, self._end) - max(start, self._begin)
        self.wall += time * inside / allocated if allocated > 0 else time
