"""A fitted program, and what to know before trusting it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.fitting.gctrace_log import GoVersions
from sim.fitting.observe import Observed
from sim.fitting.phases import Phases
from sim.fitting.resident import PROGRAM_SPREAD, LastHeap, Resident
from sim.replay.memory import Overheads
from sim.replay.program import ObservedProgram
from sim.replay.setting import Setting
from sim.units import SECOND, Bytes, Fraction, MiB

if TYPE_CHECKING:
    from sim.fitting.reproduction import Reproduction


@dataclass(frozen=True, slots=True, repr=False)
class Fit:
    """A fitted program and what to know before trusting it."""

    program: ObservedProgram
    overheads: Overheads
    observed: Observed
    """The cycles that are replayed, and those before them."""
    measured: slice
    """Of `observed`: the cycles that are replayed and asked about."""
    course: Phases
    """Start-up, steady part and growth of the whole log."""
    stands_for: Fraction
    """Cycles of the log to one of these; figures that add up are so many times as large."""
    logged: Setting
    sizes: tuple[tuple[Bytes, float], ...]
    """Sizes of live objects and their relative frequency, where something says so."""
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]
    last: LastHeap
    go: GoVersions
    """Whose rules it is predicted by."""
    unsure_cost: float = 0.0
    unsure_live: float = 0.0
    """See GCTraceLog."""
    arrivals: float | None = None
    """Requests per second, where somebody knows them."""
    resident: Resident | None = None
    """Resident memory of the log's run, where somebody looked it up."""
    reproduction: Reproduction | None = None
    """How well its own log comes out again."""
    logs: int = 1
    """Of this program, that were fitted together."""
    steady_from: float | None = None
    """Position from which on a service does the same all the time; None where the log ends."""
    program_spread: float = PROGRAM_SPREAD
    """Of the logarithm of `overheads.program`."""

    @property
    def cycles(self) -> int:
        """Measured cycles of the log."""
        return round(int(self.measured.stop - self.measured.start) * self.stands_for)

    @property
    def program_assumed(self) -> bool:
        """Whether nobody knows how large the program's file is in memory: no RSS, no file."""
        return self.resident is None and self.program_spread == PROGRAM_SPREAD

    def __repr__(self) -> str:
        return (
            f"Fit({self.cycles} cycles, {self.program.load.value}, {live_heap(self) / MiB:.4g} MiB"
            f" live, {self.program.demand * SECOND / MiB:.4g} MiB/s)"
        )


def held(fit: Fit) -> float:
    """Bytes that are alive in every cycle after the start."""
    return float(fit.observed.live[fit.measured][-max(1, _after_start(fit)) :].min())


def _after_start(fit: Fit) -> int:
    """Replayed cycles after the start-up of the program."""
    return round((fit.cycles - fit.course.starting) / fit.stands_for)


def live_heap(fit: Fit) -> Bytes:
    """Mean live heap of the measured part."""
    return round(float(fit.observed.live[fit.measured].mean()))
