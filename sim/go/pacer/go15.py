"""The pacers of Go 1.5 to 1.17: the trigger ratio, moved by a proportional controller.

Sources: "Go 1.5 concurrent garbage collector pacing" (golang.org/s/go15gcpacing); runtime/mgc.go
of Go 1.6; runtime/mgcpacer.go of Go 1.17. Their work is the heap alone, and there is no limit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from sim.go.pacer import NEVER, MemoryUse, ScanPart, Workers, pacers
from sim.go.pacer.go127 import (
    BACKGROUND_UTILIZATION,
    DEFAULT_HEAP_MINIMUM,
    GOGC_OFF_PERCENT,
    MAX_OVERSHOOT,
    MIN_SCAN_REMAINING,
    SWEEP_MIN_DISTANCE,
    background_workers,
)
from sim.units import MAX_INT64, Bytes, Fraction, MiB, Nanoseconds

FIRST_TRIGGER_RATIO: Final = 7 / 8
TRIGGER_GAIN: Final = 0.5
MAX_TRIGGER_RATIO: Final = 0.95
"""Of GOGC/100, like the least ratio, which came with Go 1.14."""
MIN_TRIGGER_RATIO: Final = 0.6
GOAL_UTILIZATION: Final = 0.30
"""25 % by background workers, 5 % by assists; in Go 1.5 the goal is 25 % without any assists."""
MIN_ASSIST_DISTANCE: Final = 1 * MiB


@dataclass
class TriggerRatioPacer:
    """What the pacers of Go 1.5 to 1.17 have in common."""

    memory: MemoryUse = field(init=False, default_factory=MemoryUse)
    gc_percent: int = field(init=False, default=100)
    heap_minimum: Bytes = field(init=False, default=DEFAULT_HEAP_MINIMUM)
    heap_live: Bytes = field(init=False, default=0)
    heap_scan: Bytes = field(init=False, default=0)
    heap_marked: Bytes = field(init=False, default=0)
    trigger_ratio: float = field(init=False, default=FIRST_TRIGGER_RATIO)
    """Growth over the marked heap at which a cycle starts."""
    goal: Bytes = field(init=False, default=0)
    trigger_at: Bytes = field(init=False, default=0)
    marking: bool = field(init=False, default=False)
    forced: bool = field(init=False, default=False)
    mark_start: Nanoseconds = field(init=False, default=0)
    initial_heap_live: Bytes = field(init=False, default=0)
    scan_work: int = field(init=False, default=0)
    bg_scan_credit: int = field(init=False, default=0)
    assist_time: Nanoseconds = field(init=False, default=0)
    utilization: float = field(init=False, default=0.0)
    assist_work_per_byte: float = field(init=False, default=0.0)
    assist_bytes_per_work: float = field(init=False, default=0.0)
    workers: Workers = field(init=False, default=Workers(0, 0.0, 0))
    old_cons_mark: float = field(init=False, default=0.0)
    """Always 0: these pacers know no cons/mark."""

    def configure(self, gc_percent: int, memory_limit: Bytes, globals_scan: Bytes) -> None:
        """See `Pacer`; neither limit nor globals count."""
        del globals_scan
        self.set_limits(gc_percent, memory_limit)
        self.commit(sweep_done=True)

    def set_limits(self, gc_percent: int, memory_limit: Bytes) -> None:
        """See `Pacer` (setGCPercent); there is no memory limit."""
        del memory_limit
        self.gc_percent = max(gc_percent, -1)
        self.heap_minimum = (DEFAULT_HEAP_MINIMUM * (self.gc_percent % (NEVER + 1)) & NEVER) // 100

    def start_cycle(self, now: Nanoseconds, gomaxprocs: int, *, periodic: bool = False) -> None:
        """See `Pacer` (startCycle); every idle P marks, in periodic cycles too."""
        self.scan_work = self.bg_scan_credit = self.assist_time = 0
        self.mark_start = now
        self.initial_heap_live = self.heap_live
        self.forced = self.heap_live < self.trigger_at and not periodic
        self.goal = max(self.goal, self.heap_live + MIN_ASSIST_DISTANCE)
        self.workers = self.background_workers(gomaxprocs)
        self.marking = True
        self.revise()

    def background_workers(self, gomaxprocs: int) -> Workers:
        """Workers for a quarter of the Ps."""
        return background_workers(gomaxprocs, periodic=False)

    @property
    def scan_expected(self) -> int:
        """Scan work that the cycle is expected to take."""
        raise NotImplementedError

    def revise(self) -> None:
        """Assist ratio from the work and the heap that remain."""
        raise NotImplementedError

    def set_assist_ratio(self, goal: int, expected: int) -> None:
        """Spread the work that is left over the allocation that is left (revise)."""
        work_left = max(expected - self.scan_work, MIN_SCAN_REMAINING)
        heap_left = max(goal - self.heap_live, 1)
        self.assist_work_per_byte = work_left / heap_left
        self.assist_bytes_per_work = heap_left / work_left

    def update(self, d_heap_live: int, d_heap_scan: int) -> None:
        """See `Pacer`; what is allocated while marking counts as heap to scan."""
        self.heap_live += d_heap_live
        self.heap_scan += d_heap_scan
        if self.marking:
            self.revise()

    def add_scan_work(self, part: ScanPart, work: int) -> None:
        """See `Pacer`; roots did not count."""
        if part == "heap":
            self.scan_work += work

    def add_mark_time(self, kind: str, ns: Nanoseconds) -> None:
        """See `Pacer`; workers are taken to reach their goal."""
        if kind == "assist":
            self.assist_time += ns

    def set_stacks(self, allocated: Bytes) -> None:
        """See `Pacer`; stacks did not count."""

    def growth_error(self, goal_growth: float, goal_utilization: float) -> float:
        """How far off the trigger ratio was, at the goal utilization (endCycle)."""
        actual = self.heap_live / self.heap_marked - 1
        missed = self.utilization / goal_utilization * (actual - self.trigger_ratio)
        return goal_growth - self.trigger_ratio - missed

    def measure_utilization(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """The end of marking: background workers at their goal, and the assists (endCycle)."""
        self.marking = False
        cpu = (now - self.mark_start) * gomaxprocs
        self.utilization = BACKGROUND_UTILIZATION + (self.assist_time / cpu if cpu > 0 else 0.0)

    def end_cycle(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """Move the trigger ratio."""
        raise NotImplementedError

    def reset_live(self, bytes_marked: Bytes) -> None:
        """See `Pacer`."""
        self.heap_marked = self.heap_live = bytes_marked
        self.heap_scan = self.scan_work

    def commit(self, *, sweep_done: bool) -> None:
        """Fix trigger and goal of the next cycle."""
        raise NotImplementedError

    def heap_goal(self) -> Bytes:
        """See `Pacer`."""
        return self.goal

    def trigger(self) -> tuple[Bytes, Bytes]:
        """See `Pacer`; the goal of a forced cycle may lie below the trigger it did not wait for."""
        return min(self.trigger_at, self.goal), self.goal

    @property
    def limit_in_force(self) -> bool:
        """Never: GOMEMLIMIT came with Go 1.19."""
        return False


@pacers.register("go1.17")
@dataclass
class Go117Pacer(TriggerRatioPacer):
    """The last trigger-ratio pacer, Go 1.17: 25 % by workers and 5 % by assists, two goals."""

    min_trigger_ratio: ClassVar[Fraction] = MIN_TRIGGER_RATIO
    goal_utilization: ClassVar[Fraction] = GOAL_UTILIZATION

    def configure(self, gc_percent: int, memory_limit: Bytes, globals_scan: Bytes) -> None:
        """See `Pacer`; a marked heap is made up to suit the first ratio (init)."""
        self.heap_marked = int(DEFAULT_HEAP_MINIMUM / (1 + self.trigger_ratio))
        super().configure(gc_percent, memory_limit, globals_scan)

    @property
    def scan_expected(self) -> int:
        """In a steady heap only 100/(100+GOGC) of what may hold pointers is alive."""
        percent = GOGC_OFF_PERCENT if self.gc_percent < 0 else self.gc_percent
        return int(self.heap_scan * 100 / (100 + percent))

    def update(self, d_heap_live: int, d_heap_scan: int) -> None:
        """See `Pacer`; allocating black is scan work done (runtime/mgcmark.go: gcmarknewobject)."""
        if self.marking:
            self.scan_work += d_heap_scan
        super().update(d_heap_live, d_heap_scan)

    def revise(self) -> None:
        """Aim at the goal; past it, or with more work than expected, at a tenth above (revise)."""
        goal, expected = self.goal, self.scan_expected
        if goal > MAX_INT64:  # goals are int64 here: "never" wraps to -1, as it does in Go
            goal -= 1 << 64
        if self.heap_live > goal or self.scan_work > expected:
            goal, expected = int(goal * MAX_OVERSHOOT), self.heap_scan
        self.set_assist_ratio(goal, expected)

    def end_cycle(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """Move the trigger ratio by half of its error, unless the cycle was forced (endCycle)."""
        self.measure_utilization(now, gomaxprocs)
        if self.forced or self.heap_marked == 0:
            return
        growth = max((self.goal - self.heap_marked) / self.heap_marked, 0.0)
        self.trigger_ratio += TRIGGER_GAIN * self.growth_error(growth, self.goal_utilization)

    def commit(self, *, sweep_done: bool) -> None:
        """Fix trigger and goal of the next cycle (commit)."""
        if self.gc_percent < 0:
            self.trigger_ratio = max(self.trigger_ratio, 0.0)
            self.trigger_at = self.goal = NEVER
            return
        scale = self.gc_percent / 100
        ratio = min(self.trigger_ratio, MAX_TRIGGER_RATIO * scale)
        self.trigger_ratio = max(ratio, self.min_trigger_ratio * scale)
        least = self.heap_minimum
        if not sweep_done:
            least = max(least, self.heap_live + SWEEP_MIN_DISTANCE)
        self.trigger_at = max(int(self.heap_marked * (1 + self.trigger_ratio)), least)
        goal = self.heap_marked + self.heap_marked * self.gc_percent // 100
        self.goal = max(goal, self.trigger_at)


def part_time_workers(gomaxprocs: int) -> Workers:
    """Until Go 1.9: what whole workers leave of a quarter, here shared by all Ps (startCycle)."""
    total = gomaxprocs * BACKGROUND_UTILIZATION
    dedicated = int(total)
    return Workers(dedicated, (total - dedicated) / gomaxprocs, gomaxprocs - dedicated)


@pacers.register("go1.5")
@dataclass
class Go15Pacer(TriggerRatioPacer):
    """The first concurrent pacer, Go 1.5 and 1.6: 25 % by workers, the worst case assumed."""

    heap_reachable: Bytes = field(init=False, default=0)
    """Estimate of what was alive when the last cycle began."""

    def start_cycle(self, now: Nanoseconds, gomaxprocs: int, *, periodic: bool = False) -> None:
        """See `Pacer`; for a small heap the marked heap is made up to suit the trigger."""
        if self.trigger_at <= self.heap_minimum:
            self.heap_marked = int(self.trigger_at / (1 + self.trigger_ratio))
            self.heap_reachable = self.heap_marked
        self.goal = self.growth_goal()
        super().start_cycle(now, gomaxprocs, periodic=periodic)

    def growth_goal(self) -> Bytes:
        """GOGC over what is reachable."""
        # Go converts to uint64 first: GOGC=off makes the goal huge.
        percent = self.gc_percent % (NEVER + 1)
        return self.heap_reachable + (self.heap_reachable * percent & NEVER) // 100

    def background_workers(self, gomaxprocs: int) -> Workers:
        """Whole workers, rounded down, and the rest part-time (startCycle)."""
        return part_time_workers(gomaxprocs)

    @property
    def scan_expected(self) -> int:
        """All of the heap that may hold pointers."""
        return self.heap_scan

    def revise(self) -> None:
        """The worst case by the goal (revise)."""
        self.set_assist_ratio(self.goal, self.scan_expected)

    def end_cycle(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """Move the trigger ratio by half of its error (endCycle)."""
        self.measure_utilization(now, gomaxprocs)
        if self.heap_marked == 0:
            return
        growth = self.gc_percent / 100
        ratio = self.trigger_ratio + TRIGGER_GAIN * self.growth_error(
            growth, BACKGROUND_UTILIZATION
        )
        self.trigger_ratio = 0.0 if ratio < 0 else min(ratio, MAX_TRIGGER_RATIO * growth)

    def reset_live(self, bytes_marked: Bytes) -> None:
        """See `Pacer`; what was allocated while marking is taken to be marked but dead (gcMark)."""
        allocated = max(self.heap_live - self.initial_heap_live, 0)
        self.heap_reachable = max(bytes_marked - allocated, 0)
        super().reset_live(bytes_marked)

    def commit(self, *, sweep_done: bool) -> None:
        """Fix the trigger of the next cycle; its goal follows from it (gcMark)."""
        del sweep_done
        if self.gc_percent < 0:
            self.trigger_at = self.goal = NEVER
            return
        trigger = max(int(self.heap_reachable * (1 + self.trigger_ratio)), self.heap_minimum)
        least = self.heap_live + SWEEP_MIN_DISTANCE * self.gc_percent // 100
        self.trigger_at = max(trigger, least)
        self.goal = max(self.growth_goal(), self.trigger_at)
