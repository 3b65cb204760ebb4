"""Goroutines, Ps and the state of marking: what those who move them share."""

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
from sim.go.runq import LocalQueue
from sim.go.stacks import Held
from sim.go.sysmon import TimeSlice
from sim.workload.retention import Holder

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

Draw: TypeAlias = Callable[[], float]
"""The next value of a distribution."""


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A call of the operating system that takes so many ns."""

    ns: int


Demand: TypeAlias = int | simpy.Event | SystemCall | None
"""What running code asks of its P: so many ns; hold the P until the event; hold it in a system
call, and go on without it if need be; give it up (None)."""
Body: TypeAlias = Generator[Demand, None, None]


class G:
    """A goroutine, and where its time went. Times in ns, memory in bytes.

    Written by its own steps, which are what it does; other fields name their writer. No dataclass:
    of every request one is made, and most fields begin as the class has them.
    """

    def __init__(
        self,
        id: int,  # noqa: A002
        kind: str,
        *,
        stack: int = 1024,
        idle_stack: int = 1024,
        system: bool = False,
    ) -> None:
        self.id, self.kind = id, kind
        self.system = system
        """Runtime goroutines neither assist nor count as requests."""
        self.stack, self.idle_stack = stack, idle_stack
        """Bytes of stack that it uses while it runs, and while it is blocked."""
        self.keeps: dict[int, Holder] = {}
        """What stays reachable until it ends, by mix. Written by `Retention`."""
        self.lent: list[SyncPool] = []
        """Pools that it has borrowed from and gives back to when it ends."""

    load: str = ""
    """The load that started it; empty: none, and it is no request."""
    body: Body | None = None
    """What it still has to do; None: it has ended. Written by `Goroutines`."""
    arrival: int = 0
    """When it was asked for. Written by its load; for those of a timer by `Scheduler`."""
    started: int = -1
    """When it first ran; negative: not yet. Written by `Processor`."""
    ready_at: int = 0
    """When it last became ready or stopped running. Written by `Scheduler`."""
    stw_mark: int = 0
    """The scheduler's stopped time at that instant. Written by `Scheduler`."""
    remaining: int = 0
    """What is left of an interrupted stretch, and the copying of its stack. Written by `Processor`
    and `GoroutineStacks`."""
    p: P | None = None
    """The P that it runs on, or ran on last. Written by `Processor`."""
    credit: int = 0
    """gcAssistBytes: allocation paid for by mark work; negative is debt. Written by `AssistCredit`,
    and by `MarkAccounts` while it is parked."""
    spinning: bool = False
    """It waits for a point in time: time that it is preempted for is not made up for."""
    epoch: int = 0
    """The cycle that its assist credit belongs to. Written by `AssistCredit`."""
    running: bool = False
    """Whether it is on a P. Written by `Processor`."""
    assisting: bool = False
    """What it does on its P is mark work."""
    waiting: bool = False
    """Whether it is blocked, and since when. Written by `Goroutines`."""
    blocked_at: int = 0
    parked_at: int = 0
    """When it parked in the assist queue."""
    parent: G | None = None
    """Who waits for its end."""
    children: int = 0
    """Goroutines whose end it waits for. `Goroutines` counts down."""
    on_end: Callable[[P], None] | None = None
    """What its end sets off, on the P that it ran on."""
    held: Held | None = None
    """Its stack. Written by `GoroutineStacks`."""
    on_cpu: int = 0
    """Computing; the following as in the table of requests."""
    alloc: int = 0
    assist: int = 0
    assist_wait: int = 0
    """Written by `MarkAccounts`."""
    queue: int = 0
    """Waiting for a P. Written by `Processor`, as `stw` and `throttled`."""
    blocked: int = 0
    """Written by `Goroutines`."""
    lock_wait: int = 0
    stw: int = 0
    gc_slowdown: int = 0
    throttled: int = 0


@dataclass(slots=True, eq=False)
class P:
    """A processor: the right to run Go code. Times in ns."""

    id: int
    runq: LocalQueue[G]
    """Goroutines that wait for it. Written by `Scheduler`."""
    slice: TimeSlice
    """The time slice of what it runs. Written by `Processor`."""
    timers: list[G] = field(default_factory=list)
    """Goroutines whose timers have fired and that no P has looked at yet. Written by
    `Scheduler`."""
    process: simpy.Process | None = None
    """The process of its `Processor`."""
    wake: Alarm | None = None
    """What ends its rest. Written by `Processor`, set off by `Scheduler`."""
    interruptible: bool = False
    """Whether what it does can be preempted. Set by those who do it, cleared by `Scheduler`."""
    doing: str = "idle"
    """`goroutine`, `syscall`, `dedicated`, `fractional`, `idle` (marking), `parked`, `waking` or
    `stopped`. Written by `Processor` and `MarkWorkers`."""
    dedicated: bool = False
    """A dedicated worker runs here next (runtime/runtime2.go: nextGCMarkWorker). Written by
    `MarkWorkers`, as `fractional_ns`."""
    fractional_ns: int = 0
    """Time of fractional marking in this cycle."""
    goroutine_ns: int = 0
    """Time spent on goroutines since the start. Written by `Processor`."""
    idle_ns: int = 0
    """Idle time since the start, as far as it is booked, up to `parked_at`. Written by
    `IdleTime`, as `parked_at`."""
    parked_at: int = 0
    holder: Holder | None = None
    """Who keeps what was allocated here last. Written by `Retention`, and by what nobody keeps."""


@dataclass
class MarkState:
    """Marking as workers and assists share it (runtime/mgc.go: work).

    `GoroutinesOnPs` begins a cycle and its marking; fields say who else writes.
    """

    done: simpy.Event
    """Fires when all mark work of the cycle is done. `MarkAccounts` fires it."""
    work: MarkWork = field(default_factory=lambda: MarkWork(0))
    """Scan work in bytes: not claimed, claimed, done. Markers claim and return it."""
    epoch: int = 0
    """Cycles begun; goroutines of an older epoch have no assist credit."""
    markers: int = 0
    """How many mark at this instant. Written by each of them."""
    idle_workers: int = 0
    """How many of these are idle workers. Written by `MarkWorkers`."""
    queue: deque[G] = field(default_factory=deque)
    """Parked assists. `AssistCredit` appends, `MarkAccounts` pays and takes out."""
    assists: int = 0
    """Assists of the cycle that marked something, and those that had to park. Written by
    `AssistCredit`."""
    parks: int = 0
    wait_ns: int = 0
    """Time that assists of the cycle were parked, ns. Written by `MarkAccounts`."""

    def begin_cycle(self) -> None:
        """Every goroutine starts the cycle without credit (runtime/mgc.go: gcResetMarkState)."""
        self.epoch += 1
        self.assists = self.parks = self.wait_ns = 0
