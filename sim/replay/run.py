"""A run of a program, cycle after cycle, under one setting."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from sim.errors import UserError
from sim.replay.limiter import TimedLimiter
from sim.replay.mark_phase import Marked, MarkPhase
from sim.replay.memory import Overheads
from sim.replay.pacing import Pacing
from sim.replay.program import FREE_IN_CACHED, ObservedCycle, ObservedProgram
from sim.replay.setting import Setting
from sim.replay.wall_clock import WallClock
from sim.streams import Streams
from sim.units import Bytes, Fraction, KiB

MOVING_LIVE_HEAP: Final[Fraction] = 0.5
"""Of the live heap; by so much it changes over four cycles where it is on its way elsewhere. A
judgement; decides which cycles follow each other under another setting."""
MOST_CYCLES: Final = 3_000_000
"""Of one run: ten times as many as a log may have."""
_LEAST_GROWTH: Final = 64 * KiB
"""Bytes between cycles, however full the heap is (runtime/mgcpacer.go, heapGoalInternal:
minRunway)."""


@dataclass(frozen=True, slots=True)
class ReplayedCycle:
    """One cycle; sizes in bytes, times in ns."""

    position: float
    """Bytes the program had allocated when the cycle ended."""
    at: float
    """When marking began."""
    heap_start: float
    heap_end: float
    heap_marked: float
    heap_goal: Bytes
    mark: Marked


@dataclass(frozen=True, slots=True)
class ReplayedRun:
    """The measured part of a run."""

    cycles: list[ReplayedCycle]
    allocated: float
    wall: float
    peak_heap: float
    """Largest heap at the end of a cycle, less the ballast; without a cycle, the last heap."""
    largest_heap: float
    """The same, and the heap at the end of the run, where that is larger."""
    pause_p99: float
    """99th percentile of single pauses; 0 without a cycle."""


def run(program: ObservedProgram, setting: Setting, seed: int, overheads: Overheads) -> ReplayedRun:
    """Run the whole program; what happens before its measured part shapes the start of that."""
    streams = Streams(seed)
    rng = streams["window"]
    begin = rng.uniform(program.begin.low, program.begin.high)
    end = rng.uniform(program.end.low, program.end.high)
    replay = _Replay(program, setting, streams, overheads, WallClock(program, setting, begin, end))
    begun = [cycle for cycle in replay.cycles(end) if begin <= cycle.position]
    cycles = [cycle for cycle in begun if cycle.position < end]
    last = replay.heap_live if len(begun) == len(cycles) else _unfinished(begun[-1], end)
    peak = max((c.heap_end for c in cycles), default=last)
    pauses = streams["pauses"].choice(program.pauses, 2 * len(cycles))
    return ReplayedRun(
        cycles=cycles,
        allocated=end - begin,
        wall=replay.clock.wall,
        peak_heap=peak - setting.ballast,
        largest_heap=max(peak, last) - setting.ballast,
        pause_p99=float(np.quantile(pauses, 0.99)) if cycles else 0.0,
    )


def _unfinished(cycle: ReplayedCycle, end: float) -> float:
    """The heap where a program ends while it is marked."""
    return max(cycle.heap_start, cycle.heap_end - (cycle.position - end))


class _Replay:
    """A program on its way through its cycles."""

    def __init__(
        self,
        program: ObservedProgram,
        setting: Setting,
        streams: Streams,
        overheads: Overheads,
        clock: WallClock,
    ) -> None:
        self._program, self._setting, self.clock = program, setting, clock
        self._procs = setting.procs
        self._which, self._workers = streams["stretches"], streams["workers"]
        self._pacing = Pacing(setting, program.roots, overheads, program.pacer)
        self._limiter = TimedLimiter(setting.procs)
        self._small = float(streams["large"].uniform())
        self._position = 0.0
        self._cached = setting.procs * program.cached
        self._ballast = setting.ballast
        self.heap_live = float(setting.ballast)

    def cycles(self, end: float) -> Iterator[ReplayedCycle]:
        """Every cycle from the start of the program to a position."""
        forced = iter((*self._program.forced, float("inf")))
        next_forced, count = next(forced), 0
        while True:
            useful = self._pacing.useful_share(self._program.span_overhead)
            room = max(_LEAST_GROWTH, self._pacing.trigger() - self.heap_live)
            cached = min(self._cached, FREE_IN_CACHED * room)
            growth = max(_LEAST_GROWTH, room - cached) * useful
            small = self._position + growth
            growth = self._program.whole(small, self._small) - self._position
            called, large = None, self._position + growth > small
            if self._position + growth >= next_forced:
                growth, called = max(0.0, next_forced - self._position), next_forced
                next_forced = next(forced)
            self._allocate(min(growth, end - self._position), useful, cached)
            if self._position >= end:
                return
            if (count := count + 1) > MOST_CYCLES:
                raise UserError(
                    f"{self._setting}: more than {MOST_CYCLES:,} cycles in one run: predict a"
                    " shorter part of the log, or a setting that collects less often"
                )
            yield self._collect(useful, self._observed(called, large=large))

    def _allocate(self, growth: float, useful: Fraction, cached: float) -> None:
        time = self.clock.between_cycles(self._position, growth)
        self._limiter.between_cycles(time, self._program.idle_cpus(self._procs))
        self._position += growth
        self.heap_live += growth / useful + cached

    def _observed(self, called: float | None, *, large: bool) -> ObservedCycle:
        """What is known of a cycle here; of one that was called for, what was observed of it."""
        if called is None:
            here = _observed_at(self._program, self._position, self._which)
            if large or here.allocation_rate >= self._program.rate_elsewhere:
                return here
            return replace(here, allocation_rate=self._program.rate_elsewhere)
        cycles = self._program.cycles
        found = bisect_left(cycles, called, key=lambda cycle: cycle.end)
        return cycles[min(found, len(cycles) - 1)]

    def _collect(self, useful: Fraction, observed: ObservedCycle) -> ReplayedCycle:
        start, at = self.heap_live, self.clock.now
        pause = self._program.pause_per_cycle
        workers = self._pacing.start(int(self.clock.now), start)
        self._limiter.start_mark(pause / 2)
        mark = MarkPhase(
            self._program,
            observed,
            self._pacing,
            self._limiter,
            workers,
            self._procs,
            start,
            self._workers,
        ).run()
        self._limiter.end_mark(pause / 2)
        black = (mark.heap_live - start) * useful
        self.clock.mark(self._position, black, mark.duration + pause)
        self._position += black
        self.heap_live = self._ballast + observed.live + black
        now = int(self.clock.now - pause)
        goal = self._pacing.finish(now, mark, self.heap_live, observed.live)
        return ReplayedCycle(self._position, at, start, mark.heap_live, self.heap_live, goal, mark)


def _observed_at(
    program: ObservedProgram, position: float, rng: np.random.Generator
) -> ObservedCycle:
    """One of the two observed cycles around a position, the nearer one more often.

    Drawing keeps the scatter of the observations, which interpolation would halve. Where the live
    heap grows or shrinks from cycle to cycle, and before the measured part, it is interpolated, and
    after the last cycle extrapolated, unless the program goes round again. A process begins with an
    empty heap.
    """
    cycles = program.cycles
    if program.repeats_from is not None and position > cycles[-1].end:
        span = cycles[-1].end - program.repeats_from
        position = program.repeats_from + (position - program.repeats_from) % span
    after = min(bisect_left(cycles, position, key=lambda cycle: cycle.start), len(cycles) - 1)
    if after == 0:
        return cycles[0] if program.starts_full else _before(cycles[0], position)
    low, high = cycles[after - 1], cycles[after]
    fraction = (position - low.start) / max(1.0, high.start - low.start)
    chosen = high if rng.random() < fraction else low
    if high.measured and not low.measured:
        return high
    if high.measured and not _on_its_way(cycles, after):
        return chosen
    live = low.live + fraction * (high.live - low.live)
    return replace(chosen, live=max(live, min(low.live, high.live)))


def _before(first: ObservedCycle, position: float) -> ObservedCycle:
    """As the first cycle, with the live heap on its way from nothing."""
    return replace(first, live=max(1.0, first.live * min(1.0, position / first.start)))


def _on_its_way(cycles: tuple[ObservedCycle, ...], after: int) -> bool:
    """The live heap goes one way over the four cycles around, and far."""
    lives = [cycle.live for cycle in cycles[max(0, after - 2) : after + 2]]
    steps = [second - first for first, second in pairwise(lives)]
    one_way = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    return one_way and len(steps) > 1 and abs(lives[-1] - lives[0]) > MOVING_LIVE_HEAP * min(lives)
