"""The course of a log: start-up, then a live heap that holds or grows.

Heaps are followed by medians over stretches of the log, which single bursts do not move.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.fitting.observe import Floats, Observed
from sim.units import SECOND, Bytes, Fraction, MiB, Nanoseconds, format_bytes, format_duration

FEW_CYCLES: Final = 10
"""Cycles; with fewer, nothing is said of trends, and the log warns. A judgement; only words depend
on it."""
STARTED: Final[Fraction] = 0.75
"""Of the usual live heap; a program that has so much alive for the first time has started. A
judgement; smaller counts more of the start as service."""
NOTICEABLE: Final[Fraction] = 0.3
"""By which the live heap, or the rate of allocation, of the last third is another than that of the
first third after the start, where it grows, or load changes. A judgement; only words depend on
it."""


GROWS_ON: Final = 2.0
"""Ratio of how fast the live heap grows in a start-up and after it, up to which it is no start-up.
A judgement, between a leak, which has 1, and services, whose caches fill slowly; only words depend
on it."""


@dataclass(frozen=True, slots=True)
class Phases:
    """Start-up and the rest of the measured part."""

    starting: int
    """Cycles of the start-up."""
    startup: Nanoseconds
    after: int
    """Cycles after the start-up."""
    live: Bytes
    """Median live heap after the start."""
    growth: Fraction
    """Of the live heap from the first to the last third after the start; 0 where it holds."""
    rate_change: Fraction
    """The same of the rate of allocation."""

    @property
    def holds(self) -> bool:
        """After the start the live heap stays what it is, as that of a service does."""
        return self.growth == 0

    def sentences(self) -> list[str]:
        """The course in words."""
        held = f"holds a live heap of {format_bytes(self.live)}"
        if not self.holds:
            word = "grows" if self.growth > 0 else "shrinks"
            part = f"{abs(self.growth):.0%} from the first to the last third"
            held = f"its live heap {word} by {part}"
        if self.starting:
            held = self._started(held)
        lines = [f"the program {held}" if self.holds or self.starting else held]
        if self.rate_change:
            word = "rises" if self.rate_change > 0 else "falls"
            part = f"{abs(self.rate_change):.0%} from the first to the last third of the log"
            lines.append(f"its rate of allocation {word} by {part}")
        return lines

    def _started(self, held: str) -> str:
        """The same after the start-up, or growth, if it is most of the log."""
        time = format_duration(self.startup)
        if self.after < min(self.starting, FEW_CYCLES // 2):
            cycles = f"{self.starting} of {self.starting + self.after} cycles"
            last = f"the last {self.after} have" if self.after > 1 else "the last one has"
            live = format_bytes(self.live)
            return f"starts up, or grows, for {time} in {cycles}; {last} a live heap of {live}"
        cycles = f"{self.starting} cycle{'s' if self.starting > 1 else ''}"
        return f"starts up for {time} in {cycles}, then {held}"


def phases(seen: Observed, measured: slice) -> Phases:
    """Where the start of a program ends, and what comes then."""
    live = seen.live[measured]
    usual = float(np.median(live[len(live) // 2 :]))
    starting = int(np.argmax(live >= STARTED * usual)) if len(live) > 1 else 0
    ends = (seen.at + seen.duration)[measured]
    first = float(ends[0]) if measured.start else 0.0
    if starting and _goes_on(live[starting:], ends[starting:], live[starting], first):
        starting = 0
    rest = live[starting:]
    rates = _rates(seen.allocated[measured][starting:], ends[starting:])
    return Phases(
        starting=starting,
        startup=round(float(ends[starting]) - first) if starting else 0,
        after=len(rest),
        live=round(float(np.median(rest))),
        growth=_change(rest, float(MiB)),
        rate_change=_change(rates, MiB / SECOND),
    )


def _goes_on(live: Floats, ends: Floats, begun: float, first: float) -> bool:
    """The live heap grows as fast afterwards, within `GROWS_ON`, as it did to where it begins."""
    if _change(live, float(MiB)) <= 0:
        return False
    rate = begun / max(float(ends[0]) - first, 1.0)
    return float(live[-1] - live[0]) * GROWS_ON > rate * float(ends[-1] - ends[0])


def _rates(allocated: Floats, ends: Floats) -> Floats:
    return allocated[1:] / np.maximum(np.diff(ends), 1.0)


def _change(values: Floats, least: float) -> Fraction:
    """From the median of the first third to that of the last; 0 where it is too small to tell."""
    if len(values) < FEW_CYCLES // 2:
        return 0.0
    thirds = np.array_split(values, 3)
    before, after = (max(float(np.median(third)), least / 4) for third in (thirds[0], thirds[-1]))
    change = after / before - 1
    return change if abs(change) > NOTICEABLE and abs(after - before) > least else 0.0
