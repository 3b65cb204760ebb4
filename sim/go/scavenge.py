"""When, how fast and how much memory goes back to the OS (runtime/mgcscavenge.go).

Which pages go is the page allocator's choice: `PageAlloc.scavenge`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from sim.go.picontroller import PIController
from sim.units import MS, SECOND, Bytes, Fraction, KiB, Nanoseconds

#: Share of the CPUs that the background scavenger aims to use.
SCAVENGE_FRACTION: Final[Fraction] = 0.01
#: Heap memory kept beyond what the next cycle should need (retainExtraPercent = 10): a tenth.
RETAIN_EXTRA: Final = 10
#: Where to keep the total when there is a memory limit (reduceExtraPercent = 5).
LIMIT_TARGET: Final[Fraction] = 0.95
QUANTUM: Final[Bytes] = 64 * KiB
MIN_WORK: Final[Nanoseconds] = MS
STARTING_SLEEP_RATIO: Final = 0.001
COOLDOWN: Final[Nanoseconds] = 5 * SECOND
PHYS_PAGE_SIZE: Final[Bytes] = 4 * KiB
#: Assumed when a release took no measurable time.
WORK_PER_PHYS_PAGE: Final[Nanoseconds] = 10_000


def memory_limit_goal(memory_limit: Bytes, mapped_ready: Bytes) -> Bytes | None:
    """What `mapped_ready` should come down to; None if it is there (gcPaceScavenger)."""
    goal = int(float(memory_limit) * LIMIT_TARGET)
    return None if mapped_ready <= goal else goal


def gc_percent_goal(
    *, heap_goal: Bytes, last_heap_goal: Bytes, last_heap_in_use: Bytes, heap_retained: Bytes
) -> Bytes | None:
    """What `heap_retained` should come down to, for commit after a cycle (gcPaceScavenger).

    `last_heap_in_use` is the memory of spans in use at the last mark termination, `heap_retained`
    that memory plus free memory not returned to the OS. None if the heap is down there, give or
    take an OS page, and before the end of the first cycle (`last_heap_goal` 0).
    """
    if last_heap_goal == 0:
        return None
    goal = int(float(last_heap_in_use) * (float(heap_goal) / float(last_heap_goal)))
    goal += goal // RETAIN_EXTRA
    goal = -(-goal // PHYS_PAGE_SIZE) * PHYS_PAGE_SIZE
    return None if heap_retained - goal < PHYS_PAGE_SIZE else goal


@dataclass(frozen=True)
class ScavengeGoals:
    """The goals in force until the next controller commit; None: nothing to do for this one."""

    gc_percent: Bytes | None = None
    memory_limit: Bytes | None = None

    def reached(self, heap_retained: Bytes, mapped_ready: Bytes) -> bool:
        """Whether the background scavenger may stop (scavengerState.shouldStop)."""
        return (self.gc_percent is None or heap_retained <= self.gc_percent) and (
            self.memory_limit is None or mapped_ready <= self.memory_limit
        )


class EagerScavenge(NamedTuple):
    """What an allocation of pages must return to the OS before it goes on."""

    nbytes: Bytes
    force: bool
    """Take densely used chunks as well."""


def limit_overage(scav_bytes: Bytes, mapped_ready: Bytes, memory_limit: Bytes) -> EagerScavenge:
    """What an allocation that maps `scav_bytes` anew owes the memory limit (mheap.go: allocSpan).

    Nothing is owed while the GC CPU limiter is limiting: then do not ask.
    """
    overage = max(scav_bytes + mapped_ready - memory_limit, 0)
    return EagerScavenge(overage, force=overage > 0)


def growth_overage(growth: Bytes, heap_retained: Bytes, goal: Bytes | None) -> Bytes:
    """What an allocation owes the gc-percent goal for growing the heap (mheap.go: allocSpan)."""
    return 0 if goal is None else max(min(growth, heap_retained + growth - goal), 0)


def sleep_controller() -> PIController:
    """The controller with Go's constants: time in ns, output work per sleep."""
    return PIController(kp=0.3375, ti=3.2e6, tt=1e9, low=0.001, high=1000.0)


@dataclass
class BackgroundScavenger:
    """How long the background scavenger works and sleeps (scavengerState)."""

    sleep_ratio: float = STARTING_SLEEP_RATIO
    """Time worked per time slept."""
    cooldown: Nanoseconds = 0
    """Time left during which the controller is not trusted."""
    controller: PIController = field(default_factory=sleep_controller)

    def run(
        self,
        scavenge: Callable[[Bytes], tuple[Bytes, Nanoseconds]],
        reached: Callable[[], bool],
    ) -> tuple[Bytes, Nanoseconds]:
        """One stretch of work: (bytes released, time worked); nothing released means park.

        `scavenge` tries to release so many bytes and tells how many it released in what time.
        """
        released = worked = 0
        while worked < MIN_WORK and not reached():
            got, took = scavenge(QUANTUM)
            worked += took or WORK_PER_PHYS_PAGE * (got // PHYS_PAGE_SIZE)
            released += got
            if got < QUANTUM:
                break
        return released, worked

    def sleep_time(self, worked: Nanoseconds) -> Nanoseconds:
        """How long to sleep after having worked so long."""
        return int(max(worked, MIN_WORK) / self.sleep_ratio)

    def woke(self, worked: Nanoseconds, slept: Nanoseconds, gomaxprocs: int) -> None:
        """Adapt to a stretch of work and the sleep after it, which may have been cut short."""
        worked = max(worked, MIN_WORK)
        if self.cooldown > 0:
            self.cooldown = max(self.cooldown - slept - worked, 0)
            return
        period = float(slept) + worked
        ratio = self.controller.next(worked / (period * gomaxprocs), SCAVENGE_FRACTION, period)
        if ratio is None:
            self.cooldown, ratio = COOLDOWN, STARTING_SLEEP_RATIO
        self.sleep_ratio = ratio
