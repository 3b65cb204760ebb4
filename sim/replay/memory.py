"""Memory beside the heap: what counts against GOMEMLIMIT, and what the process occupies.

Source: runtime/mgcpacer.go, memoryLimitHeapGoal: mapped memory less free pages less heap objects.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sim.units import Bytes, Fraction, MiB

LARGE_PROGRAM: Final[Bytes] = 16 * MiB
"""Of a program with so much in memory, all of `Overheads.libraries` counts."""
_TOUCHED: Final[Fraction] = 0.5
"""Of `Overheads.libraries`: buckets and free slots are written to here and there."""


@dataclass(frozen=True, slots=True)
class Overheads:
    """Memory beside the heap: parts that do not grow with it, and a share of it.

    With C memory of the Go runtime beside a heap H, L what libraries add, and R what is resident:
    C = fixed + L + share * H, R = program + fixed - untouched + L / 2 + (1 + share - unused) * H.
    """

    fixed: Bytes = 5 * MiB
    """Metadata of the collector (3.5 MiB), tables of the runtime, mcaches, a few stacks: all there
    is in a program of the standard library alone."""
    libraries: Bytes = 4 * MiB
    """More in a large program: the hash table of heap profiles (1.4 MiB, which the linker leaves
    out where nothing asks for profiles), stacks of 100 to 200 goroutines (1.5 MiB), tables, spans
    of kinds that are seldom allocated. Published metrics of eleven services have 6 to 11 MiB of
    all that does not grow with the heap (tests/fitting/test_non_heap.py)."""
    share: Fraction = 0.06
    """Of a heap of small objects: 160 B of mspan per page of 8 KiB, tails, headers and bitmaps
    inside spans, mark bitmaps, slots still free. A heap of large objects has next to nothing."""
    unused: Fraction = 0.03
    """Of the share: slots still free. They count against the limit, but the heap at its peak has
    them already: a span counts as full as soon as a P caches it (runtime/mcache.go, refill)."""
    untouched: Bytes = 3 * MiB
    """Of the fixed part: tables that are mapped whole and written to here and there."""
    program: Bytes = LARGE_PROGRAM
    """The program's file and memory of C libraries: resident, but unknown to the Go runtime."""
    ballast: Bytes = 0
    """Of the heap, what the program allocated and never touches: no page of it is resident."""
    run: float = 1.0
    """By what factor resident memory of the run is another than that of such runs."""
    measured: bool = False
    """Fixed part and share were measured in this process, not assumed."""

    def with_goal(self, goal: Bytes, headroom: Bytes, limit: Bytes) -> Overheads:
        """Such that a limit leaves this goal, and the headroom that Go keeps free."""
        heap = goal + headroom
        fixed = max(0, round(limit - heap - self.share * heap))
        untouched = min(fixed, self.untouched)
        return replace(self, fixed=fixed, libraries=0, untouched=untouched, measured=True)

    @property
    def before_sweeping(self) -> Overheads:
        """Until the first cycle ends no object has died in its span: there are no free slots."""
        return replace(self, share=max(0.0, self.share - self.unused), unused=0.0)

    @property
    def constant(self) -> float:
        """Bytes that count against a limit and do not grow with the heap."""
        return self.fixed + self.libraries * min(1.0, self.program / LARGE_PROGRAM)

    def at(self, heap: float) -> Bytes:
        """Bytes beside a heap of that size that count against a limit."""
        return int(self.constant + self.share * heap)

    def within(self, limit: Bytes) -> Bytes:
        """The same when heap and overheads together fill the limit."""
        return self.at(max(0.0, (limit - self.constant) / (1 + self.share)))

    def resident(self, peak_heap: float) -> Bytes:
        """Resident memory of the process at the peak."""
        return int(self.run * (self.program + self.runtime_resident(peak_heap)))

    def runtime_resident(self, peak_heap: float) -> float:
        """What of it the Go runtime knows of."""
        of_libraries = _TOUCHED * (self.constant - self.fixed)
        return of_libraries + self._whatever_the_program(peak_heap)

    def of_program(self, resident: Bytes, peak_heap: float) -> float:
        """What the program itself has, where so much is resident in all."""
        rest = resident - self._whatever_the_program(peak_heap)
        touched = _TOUCHED * self.libraries
        return max(rest - touched, rest / (1 + touched / LARGE_PROGRAM))

    def _whatever_the_program(self, peak_heap: float) -> float:
        of_the_heap = 1 + max(0.0, self.share - self.unused)
        touched = max(0.0, peak_heap - self.ballast)
        return max(0.0, self.fixed - self.untouched) + of_the_heap * touched
