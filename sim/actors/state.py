"""Goroutines, Ps, the scheduler and the mark phase: the state that goroutines on Ps share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.engine.clock import Alarm
from sim.go.markwork import MarkWork
from sim.go.pool import SyncPool
from sim.go.runq import GlobalQueue, LocalQueue, Tally
from sim.go.stacks import Held
from sim.go.sysmon import Sysmon, TimeSlice
from sim.workload.holders import Holder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Draw: TypeAlias = Callable[[], float]
"""The next value of a distribution."""
Demand: TypeAlias = int | simpy.Event | None
"""What running code asks of its P: so many ns; hold the P until the event; give it up (None)."""
Body: TypeAlias = Generator[Demand, None, None]


@dataclass(slots=True)
class G:
    """A goroutine, and where its time went (ns)."""

    id: int
    kind: str
    load: str = ""
    body: Body | None = None
    system: bool = False
    """Runtime goroutines neither assist nor count as requests."""
    arrival: int = 0
    started: int = -1
    ready_at: int = 0
    stw_mark: int = 0
    """The scheduler's stopped time when the goroutine last became ready or stopped running."""
    remaining: int = 0
    """What is left of an interrupted stretch."""
    p: P | None = None
    credit: int = 0
    """gcAssistBytes: allocation paid for by mark work; negative is debt."""
    keeps: dict[int, Holder] = field(default_factory=dict)
    """What stays reachable until it ends, by mix."""
    spinning: bool = False
    """It waits for a point in time: time that it is preempted for is not made up for."""
    lent: list[SyncPool] = field(default_factory=list)
    epoch: int = 0
    """The cycle that its assist credit belongs to."""
    running: bool = False
    assisting: bool = False
    """What it does on its P is mark work."""
    waiting: bool = False
    blocked_at: int = 0
    parked_at: int = 0
    parent: G | None = None
    children: int = 0
    on_end: Callable[[P], None] | None = None
    """What its end sets off, on the P that it ran on."""
    stack: int = 1024
    """Bytes of stack that it uses while it runs; `idle_stack` while it is blocked."""
    idle_stack: int = 1024
    held: Held | None = None
    """Its stack."""
    on_cpu: int = 0
    alloc: int = 0
    assist: int = 0
    assist_wait: int = 0
    queue: int = 0
    blocked: int = 0
    lock_wait: int = 0
    stw: int = 0
    gc_slowdown: int = 0
    throttled: int = 0


@dataclass(slots=True, eq=False)
class P:
    """A processor: the right to run Go code."""

    id: int
    runq: LocalQueue[G]
    slice: TimeSlice
    timers: list[G] = field(default_factory=list)
    """Goroutines whose timers have fired and that no P has looked at yet."""
    process: simpy.Process | None = None
    wake: Alarm | None = None
    interruptible: bool = False
    doing: str = "idle"
    """`goroutine`, `dedicated`, `fractional`, `idle` (marking), `parked` or `stopped`."""
    dedicated: bool = False
    """A dedicated worker runs here next (runtime/runtime2.go: nextGCMarkWorker)."""
    fractional_ns: int = 0
    """Time of fractional marking in this cycle."""
    goroutine_ns: int = 0
    """Time spent on goroutines since the start."""
    idle_ns: int = 0
    parked_at: int = 0
    holder: Holder | None = None
    """Who keeps what was allocated here last."""


@dataclass
class Scheduler:
    """Run queues, idle Ps, and whether the world is stopped."""

    ps: list[P]
    queued: Tally
    """Goroutines in the queues of all Ps."""
    restarted: simpy.Event
    sysmon: Sysmon
    stop_keeps_ps: bool
    """Since Go 1.26 goroutines go on on their Ps after a stop, and mark workers take those that
    idle first (runtime/proc.go: goschedImpl, procresize)."""
    idle: list[P] = field(default_factory=list)
    shared: GlobalQueue[G] = field(default_factory=GlobalQueue)
    stopped: bool = False
    stopped_since: int = 0
    stopped_ns: int = 0
    """Time the world has been stopped since the start."""
    goroutines: int = 0
    created: int = 0
    idle_since: int = 0
    """When a P last began to idle, and a thread to wait in the network poller."""
    late_timers: int = 0
    """Bit i: the i-th P has timers that have fired and that no P has looked at yet."""


@dataclass
class MarkPhase:
    """Marking as workers and assists share it. Written by those who mark."""

    done: simpy.Event
    """Fires when all mark work of the cycle is done."""
    work: MarkWork = field(default_factory=lambda: MarkWork(0))
    epoch: int = 0
    """Goroutines of an older epoch have no assist credit."""
    markers: int = 0
    idle_workers: int = 0
    queue: deque[G] = field(default_factory=deque)
    """Parked assists."""
    assists: int = 0
    """Assists of the cycle that marked something, and those that had to park."""
    parks: int = 0
    wait_ns: int = 0
    """Time that assists of the cycle were parked, ns."""

    def begin_cycle(self) -> None:
        """Every goroutine starts the cycle without credit (runtime/mgc.go: gcResetMarkState)."""
        self.epoch += 1
        self.assists = self.parks = self.wait_ns = 0
