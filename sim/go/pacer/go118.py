"""The pacer of Go 1.18, the first with stacks and globals: cons/mark behind a PI controller."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from sim.go.pacer import NEVER, pacers
from sim.go.pacer.go127 import (
    BACKGROUND_UTILIZATION,
    GOAL_UTILIZATION,
    MIN_RUNWAY,
    SWEEP_MIN_DISTANCE,
    Go127Pacer,
)
from sim.go.picontroller import PIController
from sim.units import MAX_INT64, Bytes, Nanoseconds

MIN_TRIGGER: Final = 0.7
"""Least part of the growth to the goal before a cycle starts; the most is `MAX_TRIGGER`."""
MAX_TRIGGER: Final = 0.95


def cons_mark_controller() -> PIController:
    """The controller with Go 1.18's constants; its period is a cycle (init)."""
    return PIController(kp=0.9, ti=4.0, tt=1000.0, low=-1000.0, high=1000.0)


@pacers.register("go1.18")
@dataclass
class Go118Pacer(Go127Pacer):
    """Go 1.18's controller: goals with stacks and globals, cons/mark smoothed by a PI controller.

    Trigger and goal are fixed when a cycle ends; there is no memory limit yet. Sources: design
    document 44167, "GC Pacer Redesign"; runtime/mgcpacer.go of Go 1.18.
    """

    controller: PIController = field(init=False, default_factory=cons_mark_controller)
    goal: Bytes = field(init=False, default=0)
    trigger_at: Bytes = field(init=False, default=0)

    def set_limits(self, gc_percent: int, memory_limit: Bytes) -> None:
        """See `Pacer` (setGCPercent); GOMEMLIMIT came with Go 1.19."""
        super().set_limits(gc_percent, MAX_INT64)

    def start_cycle(self, now: Nanoseconds, gomaxprocs: int, *, periodic: bool = False) -> None:
        """See `Pacer` (startCycle); idle workers were not limited in periodic cycles yet."""
        self.goal = max(self.goal, self.heap_live + MIN_RUNWAY)
        super().start_cycle(now, gomaxprocs, periodic=False)
        self.triggered = self.trigger_at

    @property
    def scan_expected(self) -> int:
        """The last cycle's scan work of the heap, all memory of stacks now, and the globals."""
        return self.last_heap_scan + self.max_stack_scan + self.globals_scan

    def end_cycle(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """Measure cons/mark and move the estimate towards it (endCycle)."""
        self.last_heap_goal = self.goal
        cpu = (now - self.mark_start) * gomaxprocs
        assists, idle = (self.assist_time / cpu, self.idle_mark_time / cpu) if cpu > 0 else (0, 0)
        self.utilization = BACKGROUND_UTILIZATION + assists
        self.marking = False
        self.old_cons_mark = self.cons_mark
        consumed = (self.heap_live - self.trigger_at) * (self.utilization + idle)
        if consumed <= 0:
            return
        # A scanned stack counted with all of its memory, not only with what is in use.
        work = self.heap_scan_work + self.max_stack_scan + self.globals_scan_work
        marked = work * (1 - self.utilization)
        seen = consumed / marked if marked > 0 else math.inf
        estimate = self.controller.next(self.cons_mark, seen, 1.0)
        self.cons_mark = 0.0 if estimate is None else estimate

    def commit(self, *, sweep_done: bool) -> None:
        """Fix trigger and goal of the next cycle (commit)."""
        marked, goal = self.heap_marked, NEVER
        if self.gc_percent >= 0:
            base = marked + self.max_stack_scan + self.globals_scan
            goal = marked + base * self.gc_percent // 100
        least = max(self.heap_minimum, marked + int(MIN_TRIGGER * (goal - marked)))
        if not sweep_done:
            least = max(least, self.heap_live + SWEEP_MIN_DISTANCE)
        # The bound for large heaps is added to the marked heap once too often, as it was in Go.
        growth = max(int(MAX_TRIGGER * (goal - marked)), goal - self.heap_minimum)
        most = max(marked + growth, least)
        share = self.cons_mark * (1 - GOAL_UTILIZATION) / GOAL_UTILIZATION
        # A negative estimate is a huge runway: the conversion to uint64 wraps.
        self.runway = int(share * self.scan_expected) & NEVER
        trigger = least if self.runway > goal else goal - self.runway
        self.trigger_at = min(max(trigger, least), most)
        self.goal = max(goal, self.trigger_at)

    def heap_goal(self) -> Bytes:
        """See `Pacer`."""
        return self.goal

    def trigger(self) -> tuple[Bytes, Bytes]:
        """See `Pacer`."""
        return self.trigger_at, self.goal

    @property
    def limit_in_force(self) -> bool:
        """Never: there is no limit."""
        return False
