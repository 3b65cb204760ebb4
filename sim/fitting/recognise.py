"""GOGC and GOMEMLIMIT of a log, part by part, from its heap goals.

After each cycle Go sets the next goal (runtime/mgcpacer.go: commit and memoryLimitHeapGoal):
GOGC percent above what was marked, stacks and globals counted since 1.18, never less than 4 MiB
times GOGC/100; under GOMEMLIMIT no more than the limit leaves. A heap that outgrew its goal before
a cycle could start prints its own size as goal, which says only that the goal was not larger. Of
all settings that may be, those are found that explain the goals best with few changes between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.formats.gctrace import GCTraceLine
from sim.units import Bytes, Fraction, MiB

Floats: TypeAlias = NDArray[np.float64]

_LEAST_GOAL: Final = 4 * MiB
"""Bytes of the smallest goal at GOGC=100 (runtime/mgcpacer.go: defaultHeapMinimum)."""
_OFF: Final = float(1 << 50)
"""Goals from which on there is none: GOGC=off prints all that 64 bits hold."""
_PRIORS: Final = {
    0.0: (100,),
    0.3: (50, 200),
    0.5: (25, 75, 150, 300, 400),
    0.7: (500, 600, 800, 1000),
    1.5: (10, 20, 30, 40, 60, 70, 80, 90, 120, 125, 250, 700, 900),
    2.5: (1500, 2000),
}
"""Cost of assuming a GOGC, in cycles that it has to explain: the more, the rarer people choose it.
A judgement; moves only which of several settings that explain a log alike is named."""
_UNUSUAL_GOGC_COST: Final = 3.0
"""The same of any other GOGC."""
_LIMITED: Final = 2.0
"""The same of a limit, beside that of its GOGC."""
_NEAR_LIMIT: Final[Fraction] = 0.04
"""By which goals under a limit vary with the memory beside the heap. A judgement; smaller finds
several limits where there is one."""
_FILLED: Final[Fraction] = 0.5
"""Of what a limit leaves for the heap, what is alive at least where that fills the limit. A
judgement, as other memory may have the rest; smaller takes small heaps for full ones."""
_GATHERED: Final = 5
"""Goals at the least one of a GOGC, from which on it is as likely as the default. A judgement."""
_UNEXPLAINED: Final = 1.0
"""Cost of a cycle whose goal a setting does not explain: the unit of the others."""
_OUTGROWN: Final = 0.25
"""Cost of a cycle of a heap that overgrew its goal, which the setting may still be. Chosen so that
four of them count as one; smaller lets a setting stand on nothing."""
_ANYTHING: Final = 0.35
"""Cost of a cycle where nothing is said of the setting. Chosen so that a setting has to explain two
thirds of its cycles; smaller says nothing more often."""
_CHANGE_COST: Final = 4.0
"""Cost of a change of settings. Chosen so that a setting holds for more cycles than this, or is
chance; smaller finds changes in scatter."""
_FIRST_GOAL_WEIGHT: Final = 3.0
"""Of how many others the first goal of a program is worth: that of an empty heap, which GOGC alone
fixes."""
_FEWEST: Final = 3
"""Goals that a setting is told by. Chosen as the least of which two can outvote one."""
_LAST_TRIGGER: Final[Fraction] = 0.95
"""Share of the way to the goal at which a cycle begins at the latest (runtime/mgcpacer.go:
maxTriggerRatioNum)."""
_SURELY_BEFORE: Final = 1.5 * MiB
"""Bytes; where the rest of the way is more than this, a heap as large as its goal has outgrown it:
the rounding of both."""
_ROUND: Final = tuple(
    size * MiB for size in (1024, 512, 256, 128, 100, 64, 50, 32, 25, 16, 10, 8, 5, 4, 2, 1)
)
"""Bytes that people write limits in, the rounder the earlier."""
_BESIDE: Final[Fraction] = 0.06 + 0.03
"""What a limit leaves free beside a heap of small objects, where nobody measured it, relative to
the heap: metadata and free slots, and the 3 % that Go keeps (runtime/mgcpacer.go:
memoryLimitHeapGoalHeadroomPercent)."""
_BESIDE_ANY: Final = 5 * MiB
"""Bytes that a limit leaves free besides. Chosen as an idle program has; moves what is named."""
_ROUNDED: Final[Fraction] = 0.03
"""Relative distance at which a limit is taken for the round one. Chosen below the distance of
neighbours in `_ROUND`; larger names limits that nobody set."""


class Segment(NamedTuple):
    """Consecutive cycles under one setting."""

    cycles: slice
    gogc: int | None
    """None: off."""
    memory_limit: Bytes | None
    procs: int
    recognised: bool
    """Its goals show it; else GOGC is the default one."""
    how: str
    """What in the log says so, or why nothing does, in words."""
    heap_goal: Bytes | None = None
    """What a limit leaves for the heap, which the log shows; the limit itself is inferred."""


@dataclass(frozen=True, slots=True)
class _Goals:
    """What the goals of cycles follow from: sizes between which they lie, printed in MiB."""

    marked: Floats
    marked_most: Floats
    """After the cycle before; nothing before the first one."""
    roots: Floats
    roots_most: Floats
    """Stacks and globals. Go 1.19 to 1.22 print all stacks, and scan the used part of them."""
    goal: Floats
    weight: Floats
    outgrown: NDArray[np.bool_]
    """The heap was as large as its goal before the cycle could begin."""
    surely: NDArray[np.bool_]
    """Not only for rounding."""
    above_least: Bytes
    """By how much the goal of the smallest heap is larger than the heap that starts its cycle."""


class _Hypothesis(NamedTuple):
    """A setting that may be; `goal` is what a limit leaves for the heap."""

    gogc: int | None
    goal: float | None
    prior: float
    known: bool = True


_UNKNOWN: Final = _Hypothesis(100, None, 1.0, known=False)


def recognise(lines: Sequence[GCTraceLine]) -> list[Segment]:
    """The settings of consecutive lines, in order; together they cover all lines."""
    if not lines:
        return []
    goals = _goals(lines)
    hypotheses = _hypotheses(goals)
    costs = np.array([_costs(one, goals) for one in hypotheses])
    keys = zip(_path(costs, hypotheses), (line.procs for line in lines), strict=True)
    found, start = [], 0
    for (index, procs), group in groupby(keys):
        cycles = slice(start, start := start + len(list(group)))
        exact = int((costs[index][cycles] == 0.0).sum())
        found.append(_segment(cycles, hypotheses[index], exact, procs, lines[cycles]))
    return found


def _goals(lines: Sequence[GCTraceLine]) -> _Goals:
    def column(name: str) -> Floats:
        return np.array([getattr(line, name) or 0 for line in lines], dtype=float)

    def before(values: Floats) -> Floats:
        return np.concatenate([[0.0], values[:-1]])

    from_start = lines[0].number == 1
    printed = lines[0].stacks is not None
    goal, start = column("heap_goal"), column("heap_start")
    marked = before(column("heap_marked"))
    weight = np.ones(len(lines))
    weight[1:] = np.diff(column("number")) == 1  # what was marked before a gap is not known
    weight[0] = _FIRST_GOAL_WEIGHT if from_start else 0.0
    stacks, globals_ = before(column("stacks")), before(column("globals"))
    # Before 1.18 goals were at least a MiB above the heap that began the cycle (startCycle), and
    # the smallest heap was one that triggers, not a goal (gcSetTriggerRatio).
    runway = 0 if printed else MiB
    outgrown = goal <= start + runway
    return _Goals(
        marked=marked,
        marked_most=marked + np.where(np.arange(len(lines)) == 0, 0.0, MiB),
        roots=globals_,
        roots_most=stacks + globals_ + (2 * MiB if printed else 0.0),
        goal=goal,
        weight=weight,
        outgrown=outgrown,
        surely=outgrown & ((1 - _LAST_TRIGGER) * (goal - marked) > _SURELY_BEFORE),
        above_least=runway,
    )


def _hypotheses(goals: _Goals) -> list[_Hypothesis]:
    """Usual settings, those that goals suggest, limits at which goals gather, and none of them."""
    priors = {gogc: prior for prior, usual in _PRIORS.items() for gogc in usual}
    suggested = 100 * (goals.goal - goals.marked) / (goals.marked_most + goals.roots + MiB / 4)
    for percent in _modes(suggested[~goals.outgrown & (goals.weight > 0)], 0.03):
        priors.setdefault(max(1, round(percent)), _UNUSUAL_GOGC_COST)
    usual = [gogc for gogc, prior in priors.items() if prior < _LIMITED and _gathered(gogc, goals)]
    priors.update(dict.fromkeys(usual, 0.0))
    plain = [_Hypothesis(gogc, None, prior) for gogc, prior in priors.items()]
    above = goals.goal[(goals.goal < _OFF) & (goals.goal > goals.marked_most)]
    limits = sorted({*_modes(above, _NEAR_LIMIT), *np.sort(above)[-1:].tolist()})[::-1]
    limited = [
        _Hypothesis(gogc, limit, _LIMITED + prior)
        for limit in limits
        for gogc, prior in ((100, 0.0), (None, 0.2), (200, 0.4), (50, 0.4), (400, 0.5))
    ]
    return [_UNKNOWN, *plain, _Hypothesis(None, None, 0.5), *limited]


def _gathered(gogc: int, goals: _Goals) -> bool:
    """Goals stay at the least one of such a GOGC, as those of a small heap do."""
    beyond = goals.goal - (_LEAST_GOAL * gogc / 100 + goals.above_least)
    return int(((beyond > -MiB) & (beyond <= 0)).sum()) >= _GATHERED


def _modes(values: Floats, width: Fraction) -> list[float]:
    """Where positive values gather, within a factor: at most six medians, fullest first."""
    values = values[values > 0]
    bins = np.round(np.log(values) / width).astype(int)
    kinds, counts = np.unique(bins, return_counts=True)
    fullest = kinds[np.argsort(-counts, kind="stable")][:6]
    return [float(np.median(values[bins == kind])) for kind in fullest]


def _costs(one: _Hypothesis, goals: _Goals) -> Floats:
    """Of each cycle: what it costs to say that its goal follows from a setting."""
    if not one.known:
        return goals.weight * _ANYTHING
    low, high = _by_percent(one.gogc, goals)
    least, most = goals.goal + MiB, goals.goal
    explained = (low < least) & (high >= most)
    if one.goal is not None:
        left, right = one.goal * (1 - _NEAR_LIMIT) - MiB, one.goal * (1 + _NEAR_LIMIT) + MiB
        # A limit that the live heap fills leaves a goal of what is marked.
        filled = (goals.marked < least) & (goals.marked_most + MiB >= most)
        filled &= goals.marked_most >= _FILLED * one.goal
        explained = (np.minimum(low, left) < least) & (np.minimum(high, right) >= most) | filled
        low = np.minimum(low, left)
    outgrown = goals.outgrown & (low <= goals.goal)
    certain = np.where(explained, 0.0, np.where(outgrown, _OUTGROWN, _UNEXPLAINED))
    return np.where(goals.surely & outgrown, _OUTGROWN, certain * goals.weight)


def _by_percent(gogc: int | None, goals: _Goals) -> tuple[Floats, Floats]:
    """Least and largest goals under GOGC alone."""
    if gogc is None:
        return np.full(len(goals.goal), _OFF), np.full(len(goals.goal), np.inf)
    share, least = gogc / 100, _LEAST_GOAL * gogc / 100
    low = np.maximum(goals.marked * (1 + share) + goals.roots * share, least)
    most = least + goals.above_least
    high = np.maximum(goals.marked_most * (1 + share) + goals.roots_most * share, most)
    if goals.weight[0]:
        low[0], high[0] = least, most
    return low, high


def _path(costs: Floats, hypotheses: Sequence[_Hypothesis]) -> list[int]:
    """The cheapest sequence of settings (Viterbi), changes counted."""
    priors = np.array([one.prior for one in hypotheses])
    total, came_from = priors.copy(), []
    for column in costs.T:
        cheapest = int(total.argmin())
        changed = total[cheapest] + _CHANGE_COST + priors
        came_from.append(np.where(changed < total, cheapest, np.arange(len(total))))
        total = np.minimum(total, changed) + column
    path = [int(total.argmin())]
    for origin in reversed(came_from[1:]):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def _segment(
    cycles: slice, one: _Hypothesis, exact: int, procs: int, lines: Sequence[GCTraceLine]
) -> Segment:
    if one.known and one.goal is not None:
        how = f"heap goals stay near {one.goal / MiB:,.0f} MiB, or at what is marked, whatever is"
        how += " alive: a limit leaves no more"
        limit = _limit(one.goal, lines)
        return Segment(
            cycles, one.gogc, limit, procs, recognised=True, how=how, heap_goal=round(one.goal)
        )
    if one.known and (exact >= _FEWEST or (exact > 1 and lines[0].number == 1)):
        least = one.gogc is not None and all(
            line.heap_goal <= _LEAST_GOAL * one.gogc // 100 for line in lines
        )
        how = "the heap is as small as Go lets it be" if least else "heap goals follow it"
        return Segment(cycles, one.gogc, None, procs, recognised=True, how=how)
    how = (
        "too few cycles"
        if len(lines) <= _FEWEST
        else (
            "heaps outgrew their goals before a cycle could begin, as large allocations make them"
            if one.known
            else "heap goals follow from no GOGC and no limit"
        )
    )
    return Segment(cycles, 100, None, procs, recognised=False, how=how)


def _limit(goal: float, lines: Sequence[GCTraceLine]) -> Bytes:
    """A round GOMEMLIMIT that leaves such a goal beside memory that is usual beside a heap."""
    roots = float(np.mean([(line.stacks or 0) + (line.globals or 0) for line in lines]))
    middle = goal * (1 + _BESIDE) + roots + _BESIDE_ANY
    for size in _ROUND:
        if abs((multiple := round(middle / size) * size) / middle - 1) <= _ROUNDED:
            return multiple
    return round(middle)
