"""The course of a cycle's marking: what is scanned first costs more for each byte of scan work.

Roots come first (globals, then stacks), then large tables of pointers, which workers find in their
object buffers before they look at the queue of spans (runtime/mgcmark.go: gcDrain; mgcwork.go). A
table is little scan work, and every eight bytes of it lead to an object somewhere in the heap.
Spans are scanned first in, first out (runtime/mgcmark_greenteagc.go), so that what is wide is
marked in few rounds, and long lists are what remains.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple

from sim.go.markwork import DRAIN_CHECK

ROOT_BLOCK: Final = 256 << 10  # runtime/mgcmark.go: rootBlockBytes
OBLET: Final = 128 << 10  # runtime/mgcmark.go: maxObletBytes


class MarkStretch(NamedTuple):
    """A part of the work of a cycle that costs the same all along."""

    work: float
    """Scan work, bytes."""
    ns: float
    """CPU time of one marker alone."""
    grain: int = 0
    """Bytes that are scanned in one go, however little a marker wants."""
    at_a_time: float = math.inf
    """How many can mark it at a time: of a list, an object leads to the next one alone."""


class MarkCourse:
    """What a byte of scan work costs, by how many have been taken before."""

    def __init__(self, stretches: Sequence[MarkStretch]) -> None:
        self._stretches: list[MarkStretch] = []
        self._ends: list[float] = []
        """Work that has been taken when each stretch is over."""
        end = work = passed = 0.0
        for stretch in stretches:  # what has no work, or takes no time, goes with the next
            work += stretch.work
            passed += stretch.ns
            if work > 0 and passed > 0:
                end += work
                self._stretches.append(stretch._replace(work=work, ns=passed))
                self._ends.append(end)
                work = passed = 0.0
        if self._stretches:
            last = self._stretches[-1]
            self._stretches[-1] = last._replace(work=last.work + work, ns=last.ns + passed)
            self._ends[-1] += work
        self._rates = [stretch.ns / stretch.work for stretch in self._stretches]
        self._polls = [min(one.grain or DRAIN_CHECK, one.work) for one in self._stretches]
        counts = [
            min(one.work / poll, one.at_a_time)
            for one, poll in zip(self._stretches, self._polls, strict=True)
        ]
        self._pieces_after = [sum(counts[k + 1 :]) for k in range(len(counts))]

    def rate(self, taken: float) -> float:
        """CPU-ns of the next byte."""
        if not self._rates:
            return 1.0
        return self._rates[min(bisect_right(self._ends, taken), len(self._rates) - 1)]

    def grain(self, taken: float) -> int:
        """Bytes of which the next scan consists at least; 0: as few as anybody wants."""
        stretch = self._at(taken)
        return min(stretch.grain, int(self.end(taken) - taken)) if stretch is not None else 0

    def poll(self, taken: float) -> float:
        """Bytes that a worker scans before it looks whether to go on (runtime/mgcmark.go: gcDrain).

        It does so after each root and part of a table, else when it has done so much scan work.
        """
        if not self._polls:
            return DRAIN_CHECK
        return self._polls[min(bisect_right(self._ends, taken), len(self._polls) - 1)]

    def pieces(self, taken: float) -> float:
        """How many can mark what is left at a time, each until it looks whether to go on."""
        which = bisect_right(self._ends, taken)
        if which >= len(self._ends):
            return 1.0
        here = (self._ends[which] - taken) / self._polls[which]
        here = min(max(here, 1.0), self._stretches[which].at_a_time)
        return here + self._pieces_after[which]

    def at_a_time(self, taken: float) -> float:
        """How many can do what comes next at a time."""
        which = bisect_right(self._ends, taken)
        return self._stretches[which].at_a_time if which < len(self._ends) else math.inf

    def next_poll_ns(self, taken: float, markers: float) -> float:
        """CPU-ns of a piece when so many take one each, on average."""
        left, total = markers, 0.0
        for k in range(bisect_right(self._ends, taken), len(self._ends)):
            mine = min((self._ends[k] - taken) / self._polls[k], left)
            total += mine * self._polls[k] * self._rates[k]
            left, taken = left - mine, self._ends[k]
        return total / max(markers - left, 1.0)

    @property
    def poll_ns(self) -> float:
        """CPU-ns between two such looks, on average over the time that marking takes."""
        polls = zip(self._stretches, self._rates, self._polls, strict=True)
        total = sum(stretch.ns for stretch in self._stretches)
        return sum(one.ns * rate * poll for one, rate, poll in polls) / max(total, 1e-9)

    def end(self, taken: float) -> float:
        """Until how much work has been taken a byte costs what the next one does."""
        which = bisect_right(self._ends, taken)
        return self._ends[which] if which < len(self._ends) else taken

    def ns(self, begin: float, end: float) -> float:
        """CPU time of one marker alone for the work between two points."""
        first = total = 0.0
        for stretch, last in zip(self._stretches, self._ends, strict=True):
            mine = min(end, last) - max(begin, first)
            if mine > 0:
                total += mine * stretch.ns / stretch.work
            first = last
        return total

    def _at(self, taken: float) -> MarkStretch | None:
        for stretch, end in zip(self._stretches, self._ends, strict=True):
            if taken < end:
                return stretch
        return self._stretches[-1] if self._stretches else None
