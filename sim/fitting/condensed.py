"""The cycles of a log that are replayed: all of them, or stretches that stand for a long one."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.fitting.observe import Observed
from sim.units import Fraction

LONGEST: Final = 1000
"""Cycles of a log that is replayed as a whole. A judgement: a prediction takes some ten seconds."""
STRETCHES: Final = 20
"""Stretches that stand for a longer one. A judgement: so many show its course."""
IN_A_STRETCH: Final = 10
"""Cycles. A judgement: more than fall into one cycle under another usual GOGC; moves scatter and
time of predictions from long logs."""
SETTLING: Final = 10
"""Cycles like its first one, before a log that does not begin with its program. A judgement: the
pacer averages over four cycles and less; fewer moves triggers of the first cycles."""


class Kept(NamedTuple):
    """Which cycles are replayed."""

    places: NDArray[np.intp]
    """Among all, in the order in which they are replayed."""
    measured: slice
    """Of these, those that are asked about."""
    starts_full: bool
    """What comes first stands for a heap that was there before."""
    stands_for: Fraction
    """Measured cycles of the log to one that is replayed."""

    def of(self, seen: Observed) -> Observed:
        """These cycles, each as long after the one before as it was."""
        part = seen.at_places(self.places)
        since = np.diff(seen.at, prepend=0.0)[self.places]
        since[0] = part.at[0]
        part.at[:] = np.cumsum(since)
        if self.starts_full:
            part.allocated[0] = part.end[0]
            part.forced[: 1 + SETTLING] = False
        return part

    def sentences(self) -> list[str]:
        """That not all of the log is replayed, where that is so."""
        if self.stands_for == 1.0:
            return []
        replayed = self.measured.stop - self.measured.start
        all_of_them = f"{replayed * self.stands_for:,.0f} cycles"
        return [
            f"{replayed} of {all_of_them}, from all over the log, are replayed and stand for it"
        ]


def kept(seen: Observed, measured: slice, *, starts_full: bool) -> Kept:
    """All cycles where they are few; else a stretch at the end of each twentieth of the log."""
    first, last = int(measured.start), int(measured.stop)
    inside = np.arange(first, last)
    if last - first > LONGEST:
        inside = _stretches(seen, first, last)
    before, after = np.arange(first), np.arange(last, len(seen.at))
    if first > LONGEST:
        before, starts_full = before[-1:], True
    if starts_full:
        before = np.concatenate([before[:1], np.repeat(before[:1] + 1, SETTLING), before[1:]])
    return Kept(
        np.concatenate([before, inside, after[:LONGEST]]),
        slice(len(before), len(before) + len(inside)),
        starts_full,
        (last - first) / len(inside),
    )


def _stretches(seen: Observed, first: int, last: int) -> NDArray[np.intp]:
    """The largest heap is in one of them."""
    ends = np.linspace(first, last, STRETCHES + 1).round().astype(int)[1:]
    largest = first + int(seen.end[first:last].argmax())
    ends[np.searchsorted(ends, largest, side="right")] = max(largest + 1, first + IN_A_STRETCH)
    return np.concatenate([np.arange(end - IN_A_STRETCH, end) for end in ends])
