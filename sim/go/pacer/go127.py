"""The pacer of Go 1.19 to 1.27: heap goal, memory limit, runway from cons/mark, assist ratio."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from sim.go.pacer import NEVER, MemoryUse, ScanPart, Workers, pacers
from sim.units import MAX_INT64, Bytes, KiB, MiB, Nanoseconds

DEFAULT_HEAP_MINIMUM: Final = 4 * MiB
BACKGROUND_UTILIZATION: Final = 0.25
GOAL_UTILIZATION: Final = BACKGROUND_UTILIZATION
SWEEP_MIN_DISTANCE: Final = 1 * MiB
MIN_RUNWAY: Final = 64 * KiB
LIMIT_HEADROOM_PERCENT: Final = 3
LIMIT_MIN_HEADROOM: Final = 1 * MiB
TRIGGER_DEN: Final = 64
MIN_TRIGGER: Final = 45
MAX_TRIGGER: Final = 61
MAX_UTIL_ERROR: Final = 0.3
MAX_OVERSHOOT: Final = 1.1
MIN_SCAN_REMAINING: Final = 1000
GOGC_OFF_PERCENT: Final = 100_000
"""What revise takes for GOGC=off."""
CONS_MARK_MEMORY: Final = 4
FAR_GOAL: Final = MAX_INT64 // 2
"""No heap is so large; without a memory limit, the goal that follows from it is larger still."""


def background_workers(gomaxprocs: int, *, periodic: bool) -> Workers:
    """25 % of the Ps, in whole workers where that is within 30 % (startCycle)."""
    total = gomaxprocs * BACKGROUND_UTILIZATION
    dedicated = int(total + 0.5)
    error = dedicated / total - 1
    fraction = 0.0
    if not -MAX_UTIL_ERROR <= error <= MAX_UTIL_ERROR:
        if dedicated > total:
            dedicated -= 1
        fraction = (total - dedicated) / gomaxprocs
    if periodic:
        return Workers(dedicated, fraction, 0 if dedicated else 1)
    return Workers(dedicated, fraction, gomaxprocs - dedicated)


@pacers.register("go1.27")
@dataclass
class Go127Pacer:
    """Go 1.27's controller, integer for integer (runtime/mgcpacer.go: gcControllerState)."""

    memory: MemoryUse = field(init=False, default_factory=MemoryUse)
    gc_percent: int = field(init=False, default=100)
    memory_limit: Bytes = field(init=False, default=MAX_INT64)
    heap_minimum: Bytes = field(init=False, default=DEFAULT_HEAP_MINIMUM)
    globals_scan: Bytes = field(init=False, default=0)
    max_stack_scan: Bytes = field(init=False, default=0)
    heap_live: Bytes = field(init=False, default=0)
    heap_scan: Bytes = field(init=False, default=0)
    heap_marked: Bytes = field(init=False, default=0)
    last_heap_scan: Bytes = field(init=False, default=0)
    last_stack_scan: Bytes = field(init=False, default=0)
    last_heap_goal: Bytes = field(init=False, default=0)
    percent_goal: Bytes = field(init=False, default=0)
    sweep_dist_min_trigger: Bytes = field(init=False, default=0)
    runway: Bytes = field(init=False, default=0)
    triggered: Bytes = field(init=False, default=NEVER)
    cons_mark: float = field(init=False, default=0.0)
    old_cons_mark: float = field(init=False, default=0.0)
    """cons/mark with which the trigger of the last cycle was set."""
    last_cons_marks: list[float] = field(
        init=False, default_factory=lambda: [0.0] * CONS_MARK_MEMORY
    )
    marking: bool = field(init=False, default=False)
    mark_start: Nanoseconds = field(init=False, default=0)
    heap_scan_work: int = field(init=False, default=0)
    stack_scan_work: int = field(init=False, default=0)
    globals_scan_work: int = field(init=False, default=0)
    bg_scan_credit: int = field(init=False, default=0)
    assist_time: Nanoseconds = field(init=False, default=0)
    idle_mark_time: Nanoseconds = field(init=False, default=0)
    utilization: float = field(init=False, default=0.0)
    """GC share of the CPU in the last cycle, without idle workers."""
    assist_work_per_byte: float = field(init=False, default=0.0)
    assist_bytes_per_work: float = field(init=False, default=0.0)
    workers: Workers = field(init=False, default=Workers(0, 0.0, 0))

    def configure(self, gc_percent: int, memory_limit: Bytes, globals_scan: Bytes) -> None:
        """See `Pacer` (runtime/mgcpacer.go: init, setGCPercent)."""
        self.globals_scan = globals_scan
        self.set_limits(gc_percent, memory_limit)
        self.commit(sweep_done=True)

    def set_limits(self, gc_percent: int, memory_limit: Bytes) -> None:
        """See `Pacer` (setGCPercent, setMemoryLimit)."""
        self.memory_limit = memory_limit
        self.gc_percent = max(gc_percent, -1)
        # Go converts to uint64 first: GOGC=off makes the minimum huge, like the goal.
        self.heap_minimum = (DEFAULT_HEAP_MINIMUM * (self.gc_percent % (NEVER + 1)) & NEVER) // 100

    def start_cycle(self, now: Nanoseconds, gomaxprocs: int, *, periodic: bool = False) -> None:
        """See `Pacer` (startCycle)."""
        self.heap_scan_work = self.stack_scan_work = self.globals_scan_work = 0
        self.bg_scan_credit = 0
        self.assist_time = self.idle_mark_time = 0
        self.mark_start = now
        self.triggered = self.heap_live
        self.marking = True
        self.workers = background_workers(gomaxprocs, periodic=periodic)
        self.revise()

    @property
    def scan_expected(self) -> int:
        """Scan work of the last cycle, expected again: heap, stacks and globals."""
        return self.last_heap_scan + self.last_stack_scan + self.globals_scan

    def revise(self) -> None:
        """Assist ratio from the work and the heap that remain (revise)."""
        goal, live, work = self.heap_goal(), self.heap_live, self.scan_work_done
        # Goals are int64 from here on: "never" wraps to -1, as it does in Go.
        if goal > MAX_INT64:
            goal -= 1 << 64
        expected = self.scan_expected
        most = self.heap_scan + self.max_stack_scan + self.globals_scan
        if work > expected:
            goal = self._extended_goal(goal, expected, most)
            expected = most
        if live > goal:
            goal = int(goal * MAX_OVERSHOOT)
            expected = most
        work_left = max(expected - work, MIN_SCAN_REMAINING)
        heap_left = goal - live
        if heap_left <= 0:
            heap_left = 1
        self.assist_work_per_byte = work_left / heap_left
        self.assist_bytes_per_work = heap_left / work_left

    def _extended_goal(self, goal: int, expected: int, most: int) -> int:
        """More work than expected: aim further, as if all of the heap had to be scanned."""
        percent = GOGC_OFF_PERCENT if self.gc_percent < 0 else self.gc_percent
        hard = int((1.0 + percent / 100.0) * goal)
        if expected == 0:  # Go divides by zero to infinity here, and the hard goal catches it
            return hard
        extended = int((goal - self.triggered) / expected * most) + self.triggered
        return min(extended, hard)

    @property
    def scan_work_done(self) -> int:
        """Scan work of this cycle so far."""
        return self.heap_scan_work + self.stack_scan_work + self.globals_scan_work

    def update(self, d_heap_live: int, d_heap_scan: int) -> None:
        """See `Pacer` (update)."""
        self.heap_live += d_heap_live
        if self.marking:
            self.revise()
        else:
            self.heap_scan += d_heap_scan

    def add_scan_work(self, part: ScanPart, work: int) -> None:
        """See `Pacer`."""
        if part == "heap":
            self.heap_scan_work += work
        elif part == "stack":
            self.stack_scan_work += work
        else:
            self.globals_scan_work += work

    def add_mark_time(self, kind: str, ns: Nanoseconds) -> None:
        """See `Pacer`; dedicated and fractional time do not enter the control."""
        if kind == "assist":
            self.assist_time += ns
        elif kind == "idle":
            self.idle_mark_time += ns

    def set_stacks(self, allocated: Bytes) -> None:
        """See `Pacer` (addScannableStack)."""
        self.max_stack_scan = allocated

    def end_cycle(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """Measure cons/mark, and remember the largest of the last five (endCycle)."""
        self.last_heap_goal = self.heap_goal()
        cpu = (now - self.mark_start) * gomaxprocs
        self.utilization = BACKGROUND_UTILIZATION + (self.assist_time / cpu if cpu > 0 else 0.0)
        self.marking = False
        self.old_cons_mark = self.cons_mark
        if self.heap_live <= self.triggered:
            return
        idle = self.idle_mark_time / cpu if cpu > 0 else 0.0
        consumed = (self.heap_live - self.triggered) * (self.utilization + idle)
        marked = self.scan_work_done * (1 - self.utilization)
        current = consumed / marked
        self.cons_mark = max(current, *self.last_cons_marks)
        self.last_cons_marks = [*self.last_cons_marks[1:], current]

    def reset_live(self, bytes_marked: Bytes) -> None:
        """See `Pacer` (resetLive)."""
        self.heap_marked = self.heap_live = bytes_marked
        self.heap_scan = self.last_heap_scan = self.heap_scan_work
        self.last_stack_scan = self.stack_scan_work
        self.triggered = NEVER

    def commit(self, *, sweep_done: bool) -> None:
        """See `Pacer` (commit)."""
        self.sweep_dist_min_trigger = 0 if sweep_done else self.heap_live + SWEEP_MIN_DISTANCE
        goal = NEVER
        if self.gc_percent >= 0:
            base = self.heap_marked + self.last_stack_scan + self.globals_scan
            goal = self.heap_marked + base * self.gc_percent // 100
        self.percent_goal = max(goal, self.heap_minimum)
        share = self.cons_mark * (1 - GOAL_UTILIZATION) / GOAL_UTILIZATION
        self.runway = int(share * self.scan_expected)

    def heap_goal(self) -> Bytes:
        """See `Pacer`."""
        return self._goal_and_min_trigger()[0]

    def _goal_and_min_trigger(self) -> tuple[Bytes, Bytes]:
        """The goal, and the least trigger that sweeping allows (heapGoalInternal)."""
        if self.memory_limit < MAX_INT64 or self.percent_goal > FAR_GOAL:
            limit_goal = self.memory_limit_goal()
            if limit_goal < self.percent_goal:
                return limit_goal, 0
        goal = max(self.percent_goal, self.sweep_dist_min_trigger)
        if self.triggered != NEVER:
            goal = max(goal, self.triggered + MIN_RUNWAY)
        return goal, self.sweep_dist_min_trigger

    @property
    def limit_in_force(self) -> bool:
        """The memory limit, not GOGC, sets the goal."""
        return self.memory_limit_goal() < self.percent_goal

    def memory_limit_goal(self) -> Bytes:
        """The goal that keeps all memory below the limit (memoryLimitHeapGoal)."""
        memory, limit = self.memory, self.memory_limit
        non_heap = memory.mapped_ready - memory.heap_free - memory.heap_alloc
        overage = max(memory.mapped_ready - limit, 0)
        if non_heap + overage >= limit:
            return self.heap_marked
        goal = limit - (non_heap + overage)
        headroom = self.limit_headroom(goal)
        goal = headroom if goal < headroom or goal - headroom < headroom else goal - headroom
        return max(goal, self.heap_marked)

    def limit_headroom(self, goal: Bytes) -> Bytes:
        """By how much a goal stays below what the limit leaves (memoryLimitHeapGoal)."""
        return max(goal // 100 * LIMIT_HEADROOM_PERCENT, LIMIT_MIN_HEADROOM)

    def trigger(self) -> tuple[Bytes, Bytes]:
        """See `Pacer` (trigger)."""
        goal, min_trigger = self._goal_and_min_trigger()
        marked = self.heap_marked
        if marked >= goal:
            return goal, goal
        step = (goal - marked) // TRIGGER_DEN
        min_trigger = max(min_trigger, marked, step * MIN_TRIGGER + marked)
        max_trigger = step * MAX_TRIGGER + marked
        if goal > DEFAULT_HEAP_MINIMUM:
            max_trigger = max(max_trigger, goal - DEFAULT_HEAP_MINIMUM)
        max_trigger = max(max_trigger, min_trigger)
        trigger = min_trigger if self.runway > goal else goal - self.runway
        return min(max(trigger, min_trigger), max_trigger), goal
