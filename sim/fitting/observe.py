"""From the rounded figures of gctrace lines to quantities of the program.

Of a heap of which MiB are printed, half a MiB more is the best guess; `heap_marked` is known better
than that, because the next line prints the goal, which is a known multiple of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.formats.gctrace import GCTraceLine
from sim.units import Fraction, KiB, MiB

Floats: TypeAlias = NDArray[np.float64]

_HALF: Final = MiB / 2
_LEAST_ALLOCATED: Final = 64 * KiB
_SMALLEST_LIVE: Final = MiB / 4
_LEAST_PROGRAM: Final = 0.02
"""Share of the Ps that is left to the program in any case."""
_UNSEEN_GROWTH: Final = MiB / 4
"""What the heap may have grown while it was marked without any figure in MiB showing it."""
_UNKNOWN_ROOTS: Final = 0.3 * MiB
"""Stacks and globals of a small program, of which gctrace prints 0 MB."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One entry per cycle; sizes in bytes, times in ns."""

    procs: int
    roots: float
    start: Floats
    end: Floats
    marked: Floats
    goal: Floats
    at: Floats
    duration: Floats
    assist: Floats
    background: Floats
    idle: Floats
    forced: NDArray[np.bool_]
    allocated: Floats
    """Bytes allocated from the end of the cycle before to the end of this one."""
    black: Floats
    """Of these, while the heap was marked."""
    live: Floats
    """What was reachable at the start: what was marked, less what was born black."""
    program_cpu: Floats
    """CPU-ns left to the program while marking, idle Ps marking."""
    grown_marking: Floats
    """By how much the heap grew while it was marked."""

    @property
    def mark_cpu(self) -> Floats:
        """CPU-ns of marking, whoever did it."""
        return self.assist + self.background + self.idle


def observe(
    lines: tuple[GCTraceLine, ...], gogc: int | None, span_overhead: Fraction, measured: slice
) -> Observed:
    """What the lines of one process, run at `gogc` (None: off), say about it.

    What the heap grew while it was marked is smoothed over the measured cycles as far as rounding
    explains its scatter.
    """

    def column(name: str) -> Floats:
        return np.array([getattr(line, name) for line in lines], dtype=float)

    start, end = column("heap_start") + _HALF, column("heap_end") + _HALF
    procs = lines[-1].procs
    duration = np.maximum(column("concurrent_mark"), 1000.0)
    marking = column("cpu_assist") + column("cpu_background") + column("cpu_idle")
    program_cpu = np.maximum(procs * duration - marking, _LEAST_PROGRAM * procs * duration)
    grown_marking = end - start
    grown_marking[measured] = smoothed(grown_marking[measured], program_cpu[measured])
    roots = _roots(lines)
    marked = _marked(column("heap_marked"), column("heap_goal"), roots, gogc)
    grown = np.maximum(end - np.concatenate([[0.0], marked[:-1]]), 0.0)
    allocated = np.maximum(grown - span_overhead * end, np.maximum(0.1 * grown, _LEAST_ALLOCATED))
    black = grown_marking * allocated / np.maximum(grown, 1.0)
    return Observed(
        procs=procs,
        roots=roots,
        start=start,
        end=end,
        marked=marked,
        goal=column("heap_goal"),
        at=np.maximum.accumulate(column("at")),
        duration=duration,
        assist=column("cpu_assist"),
        background=column("cpu_background"),
        idle=column("cpu_idle"),
        forced=np.array([line.forced for line in lines], dtype=bool),
        allocated=allocated,
        black=black,
        live=np.maximum(marked - black, _SMALLEST_LIVE),
        program_cpu=program_cpu,
        grown_marking=grown_marking,
    )


def smoothed(grown: Floats, cpu: Floats) -> Floats:
    """Growth while marking, cycle by cycle, the scatter that rounding explains taken out.

    What is left keeps its mean; growth is proportional to the CPU time of the program otherwise.
    """
    mean = max(float(grown.sum()), _UNSEEN_GROWTH) / float(cpu.sum())
    rest = grown - mean * cpu
    noise = _rounding_variance(mean * cpu) * (1 + 2 * math.sqrt(2 / len(grown)))
    real = math.sqrt(max(0.0, 1 - noise / max(float(rest.var()), 1.0)))
    found = np.maximum(mean * cpu + real * rest, 0.2 * mean * cpu)
    smooth: Floats = found * mean * float(cpu.sum()) / float(found.sum())
    return smooth


def _rounding_variance(difference: Floats) -> float:
    """Of differences between two figures that are both rounded down to MiB, at random phase."""
    part = difference / MiB % 1.0
    return float((part * (1 - part)).mean()) * MiB * MiB


def _roots(lines: tuple[GCTraceLine, ...]) -> float:
    printed = [(line.stacks or 0) + (line.globals or 0) for line in lines]
    mean = sum(printed) / len(printed)
    return mean + MiB if mean else _UNKNOWN_ROOTS


def _marked(printed: Floats, goal: Floats, roots: float, gogc: int | None) -> Floats:
    """Middle of what the printed figure and the goal of the next cycle leave possible."""
    low, high = printed.copy(), printed + MiB
    if gogc is None:
        return (low + high) / 2
    factor = 1 + gogc / 100
    next_goal = np.concatenate([goal[1:], [0.0]])
    from_goal_low = (next_goal - roots * gogc / 100) / factor
    from_goal_high = (next_goal + MiB - roots * gogc / 100) / factor
    better_low, better_high = np.maximum(low, from_goal_low), np.minimum(high, from_goal_high)
    usable = better_low < better_high
    low[usable], high[usable] = better_low[usable], better_high[usable]
    middle: Floats = (low + high) / 2
    return middle


_LARGE_ENOUGH: Final = 8 * MiB
_ENOUGH_CYCLES: Final = 3
_USUAL: Final = (25, 50, 75, 100, 150, 200, 300, 400, 500, 600, 800, 1000)
_NEAR: Final = 0.06


def guess_gogc(lines: tuple[GCTraceLine, ...]) -> int | None:
    """GOGC from the ratio of goals to marked heaps; None where too few heaps are large enough."""
    percents = [
        100 * (line.heap_goal - last.heap_marked) / (last.heap_marked + _HALF)
        for last, line in pairwise(lines)
        if last.heap_marked >= _LARGE_ENOUGH
    ]
    if len(percents) < _ENOUGH_CYCLES:
        return None
    guess = float(np.median(percents))
    usual = min(_USUAL, key=lambda percent: abs(percent - guess))
    return usual if abs(usual - guess) < _NEAR * usual else round(guess)
