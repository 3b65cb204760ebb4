"""The pacer of Go 1.19: goals and limit of today, cons/mark behind the PI controller of Go 1.18."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sim.go.pacer import pacers
from sim.go.pacer.go118 import cons_mark_controller
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION, LIMIT_MIN_HEADROOM, Go127Pacer
from sim.go.picontroller import PIController
from sim.units import Bytes, Nanoseconds


@pacers.register("go1.19")
@dataclass
class Go119Pacer(Go127Pacer):
    """Go 1.19's controller: as today's, but for how it smooths what it measures.

    A cycle counts as begun at the trigger as it was set, not at the heap that began it; so
    allocations that pass the trigger make the next cycle begin earlier, and the controller
    remembers for long. Under a limit a MiB of headroom is kept, however large the heap. Sources:
    runtime/mgcpacer.go of Go 1.19 (startCycle, endCycle, memoryLimitHeapGoalHeadroom); golang/go
    issue 53892, which changed the first two for Go 1.20.
    """

    controller: PIController = field(init=False, default_factory=cons_mark_controller)

    def start_cycle(self, now: Nanoseconds, gomaxprocs: int, *, periodic: bool = False) -> None:
        """See `Pacer` (startCycle)."""
        trigger = self.trigger()[0]
        super().start_cycle(now, gomaxprocs, periodic=periodic)
        self.triggered = trigger
        self.revise()

    def limit_headroom(self, goal: Bytes) -> Bytes:
        """A constant (memoryLimitHeapGoalHeadroom)."""
        return LIMIT_MIN_HEADROOM

    def end_cycle(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """Measure cons/mark and move the estimate towards it (endCycle)."""
        self.last_heap_goal = self.heap_goal()
        cpu = (now - self.mark_start) * gomaxprocs
        assists, idle = (self.assist_time / cpu, self.idle_mark_time / cpu) if cpu > 0 else (0, 0)
        self.utilization = BACKGROUND_UTILIZATION + assists
        self.marking = False
        self.old_cons_mark = self.cons_mark
        if self.heap_live <= self.triggered:
            return
        consumed = (self.heap_live - self.triggered) * (self.utilization + idle)
        marked = self.scan_work_done * (1 - self.utilization)
        seen = consumed / marked if marked else math.inf
        estimate = self.controller.next(self.cons_mark, seen, 1.0)
        self.cons_mark = 0.0 if estimate is None else estimate

    def commit(self, *, sweep_done: bool) -> None:
        """See `Pacer`; a negative estimate is a huge runway, as its conversion to uint64 wraps."""
        super().commit(sweep_done=sweep_done)
        self.runway = self.runway if self.runway >= 0 else self.runway & ((1 << 64) - 1)
