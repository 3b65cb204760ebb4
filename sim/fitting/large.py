"""Single large allocations, which take a heap beyond its goal before a cycle can begin.

Such an object is larger than what the heap is beyond its goal, and no larger than all that was
allocated since the cycle before.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.fitting.observe import Floats, Observed
from sim.replay.program import LargeObject, ObservedCycle
from sim.replay.setting import Setting
from sim.units import Bytes, Fraction, MiB

LEAST_GOAL: Final = 4 * MiB / 100
"""Smallest heap goal per percent of GOGC (runtime/mgcpacer.go: defaultHeapMinimum)."""
SURELY_BEYOND: Final = 1.5 * MiB
"""Bytes by which a heap is surely beyond its goal: the rounding of goal and heap."""
BEYOND_SHARE: Final[Fraction] = 0.05
"""The same, of the goal. A judgement, above what a stop and a last allocation add; smaller takes an
ordinary overrun for a jump."""
LARGE_JUMPS_SHARE: Final[Fraction] = 0.2
"""Share of the cycles that begin beyond their goals, from which on large allocations are why; rarer
jumps are scatter. A judgement; moves peak heap and triggers of programs with large objects."""
_MOSTLY: Final[Fraction] = 0.5
"""Share of the jumps that would show if each cycle began with one as large as all its growth, from
which on those too small to show are taken for granted. A majority; moves cycles of jobs that grow
from nothing."""


_SERIES: Final = 3
"""Cycles in a row that began at or beyond their goals, from which on one that surely did is no
scatter: a buffer that doubles as it is filled. A judgement, the least that is more than a pair;
moves cycles of jobs that read a file whole."""
_LEAST_BALLAST: Final = 16 * MiB
"""Bytes of one object that come first and stay, from which on it may be a ballast. A judgement;
only words depend on it."""


def ballast_perhaps(large: Sequence[LargeObject], first: ObservedCycle, held: float) -> Bytes:
    """Most of what is always alive came as one object before the first cycle; 0 where it did not.

    A ballast comes so, and buffers do: which of both it is, no line tells.
    """
    if not large or large[0].end > first.end:
        return 0
    size = large[0].end - large[0].latest
    return round(size) if max(_LEAST_BALLAST, _MOSTLY * held) <= size <= held + MiB else 0


class Jumps(NamedTuple):
    """An entry per cycle: whether a large object began it, and its least part of the growth."""

    found: NDArray[np.bool_]
    least: Floats

    def at(self, places: NDArray[np.intp]) -> Jumps:
        """Some of the cycles, or some of them again."""
        return Jumps(self.found[places], self.least[places])

    def share(self, seen: Observed) -> Fraction:
        """Of all that is allocated, by objects as large as they may be."""
        since = seen.allocated - seen.black
        return float(since[self.found].sum() / seen.allocated.sum())

    def objects(self, seen: Observed, positions: Floats) -> tuple[LargeObject, ...]:
        """Where they are allocated; `positions` are those of the ends of cycles."""
        ends, since = positions - seen.black, seen.allocated - seen.black
        rows = np.column_stack([ends - since, ends - self.least * since, ends])[self.found]
        return tuple(LargeObject(*row) for row in rows.tolist())


def no_jumps(seen: Observed) -> Jumps:
    """None, as where no line shows where cycles began."""
    return Jumps(np.zeros(len(seen.at), dtype=bool), np.zeros(len(seen.at)))


def jumps(seen: Observed, logged: Setting) -> Jumps:
    """Cycles that began beyond their goals.

    Where most heaps that are large enough to show it pass their goals so, the small ones that no
    cycle began in time for do as well. Where it is rare, heaps of more than twice their goal were
    taken there by an object, such as a buffer or a ballast at the start, and those of a series, by
    a buffer that doubles. Under a limit nothing of it shows.
    """
    found, least = no_jumps(seen)
    if logged.gogc is None or logged.memory_limit is not None:
        return Jumps(found, least)
    before, start = np.concatenate([[0.0], seen.marked[:-1]]), seen.start
    goal = np.maximum(before + (before + seen.roots) * logged.gogc / 100, LEAST_GOAL * logged.gogc)
    goal[0] = LEAST_GOAL * logged.gogc
    beyond, shows = start - goal, SURELY_BEYOND + BEYOND_SHARE * goal
    surely = beyond > shows
    perhaps = (start > seen.goal) & (beyond > -MiB)
    found = ((beyond > goal) | _in_series(perhaps, surely)) & ~seen.forced
    if surely[1:].any() and surely[1:].mean() >= LARGE_JUMPS_SHARE:
        would_show = np.clip(1 - shows / np.maximum(start - before, 1.0), 0.0, 1.0).sum()
        usual = surely.sum() > _MOSTLY * would_show
        found = (surely | (usual & perhaps)) & ~seen.forced
    least = np.clip(beyond / np.maximum(start - before, 1.0), 0.0, 1.0)
    return Jumps(found, least)


def _in_series(perhaps: NDArray[np.bool_], surely: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cycles in a row that may all have begun beyond their goals, one of which surely did."""
    found = np.zeros(len(perhaps), dtype=bool)
    for beyond, places in groupby(range(len(perhaps)), key=lambda place: bool(perhaps[place])):
        row = list(places)
        found[row] = beyond and len(row) >= _SERIES and bool(surely[row].any())
    return found
