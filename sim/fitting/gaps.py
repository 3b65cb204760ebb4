"""Lines that a log lacks: cycles in between, and all that were before it begins.

The numbers of cycles tell how many are missing. They are put in, interpolated between what stands
around them, so that neither the cycles nor what was allocated in them are lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.formats.gctrace import GCTraceLine
from sim.units import Bytes, Fraction, MiB

_AROUND: Final = 5
"""Cycles on either side of a gap by which it is filled, if it is that long. A judgement, few enough
to be of the same load; more blurs a change of load inside a gap."""
_OTHER: Final = 2.0
"""A factor by which cycles differ that no rule makes of each other. A judgement; smaller leaves
gaps unfilled."""
_AMOUNTS: Final = tuple(
    field.name
    for field in fields(GCTraceLine)
    if field.name not in {"number", "at", "percent", "procs", "forced", "leak_check", "five_phases"}
)


class Gap(NamedTuple):
    """Consecutive cycles whose lines are missing, as the numbers of their neighbours tell."""

    number: int
    """Of the first of them, counted as Go counts cycles."""
    cycles: int


@dataclass(frozen=True, slots=True)
class GoalRule:
    """How the goal of a cycle follows from what the one before it left marked, under GOGC alone."""

    share: Fraction
    """GOGC / 100."""
    roots: Bytes
    """Stacks and globals."""

    def goal(self, marked: float) -> float:
        """Of the cycle after one that marked so much (runtime/mgcpacer.go: commit)."""
        return marked + (marked + self.roots) * self.share

    def marked(self, goal: float) -> float:
        """By the cycle before one of such a goal."""
        return max(0.0, (goal - self.roots * self.share) / (1 + self.share))


def gaps(lines: Sequence[GCTraceLine]) -> list[Gap]:
    """Where the numbers of lines in order jump."""
    return [
        Gap(a.number + 1, b.number - a.number - 1)
        for a, b in pairwise(lines)
        if b.number > a.number + 1
    ]


def longest_part(lines: Sequence[GCTraceLine]) -> slice:
    """The lines between gaps that are longer than all there is: those cannot be bridged.

    Of several parts the one with most lines, and of such the last one.
    """
    ends = [
        k
        for k, (a, b) in enumerate(pairwise(lines), start=1)
        if b.number - a.number - 1 > len(lines)
    ]
    parts = [slice(a, b) for a, b in pairwise([0, *ends, len(lines)])]
    return max(reversed(parts), key=lambda part: part.stop - part.start)


def bridged(
    lines: Sequence[GCTraceLine], rule: GoalRule | None
) -> tuple[list[GCTraceLine], list[bool]]:
    """The lines with those between them, and which of them were seen.

    Where a rule ties goals to what was marked, the neighbours of a gap say more than their means.
    """
    found, seen = list(lines[:1]), [True] * len(lines[:1])
    for k, (a, b) in enumerate(pairwise(lines), start=1):
        missing = b.number - a.number - 1
        if missing:
            width = min(missing, _AROUND)
            filling = _between(a, b, lines[max(0, k - width) : k], lines[k : k + width])
            found += filling if rule is None else _by_goals(a, filling, b, rule)
            seen += [False] * missing
        found.append(b)
        seen.append(True)
    return found, seen


def _between(
    a: GCTraceLine, b: GCTraceLine, before: Sequence[GCTraceLine], after: Sequence[GCTraceLine]
) -> list[GCTraceLine]:
    """The cycles between a and b, at even steps in time, from the means around them."""
    count = b.number - a.number - 1
    shares = np.arange(1, count + 1) / (count + 1)
    columns: dict[str, list[Any]] = {
        name: _ramp(_mean(before, name), _mean(after, name), shares) for name in _AMOUNTS
    }
    return [
        replace(
            a,
            number=a.number + 1 + k,
            at=round(a.at + share * (b.at - a.at)),
            forced=False,
            leak_check=False,
            **{name: column[k] for name, column in columns.items()},
        )
        for k, share in enumerate(shares)
    ]


def _by_goals(
    a: GCTraceLine, filling: list[GCTraceLine], b: GCTraceLine, rule: GoalRule
) -> list[GCTraceLine]:
    """The first cycle of a gap with the goal that follows from a, the last one with what b had."""
    first = filling[0]
    scale = rule.goal(a.heap_marked + MiB / 2) / (first.heap_goal + MiB / 2)
    if 1 / _OTHER < scale < _OTHER:
        sizes = {
            name: max(a.heap_marked, round(getattr(first, name) * scale))
            for name in ("heap_start", "heap_end", "heap_goal")
        }
        filling[0] = replace(first, **sizes)
    last = filling[-1]
    marked = round(rule.marked(b.heap_goal + MiB / 2) - MiB / 2)
    if last.heap_marked < _OTHER * marked and marked <= min(last.heap_end, b.heap_start):
        filling[-1] = replace(last, heap_marked=marked)
    return filling


def _mean(lines: Sequence[GCTraceLine], name: str) -> float | None:
    values = [getattr(line, name) for line in lines]
    return None if None in values else sum(values) / len(values)


def _ramp(first: float | None, last: float | None, shares: NDArray[np.float64]) -> list[int | None]:
    if first is None or last is None:
        return [None] * len(shares)
    return [round(value) for value in first + shares * (last - first)]


def cycle_before(lines: Sequence[GCTraceLine], rule: GoalRule | None) -> GCTraceLine:
    """The cycle before the first of some lines, as its goal or else their median tells.

    It began as long before as cycles usually follow each other.
    """
    first = lines[0]
    times = [b.at - a.at for a, b in pairwise(lines)]
    marked = float(np.median([line.heap_marked for line in lines]))
    if rule is not None and first.heap_goal > first.heap_start:
        marked = rule.marked(first.heap_goal + MiB / 2) - MiB / 2
    return replace(
        first,
        number=first.number - 1,
        at=max(0, first.at - int(np.median(times))) if times else first.at,
        heap_marked=max(0, min(round(marked), first.heap_start)),
        forced=False,
    )
