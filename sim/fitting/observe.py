"""From the rounded figures of gctrace lines to quantities of the program.

Of a heap of which MiB are printed, half a MiB more is the best guess; `heap_marked` is known better
than that, because the next line prints the goal, which is a known multiple of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.fitting.non_heap import SPAN_OVERHEAD, smallness
from sim.formats.gctrace import GCTraceLine
from sim.go.pacer.go127 import DEFAULT_HEAP_MINIMUM
from sim.replay.program import Load
from sim.units import Fraction, KiB, MiB

Floats: TypeAlias = NDArray[np.float64]

_MEAN_ROUNDING: Final = MiB / 2
"""Bytes: what rounding down to MiB hides on average."""
_LEAST_ALLOCATED: Final = 64 * KiB
"""Bytes of a cycle, so that rates stay above 0."""
_SMALLEST_LIVE: Final = MiB / 4
"""Bytes alive of which gctrace prints 0 MB: a quarter of what it rounds to. Chosen in the middle of
what rounds to 0; moves cycles of programs that keep next to nothing."""
_LEAST_PROGRAM: Final = 0.02
"""Share of the Ps that is left to the program in any case. A bound, so that no rate is infinite;
matters where marking takes all Ps."""
_LEAST_GROWTH: Final = KiB
"""Bytes of a mark phase, so that rates stay above 0."""
_ROUNDING: Final = MiB / math.sqrt(6)
"""Standard deviation of a difference between two figures that are rounded down to MiB."""
_BURSTS: Final = 0.5
"""Standard deviation of how fast a program allocates while marking, relative to otherwise: the
prior of a mean weighted by precision, where a figure in whole MiB says little. A judgement; larger
trusts rounded figures more and moves peaks of small heaps."""
_MOST_BLACK: Final = 0.9
"""Of what is allocated in a cycle, what may be allocated while marking. A bound below 1, so that
something is left to start the cycle by; matters to programs that mark all the time."""
_UNKNOWN_ROOTS: Final = 0.3 * MiB
"""Bytes of stacks and globals of a small program, of which gctrace prints 0 MB. A judgement, within
what rounds to 0; moves goals of heaps of a few MiB."""
_ROOTS_SPREAD: Final = 0.4 * MiB
"""Standard deviation of the same: two figures that are rounded down."""
_UNIFORM: Final = MiB**2 / 12
"""Variance of what rounding down to MiB leaves off."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One entry per cycle; sizes in bytes, times in ns."""

    procs: int
    roots: float
    mark_cost: float
    """CPU-ns of marking per live byte, on average."""
    span_overhead: Fraction
    """Of the heap, what holds no object: tails, headers and bitmaps of spans."""
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

    def at_places(self, places: NDArray[np.intp]) -> Observed:
        """Some of the cycles, or some of them again."""
        columns = {
            field.name: getattr(self, field.name)[places]
            for field in fields(self)
            if isinstance(getattr(self, field.name), np.ndarray)
        }
        return replace(self, **columns)


def observe(
    lines: tuple[GCTraceLine, ...], gogc: int | None, load: Load, measured: slice
) -> Observed:
    """What the lines of one process, run at `gogc` (None: off), say about it.

    What the heap grew while it was marked is smoothed over the measured cycles as far as rounding
    explains its scatter, and where rounding hides it, it is what the program allocates otherwise.
    """

    def column(name: str) -> Floats:
        return np.array([getattr(line, name) for line in lines], dtype=float)

    start, end = column("heap_start") + _MEAN_ROUNDING, column("heap_end") + _MEAN_ROUNDING
    procs = lines[-1].procs
    at = np.maximum.accumulate(column("at"))
    duration = np.maximum(column("concurrent_mark"), 1000.0)
    marking = column("cpu_assist") + column("cpu_background") + column("cpu_idle")
    program_cpu = np.maximum(procs * duration - marking, _LEAST_PROGRAM * procs * duration)
    roots = _roots(lines, gogc)
    marked = _marked(column("heap_marked"), column("heap_goal"), roots, gogc)
    last_marked = np.concatenate([[0.0], marked[:-1]])
    rate = _rate_between(start - last_marked, at, duration, measured)
    usual = rate * (duration if load is Load.WAITING else program_cpu / procs)
    grown_marking = end - start
    grown_marking[measured] = smoothed(
        grown_marking[measured],
        program_cpu[measured],
        float(usual[measured].mean()),
        _phases(start[measured]),
    )
    grown = np.maximum(end - last_marked, 0.0)
    growing = np.clip(grown_marking / np.maximum(grown, 1.0), 0.0, _MOST_BLACK)
    live = np.maximum(marked - grown_marking, _SMALLEST_LIVE)
    mark_cost = float(marking[measured].mean() / live[measured].mean())
    span_overhead = SPAN_OVERHEAD * smallness(mark_cost)
    allocated = np.maximum(grown - span_overhead * end, np.maximum(0.1 * grown, _LEAST_ALLOCATED))
    black = growing * allocated
    return Observed(
        procs=procs,
        roots=roots,
        mark_cost=mark_cost,
        span_overhead=span_overhead,
        start=start,
        end=end,
        marked=marked,
        goal=column("heap_goal"),
        at=at,
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


def _rate_between(grown: Floats, at: Floats, duration: Floats, measured: slice) -> float:
    """Bytes per ns by which the heap grows between mark phases; 0 where there is none between."""
    inside = slice(measured.start + 1, measured.stop)
    before = slice(measured.start, measured.stop - 1)
    time = at[inside] - at[before] - duration[before]
    return max(0.0, float(grown[inside].sum())) / max(1.0, float(time.sum()))


def _phases(start: Floats) -> float:
    """How many cycles began at heaps that are independent of each other within their MiB.

    A heap that is as small as Go lets it be begins every cycle at the same size.
    """
    return 1.0 + float((np.diff(start) != 0).sum())


def smoothed(grown: Floats, cpu: Floats, usual: float, phases: float) -> Floats:
    """Growth while marking, cycle by cycle, the scatter that rounding explains taken out.

    What is left keeps its mean; growth is proportional to the CPU time of the program otherwise.
    The mean is the one observed, as far as so many independent roundings allow, or else `usual`.
    """
    mean = _mean_growth(float(grown.mean()), usual, phases) * len(cpu) / float(cpu.sum())
    rest = grown - grown.mean() / cpu.mean() * cpu
    noise = _rounding_variance(mean * cpu) * (1 + 2 * math.sqrt(2 / len(grown)))
    real = math.sqrt(max(0.0, 1 - noise / max(float(rest.var()), 1.0)))
    found = np.maximum(mean * cpu + real * rest, 0.2 * mean * cpu)
    smooth: Floats = found * mean * float(cpu.sum()) / float(found.sum())
    return smooth


def _mean_growth(observed: float, usual: float, phases: float) -> float:
    """What was observed and what is usual, weighted by their certainty."""
    if usual <= 0:
        return max(observed, float(_LEAST_GROWTH))
    precision, usual_precision = phases / _ROUNDING**2, 1 / (_BURSTS * usual) ** 2
    mean = (observed * precision + usual * usual_precision) / (precision + usual_precision)
    return max(mean, float(_LEAST_GROWTH))


def _rounding_variance(difference: Floats) -> float:
    """Of differences between two figures that are both rounded down to MiB, at random phase."""
    part = difference / MiB % 1.0
    return float((part * (1 - part)).mean()) * MiB * MiB


def _roots(lines: tuple[GCTraceLine, ...], gogc: int | None) -> float:
    """Bytes of stacks and globals, as printed and as goals leave them possible.

    Every goal is a multiple of what was marked and of these (runtime/mgcpacer.go: commit); figures
    are rounded down, and tell them the better the more cycles there are. A heap that outgrew its
    goal prints its own size as one.
    """
    printed = np.array([(line.stacks or 0) + (line.globals or 0) for line in lines], dtype=float)
    assumed = float(printed.mean()) + (MiB if printed.any() else _UNKNOWN_ROOTS)
    if not gogc or lines[0].stacks is None:  # under GOGC=0 goals do not depend on them
        return assumed
    share = gogc / 100
    marked = np.array([line.heap_marked for line in lines[:-1]], dtype=float)
    goal = np.array([line.heap_goal for line in lines[1:]], dtype=float)
    told = (goal - marked - marked * share - _MEAN_ROUNDING * share) / share
    rounding = _MEAN_ROUNDING * (2 + share) / share
    start = np.array([line.heap_start for line in lines[1:]], dtype=float)
    following = (np.diff([line.number for line in lines]) == 1) & (start < goal)
    off = told - printed[1:]
    usable = following & (goal >= DEFAULT_HEAP_MINIMUM * share + MiB)
    usable &= (off > -rounding) & (off < rounding + 2 * MiB)
    variance = (1 + (1 + share) ** 2) / share**2 * _UNIFORM
    precision = usable.sum() / variance
    prior = 1 / _ROOTS_SPREAD**2
    told_mean = float(told[usable].mean()) if usable.any() else assumed
    return max(0.0, float((told_mean * precision + assumed * prior) / (precision + prior)))


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
