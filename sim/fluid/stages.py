"""The stages of goroutines that matter one by one, and what they ask of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from sim.fluid.demand import VisitCompiler
from sim.fluid.retention import Retained
from sim.fluid.sources import VisitSource
from sim.fluid.visit import Visit
from sim.units import Bytes


@dataclass(frozen=True, slots=True)
class Busy:
    """So many visits of each goroutine, on a P; `blocked` visits in between make it a flow."""

    visit: Visit
    times: int


@dataclass(frozen=True, slots=True)
class Asleep:
    """Blocked for so many ns."""

    ns: float


class Collecting:
    """Calls runtime.GC."""


class Settling:
    """Waits for the end of a cycle, if there is one."""


class Joining:
    """Waits for its children."""


Stage: TypeAlias = Busy | Asleep | Collecting | Settling | Joining


class CohortHost(Protocol):
    """What a cohort asks of the run."""

    compiler: VisitCompiler
    retained: list[Retained]

    def start(self, source: VisitSource) -> None:
        """A source begins now."""

    def collect(self) -> int:
        """A cycle is asked for; the number of the one whose end is waited for."""

    def set_gc_percent(self, percent: int) -> None:
        """Another GOGC from now on."""

    def set_memory_limit(self, limit: Bytes) -> None:
        """Another GOMEMLIMIT from now on."""

    def cycle_under_way(self) -> int:
        """The number of the cycle that runs; 0: none does."""

    def expect_visits(self, visit: Visit, members: float, visits: float) -> None:
        """So many goroutines begin so many visits: find out what one costs."""

    def settle(self, source: VisitSource) -> None:
        """Book what a source has done, before it does something else."""

    def until_look(self) -> float:
        """ns until sysmon looks at the Ps, when somebody begins to run."""
