"""What a mark phase begins with, and how much of it is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sim.fluid.cohorts import Cohort
from sim.fluid.flow import Flow
from sim.fluid.loads import ClosedFlow
from sim.fluid.plan import Plan
from sim.go.assist import OVER_ASSIST_WORK
from sim.go.markcourse import MarkCourse
from sim.go.markwork import FRACTIONAL_SLACK, PIECE_NS
from sim.machine.price import crowded
from sim.runtime.state import GC

PIECES: Final = 8
"""A worker takes at most this part of its share of the work at a time, so that all end together. A
judgement; fewer lengthens the tail of a mark phase."""
FRACTIONAL_USE: Final = (1 + FRACTIONAL_SLACK) / 2
"""Share of their goal that fractional workers use where goroutines change often: they begin below
it and leave at 1.2 of it (runtime/mgcmark.go: pollFractionalWorkerExit). Moves fractional CPU in
proportion."""
MAJORITY: Final = 0.5
"""Share beyond which a kind of goroutine, or a way to trigger, counts as that of all. More than a
half; matters where two are about as frequent."""


@dataclass(slots=True)
class MarkPhaseState:
    """Work is in units of scan work."""

    ps: int
    begun: float
    """When the stop of sweep termination was asked for, ns."""
    by_allocation: bool
    """Whether an allocation triggered the cycle."""
    units: float
    mean: float
    """CPU-ns of one marker alone for a unit, the mean of the phase."""
    course: MarkCourse
    """The same along the phase."""
    globals: float
    """Units of globals, which come first."""
    roots: float
    """Units of globals and of stacks, which come next."""
    crowding: float
    share: float
    """Of the time of a P, what fractional workers may have."""
    max_idle: int
    assigned: float
    """Ps that dedicated workers may have. Written by `MarkingFlow`: they wake up."""
    fractional: float = 0.0
    """Ps of fractional workers at present. Written by `MarkingFlow`."""
    left: float = field(init=False)
    """Units that are not done. Written by `MarkingFlow`."""

    def __post_init__(self) -> None:
        self.left = self.units
        self.fractional = self.share * FRACTIONAL_USE * (self.ps - self.assigned)

    @classmethod
    def of(cls, gc: GC, ps: int) -> MarkPhaseState:
        """The phase that the collector begins."""
        return cls(
            ps=ps,
            begun=gc.cycle.started,
            by_allocation=gc.cycle.reason == "heap",
            units=float(gc.scan_units),
            mean=gc.ns_per_unit,
            course=gc.course,
            globals=float(gc.cycle.scan["globals"]),
            roots=float(gc.scan_units - gc.cycle.scan["heap"]),
            crowding=gc.crowding,
            share=gc.fraction,
            max_idle=gc.max_idle_workers,
            assigned=float(gc.dedicated_needed),
        )

    @property
    def per_unit(self) -> float:
        """CPU-ns of one marker alone for the next unit."""
        return self.course.rate(self._next)

    @property
    def pieces(self) -> float:
        """How many can mark at a time."""
        return self.course.pieces(self._next)

    @property
    def at_a_time(self) -> float:
        """How many can do what comes next at a time."""
        return self.course.at_a_time(self._next)

    @property
    def dedicated(self) -> float:
        """Ps of dedicated workers that find work."""
        return min(self.assigned, self.at_a_time)

    @property
    def poll(self) -> float:
        """Units that a worker does before it looks whether to go on."""
        return self.course.poll(self._next)

    @property
    def first_assist_ns(self) -> float:
        """CPU-ns of an assist that finds globals taken: of a table, a part at least."""
        end = self.globals + OVER_ASSIST_WORK
        if end > self.roots:
            end = max(end, self.roots + self.course.grain(self.roots))
        return self.course.ns(self.globals, end)

    @property
    def same(self) -> float:
        """Units that are left when a unit begins to cost something else."""
        return self.units - self.course.end(self._next)

    @property
    def _next(self) -> float:
        """The middle of the next unit, so that no part of one is a step."""
        return self.units - self.left + 0.5

    @property
    def background(self) -> float:
        """Ps of dedicated and fractional workers."""
        return self.dedicated + self.fractional

    @property
    def piece(self) -> float:
        """Longest pieces of a worker; towards the end they become smaller."""
        most = min(PIECE_NS / self.per_unit, self.left / (PIECES * self.ps))
        return max(most, self.poll)

    @property
    def poll_ns(self) -> float:
        """CPU-ns between two looks of a worker whether to go on, if all Ps take a piece."""
        return max(self.course.next_poll_ns(self._next, self.ps), 1.0)

    @property
    def piece_ns(self) -> float:
        """The same in CPU-ns."""
        return self.piece * self.per_unit

    def unit_ns(self, others: float) -> float:
        """CPU-ns of a unit beside so many others that mark."""
        return self.per_unit * crowded(self.crowding, others)

    def idle_workers(self, ps: float, others: float) -> float:
        """Idle workers on so many Ps, beside so many others; there must be a piece for each."""
        return min(max(ps, 0.0), self.max_idle, max(self.pieces - others, 0.0))

    def timers_unseen(self, flow: Flow, plan: Plan) -> bool:
        """All Ps are taken, and timers start most of what becomes runnable."""
        by_timer = sum(t.speed * t.visit.runs for t in flow.sources if t.by_timer)
        taken = self.dedicated + self.max_idle + plan.program
        return taken >= self.ps and by_timer > MAJORITY * plan.ready

    def computing(self, flow: Flow) -> list[Cohort | ClosedFlow]:
        """The source of each goroutine that computes on and on: cohorts, and lanes of a batch.

        Lanes do so one goroutine after the other, each on the P of the one before. Where there are
        as many as Ps, goroutines take turns, and Ps schedule when these end.
        """
        found: list[Cohort | ClosedFlow] = []
        ps = self.ps - self.dedicated
        for source in flow.sources:
            if source.visit.blocked or not isinstance(source, Cohort | ClosedFlow):
                continue
            if isinstance(source, ClosedFlow) and not source.is_batch_of_few(ps):
                continue
            found += [source] * round(source.wanted)
        return found


class Markers(NamedTuple):
    """Who marks in a step, and how fast."""

    idle: float
    """Ps of idle workers; `workers` beside others of the background."""
    workers: float
    unit_ns: float
    """CPU-ns of a unit of a worker; `assist_ns` of an assist."""
    assist_ns: float
    owed_per_ns: float
    """Scan work that a P of the program owes per ns."""
    paid: bool
    """Whether workers supply all that is owed."""
