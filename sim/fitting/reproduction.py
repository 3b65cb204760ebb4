"""Does the program of a fit make its own log? What does not come out again is not to be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.fitting.draw import likeliest
from sim.fitting.fit import Fit
from sim.fitting.observe import Floats
from sim.replay.run import ReplayedRun, run
from sim.streams import Streams
from sim.units import Fraction, MiB, format_bytes, format_duration

SEEDS: Final = 3
"""Runs by which a log is reproduced. Chosen as the least of which one can be outvoted; more costs
time in proportion."""
NOTICEABLE: Final[Fraction] = 0.1
"""Of a figure, or of all GC CPU where it is a part of that; less is scatter from run to run. A
judgement; only words depend on it."""
NOTICEABLE_CPU: Final[Fraction] = 0.2
"""The same of CPU times, which differ by more."""
TOO_FAR: Final[Fraction] = 0.3
"""Of cycles, peak or GC CPU; beyond that a recommendation would rest on nothing. Chosen as twice
what is aimed at in nine of ten predictions (`sim.truth.predictions.TARGETS`); decides whether
`tune` recommends."""
MISFIT_TOLERANCE: Final = 0.2
"""Difference of misfits within which none is better. As `NOTICEABLE_CPU`; smaller prefers busy or
waiting by chance."""
SMALL_COUNT: Final = 10
"""Of cycles, or MiB, one more or less is no error below that many."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the log, and what the replay under the log's own setting has."""

    name: str
    logged: float
    replayed: float
    off: Fraction
    """Of the figure; of all GC CPU for its parts, and of the log's time for the pace."""
    noticeable: Fraction

    @property
    def reproduced(self) -> bool:
        """As near as a second run would be."""
        return abs(self.off) <= self.noticeable

    def __str__(self) -> str:
        if self.name == "cycles":
            return f"cycles {self.replayed:.0f} of {self.logged:.0f}"
        if self.name in _SIZES:
            return f"{self.name} {format_bytes(self.replayed)} of {format_bytes(self.logged)}"
        if self.name == "pace":
            return (
                f"half of the allocation is done after {self.replayed:.0%} of the time,"
                f" in the log after {self.logged:.0%}"
            )
        return f"{self.name} {format_duration(self.replayed)} of {format_duration(self.logged)}"


_SIZES: Final = ("peak", "marked heap")


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The log beside its replay."""

    figures: tuple[Compared, ...]

    @property
    def trusted(self) -> bool:
        """Near enough for a recommendation."""
        return not self.far_off

    @property
    def misfit(self) -> float:
        """How far off all figures are together."""
        return sum(abs(figure.off) for figure in self.figures)

    @property
    def far_off(self) -> list[Compared]:
        """Of cycles, peak and GC CPU, those on which no recommendation can rest."""
        main = (figure for figure in self.figures if figure.name in {"cycles", "peak", "GC CPU"})
        return [figure for figure in main if abs(figure.off) > TOO_FAR]

    def off(self, name: str) -> Fraction:
        """By what part a figure is off, if it shows; else 0."""
        return next((f.off for f in self.figures if f.name == name and not f.reproduced), 0.0)

    def summary(self) -> str:
        """The main figures, both values."""
        return "reproduces its log: " + ", ".join(str(figure) for figure in self.figures[:4])

    def doubts(self) -> list[str]:
        """A sentence for all that does not come out again."""
        wrong = [figure for figure in self.figures if not figure.reproduced]
        if not wrong:
            return []
        names = " and ".join(figure.name for figure in wrong)
        shown = ", ".join(map(str, wrong))
        sentence = f"a replay of the log's own setting gives {shown}: do not trust the {names}"
        return [f"{sentence}; intervals are wider by as much"]


def reproduce(fit: Fit) -> Reproduction:
    """Replay the log's own setting, and compare."""
    rng = Streams(0)["ends"]
    runs = [
        run(one.program, fit.logged, seed, one.overheads)
        for seed, one in enumerate(likeliest(fit, SEEDS, rng))
    ]
    seen, measured = fit.observed, fit.measured
    each = fit.stands_for
    cpu = {kind: each * float(getattr(seen, kind)[measured].sum()) for kind in _KINDS}
    total = max(sum(cpu.values()), 1.0)
    positions = np.array([cycle.end for cycle in fit.program.cycles])
    pace = _pace(seen.at[measured], positions[measured])
    replayed_pace = float(np.median([_replayed_pace(one, pace) for one in runs]))
    return Reproduction(
        (
            _counted("cycles", float(fit.cycles), each * _median(runs, "cycles"), 1.0),
            _counted("peak", float(seen.end[measured].max()), _median(runs, "peak"), float(MiB)),
            _counted(
                "marked heap", float(seen.marked[measured].mean()), _median(runs, "marked"), MiB
            ),
            _part("GC CPU", sum(cpu.values()), each * _median(runs, "cpu"), total, NOTICEABLE_CPU),
            *(
                _part(_KINDS[kind], cpu[kind], each * _median(runs, kind), total, NOTICEABLE)
                for kind in (_KINDS if not fit.unsure_cost else ())
            ),
            Compared("pace", pace, replayed_pace, replayed_pace - pace, NOTICEABLE),
        )
    )


_KINDS: Final = {"assist": "assists", "background": "background workers", "idle": "idle workers"}


def _median(runs: Sequence[ReplayedRun], figure: str) -> float:
    return float(np.median([_figure(one, figure) for one in runs]))


def _figure(one: ReplayedRun, figure: str) -> float:
    marks = [cycle.mark for cycle in one.cycles]
    if figure == "cycles":
        return len(marks)
    if figure == "peak":
        return max((cycle.heap_end for cycle in one.cycles), default=one.peak_heap)
    if figure == "marked":
        return float(np.mean([c.heap_marked for c in one.cycles])) if marks else 0.0
    if figure == "cpu":
        return sum(mark.assist + mark.background + mark.idle for mark in marks)
    return float(sum(getattr(mark, figure) for mark in marks))


def _counted(name: str, logged: float, replayed: float, one: float) -> Compared:
    off = replayed / logged - 1 if logged else math.inf
    few = logged < SMALL_COUNT * one and abs(replayed - logged) <= one
    return Compared(name, logged, replayed, 0.0 if few else off, NOTICEABLE)


def _part(
    name: str, logged: float, replayed: float, whole: float, noticeable: Fraction
) -> Compared:
    return Compared(name, logged, replayed, (replayed - logged) / whole, noticeable)


def _pace(at: Floats, position: Floats) -> Fraction:
    """After what part of the time between first and last cycle half of the allocation is done."""
    half = float(np.interp((position[0] + position[-1]) / 2, position, at - at[0]))
    return half / max(float(at[-1] - at[0]), 1.0)


def _replayed_pace(one: ReplayedRun, unknown: Fraction) -> Fraction:
    if len(one.cycles) < SMALL_COUNT:
        return unknown
    return _pace(
        np.array([cycle.at for cycle in one.cycles]),
        np.array([cycle.position for cycle in one.cycles]),
    )
