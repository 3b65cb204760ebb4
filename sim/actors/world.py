"""The parts of one run: what the actors share. Data only; the actors act on it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.engine.clock import Alarm, Clock
from sim.engine.lock import Lock
from sim.go.kinds import KindTable, Mix
from sim.go.markwork import MarkWork
from sim.go.mcache import Mcaches
from sim.go.mheap import HeapStats, MHeap
from sim.go.pool import SyncPool
from sim.go.runq import GlobalQueue, LocalQueue, Tally
from sim.go.scavenge import BackgroundScavenger
from sim.go.stacks import Held, Stacks
from sim.go.sweep import SweepPace
from sim.go.sysmon import Sysmon, TimeSlice
from sim.machine.profile import MachineProfile
from sim.runtime.memory import MemoryAccounts
from sim.runtime.state import GC, Container, Runtime, Switches
from sim.streams import Streams
from sim.workload.finalizers import Finalizers
from sim.workload.holders import Holder, Store
from sim.workload.ledger import Ledger

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HEAP_LOCK_CAUSES: Final = ("grow", "reclaim")
"""What the heap lock is held for."""
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
    keeper: Holder | None = None
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
class Memory:
    """The heap, what is reachable in it, and allocation that is not yet materialised.

    `slots[p][mix]` is what was allocated since the last batch; of it, `kept[mix][owner]` belongs
    to long-lived owners, and every goroutine knows its own part. `price` (ns per slot) and
    `live_per_slot` (bytes of heap_live per slot) are what the last batches cost.
    """

    heap: MHeap
    stacks: Stacks
    caches: Mcaches
    kinds: KindTable
    mixes: list[Mix]
    ledger: Ledger
    finalizers: Finalizers
    pace: SweepPace
    mix_kinds: list[Ints]
    mix_classes: list[Ints]
    malloc_ns: Floats
    """Fast path per slot by kind; the same while marking in `malloc_ns_marking`."""
    malloc_ns_marking: Floats
    kind_slots: Floats
    """Slot bytes by kind."""
    kind_classes: Ints
    kind_ranks: Ints
    """Numbers that tell small kinds of the same span class apart."""
    kind_pages: Ints
    """Pages of a large object by kind; 0 for small ones."""
    small_kinds: Ints
    """Kinds of the size classes, class after class, and those classes."""
    small_classes: Ints
    kind_scan: Floats
    """Scannable bytes by kind."""
    kind_objects: Floats
    """Requested objects per slot by kind."""
    large_ns: Floats
    """Span allocation per large object by kind."""
    class_price: Floats
    """Refill ns per slot by span class."""
    class_wait: Floats
    """Waiting for locks in ns per slot by span class; `large_wait` per large object by kind."""
    large_wait: Floats
    class_live: Floats
    """Bytes of heap_live per slot by span class."""
    lock_use: LockUse
    slots: list[list[float]]
    price: list[float]
    wait_price: list[float]
    live_per_slot: list[float]
    scan_per_slot: list[float]
    kept: list[dict[int, Holder]] = field(default_factory=list)
    """What long-lived owners keep, by mix and owner."""
    holders: list[dict[Holder, None]] = field(default_factory=list)
    """Who has something that is not written down yet, by mix, in order of time."""
    pending_live: int = 0
    """Estimated heap_live of what is pending; already counted by the pacer."""
    pending_scan: int = 0
    room: float = 0.0
    """Estimated bytes that may be pending before the next batch."""
    black: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Slots allocated black by span, while marking."""
    snapshot_rows: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """Slots by span that the snapshot found reachable."""
    stacks_scanned: int = 0
    """Goroutines whose stacks the cycle scans."""
    last_batch_at: int = 0
    aged_at: int = 0
    """When exponential lifetimes were last accounted for."""
    heap_lock_wait: float = 0.0
    """Mean wait for the heap lock in the last batch."""
    heap_lock_count: float = 0.0
    heap_lock_hold: float = 0.0
    stores: dict[str, Store] = field(default_factory=dict)
    pools: dict[str, SyncPool] = field(default_factory=dict)
    tenured: dict[tuple[float, int], int] = field(default_factory=dict)
    """Owners of objects with exponential lifetimes by their mean and mix; infinite for ever."""
    tiny_allocs: float = 0.0
    waste_by_class: Floats = field(default_factory=lambda: np.zeros(0))
    """Share of a used slot that was not asked for, by span class."""
    background_scavenger: BackgroundScavenger = field(default_factory=BackgroundScavenger)
    scavenge_ns: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("assist", "background"), 0)
    )
    """CPU time of returning memory since the start, by who did it."""
    pages_before: int = 0
    """Pages of the heap after the last batch."""
    owed_ns: int = 0
    """Scavenging that the next goroutine to allocate has to do."""
    sweep_debt_ns: float = 0.0
    """Sweeping to keep pace that nobody has paid for yet; negative: paid in advance."""
    debt_price: float = 0.0
    """What of it goes with a byte of heap_live, in CPU-ns."""
    locks: dict[str, Lock] = field(default_factory=dict)


@dataclass(slots=True)
class LockUse:
    """What each cause did with each lock.

    Rows: refills with the mcentral of each span class, then the heap lock by HEAP_LOCK_CAUSES.
    """

    acquisitions: Floats
    contended: Floats
    hold_ns: Floats
    wait_ns: Floats
    max_wait_ns: Floats
    since: int = 0
    """Begin in ns of what the rows are about."""

    def clear(self, now: int) -> None:
        """Begin anew."""
        self.since = now
        for rows in (
            self.acquisitions, self.contended, self.hold_ns, self.wait_ns, self.max_wait_ns
        ):  # fmt: skip
            rows[:] = 0.0


class SweepDone(NamedTuple):
    """The end of a sweep (runtime/mgcsweep.go: activeSweep.end)."""

    heap_live: int
    allocated: int
    """heap_live moved by so much since the sweep began."""
    pages: int
    pages_per_byte: float


@dataclass
class SweepBook:
    """How the sweep after the last cycle goes. Written by sweeping and by `heap.sweep_report`."""

    spans: dict[str, int] = field(default_factory=dict)
    """Spans swept by whom since the last cycle ended, and spans freed."""
    done: SweepDone | None = None
    """How it ended, once it has."""
    freed_before: HeapStats = field(default_factory=HeapStats)
    """The heap's counters when the last cycle ended."""
    finalizers_before: int = 0
    """Finalizers that had been called by then."""


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


@dataclass
class World:
    """One run."""

    runtime: Runtime
    env: Clock
    gomaxprocs: int
    gc_percent: int
    memory_limit: int
    duration: int
    machine: MachineProfile
    switches: Switches
    streams: Streams
    emit: Callable[[Any], None]
    container: Container
    sched: Scheduler
    memory: Memory
    gc: GC
    mark: MarkPhase
    sweep: SweepBook
    finished: simpy.Event
    """The end of the run; its value is the verdict if the process was killed."""
    sweeper: G
    scavenger: G
    finalizer: G
    new_goroutine: Callable[[str], G]
    pacer_name: str
    accounts: MemoryAccounts = field(init=False)
    """Where all memory is. Set by `build`."""
    timeline: bool = False
    """Tell what each P does when."""
