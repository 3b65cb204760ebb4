"""The state of one run that both modes share. Every field says its unit and who writes it.

`Collector` is `sim.runtime.cycle`; *mutator* is whichever of goroutines on Ps (`sim.actors`) and
rates (`sim.fluid`) the run has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, TypeVar

import simpy

from sim.engine.clock import Clock, ClockTime
from sim.go.barrier import Barrier
from sim.go.limiter import GCCPULimiter
from sim.go.markcourse import MarkCourse
from sim.go.marker import Marker
from sim.go.pacer import Pacer, ScanPart
from sim.go.scavenge import ScavengeGoals
from sim.machine.profile import MachineProfile
from sim.record.facts import Status
from sim.streams import Streams
from sim.units import MAX_INT64, Bytes, Nanoseconds

MARK_KINDS: Final = ("assist", "dedicated", "fractional", "idle")
"""Who marks."""
CPU_KINDS: Final = (*MARK_KINDS, "pause")

T = TypeVar("T")
Process: TypeAlias = Generator[simpy.Event, Any, T]


class Switches(Protocol):
    """Mechanisms of the model that can be switched off: see `sim.config.run.ModelSwitches`."""

    @property
    def resolution(self) -> str: ...
    @property
    def concurrent(self) -> bool: ...
    @property
    def assists(self) -> bool: ...
    @property
    def idle_workers(self) -> bool: ...
    @property
    def fractional_workers(self) -> bool: ...
    @property
    def dedicated_workers(self) -> bool: ...
    @property
    def write_barrier(self) -> bool: ...
    @property
    def black_allocation(self) -> bool: ...
    @property
    def mark_course(self) -> bool: ...
    @property
    def lazy_sweep(self) -> bool: ...
    @property
    def finalizers(self) -> bool: ...
    @property
    def stop_the_world(self) -> bool: ...
    @property
    def mutator_slowdown(self) -> bool: ...
    @property
    def lock_contention(self) -> bool: ...
    @property
    def mcentral(self) -> str: ...
    @property
    def scavenger(self) -> bool: ...


@dataclass(frozen=True)
class Settings:
    """What the run was started with. Written once, when the run is built."""

    gomaxprocs: int
    duration: Nanoseconds
    sampling: Nanoseconds
    """Distance of samples; 0: none."""
    globals_bytes: Bytes
    pacer_name: str
    switches: Switches


@dataclass
class CycleRecord:
    """What is measured of the current cycle. Times in ns, memory in bytes.

    Written by the collector, unless a field names another.
    """

    number: int = 0
    """1 for the first cycle."""
    reason: str = ""
    """`heap`, `time` or `forced`."""
    started: ClockTime = 0
    """When the stop of sweep termination was asked for."""
    mark_started: ClockTime = 0
    """When the world ran again after it."""
    mark_ended: ClockTime = 0
    """When the stop of mark termination was asked for."""
    ended: ClockTime = 0
    """When the world ran again after it."""
    trigger: int = 0
    """heap_live that was to start the cycle."""
    goal: int = 0
    """heap_live that it was not to exceed."""
    heap_start: int = 0
    """heap_live in the first stop, and in the second."""
    heap_end: int = 0
    marked_bytes: int = 0
    """Slots left marked; of these, `black_bytes` were allocated while marking."""
    black_bytes: int = 0
    reachable_bytes: int = 0
    """Slot bytes reachable when it was last known: at the snapshot, then at the end."""
    scannable: int = 0
    """The pacer's heap_scan in the first stop; `scan_expected`: its expected scan work."""
    scan_expected: int = 0
    cons_mark: float = 0.0
    """The pacer's cons/mark ratio after the cycle: bytes allocated by byte of scan work, each per
    CPU time."""
    limit_goal: bool = False
    """Whether the memory limit has set the goal."""
    assist_ratio_start: float = 0.0
    """Scan work in bytes owed per byte allocated, when marking began and when it ended."""
    assist_ratio_end: float = 0.0
    stop_start: ClockTime = 0
    """First stop: until all Ps stood still; `pause_start`: until the world ran again."""
    stop_end: ClockTime = 0
    """The same of the second stop; `pause_end` as well."""
    marked_stopped: ClockTime = 0
    """CPU time of marking while the world stood still, by a collector that is not concurrent."""
    pause_start: ClockTime = 0
    pause_end: ClockTime = 0
    scan: dict[ScanPart, int] = field(default_factory=dict)
    """Scan work by part: globals, stack, heap."""
    scan_left: dict[ScanPart, int] = field(default_factory=dict)
    """What of it has not been done. Written by the markers of the mutator."""
    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MARK_KINDS, 0))
    """Marking time by kind (assist, dedicated, fractional, idle), CPU-ns. Written by the markers
    of the mutator."""


@dataclass
class GC:
    """The collector's state. Written by the collector, unless a field names another."""

    pacer: Pacer
    """When to start, how much to assist. Told by the collector of cycles, by allocation of
    heap_live, by markers of their work."""
    limiter: GCCPULimiter
    """Whether assists are off. Told by the collector of stops, by markers and Ps of their time."""
    marker: Marker
    barrier: Barrier
    wanted: simpy.Event
    """Fires when somebody asks for a cycle, with the reason and the goroutine that asks."""
    started: simpy.Event
    """Fires when the world runs again after the first stop."""
    ended: simpy.Event
    """Fires when the cycle is over."""
    running: bool = False
    """From the decision to start until the world runs again after mark termination."""
    marking: bool = False
    """Whether the barrier is on, beside a program that runs."""
    scan_units: int = 0
    """Scan work of the cycle, bytes."""
    ns_per_unit: float = 1.0
    """CPU-ns of one marker alone for a byte of scan work, the mean of the cycle."""
    course: MarkCourse = field(default_factory=lambda: MarkCourse(()))
    """The same along the cycle."""
    crowding: float = 0.0
    """By how much a second marker slows each of them down in this cycle, as a share."""
    gc_percent: int = 100
    """GOGC in percent; -1: off."""
    memory_limit: Bytes = MAX_INT64
    """GOMEMLIMIT, bytes."""
    limits_changed: Callable[[], None] = lambda: None
    """Fixes goal and trigger anew by the last two. Set by the collector."""
    trigger_at: int = 0
    """heap_live that starts the next cycle, bytes. The mutator moves it under a memory limit."""
    slowdown: float = 1.0
    """Factor on the program's computing time while marking."""
    write_ns: float = 0.0
    """Cost of a pointer write beyond that outside marking, ns."""
    dedicated_needed: int = 0
    """Dedicated workers that are still to be started. Written by the markers of the mutator."""
    fraction: float = 0.0
    """Share of its time that a P spends on fractional marking."""
    max_idle_workers: int = 0
    """Idle Ps that may mark at the same time."""
    cycle: CycleRecord = field(default_factory=CycleRecord)
    """The current cycle, or the last one."""
    cycles: int = 0
    """Cycles that have ended; `forced`: of these, by runtime.GC."""
    forced: int = 0
    last_end: ClockTime = 0
    """When the last cycle ended, ns."""
    scavenge_goals: ScavengeGoals = field(default_factory=ScavengeGoals)
    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CPU_KINDS, 0))
    """CPU-ns by kind since the start. All but `pause`: written by the markers of the mutator."""

    def set_gc_percent(self, percent: int) -> None:
        """Another GOGC from now on; -1: off (runtime/mgcpacer.go: setGCPercent)."""
        self.gc_percent = percent
        self.pacer.set_limits(percent, self.memory_limit)
        self.limits_changed()

    def set_memory_limit(self, limit: Bytes) -> None:
        """Another GOMEMLIMIT from now on (runtime/mgcpacer.go: setMemoryLimit)."""
        self.memory_limit = limit
        self.pacer.set_limits(self.gc_percent, limit)
        self.limits_changed()

    def request(self, reason: str, g: object = None) -> simpy.Event:
        """Ask for a cycle (`heap`, `time` or `forced`); the event fires when the world runs again.

        The goroutine that asks keeps its P and goes on there.
        """
        self.running = True
        self.wanted.succeed((reason, g))
        return self.started


@dataclass
class CgroupLimits:
    """The cgroup of the process."""

    memory: Bytes | None = None
    """Bytes that it may have; None: no limit."""
    cpus: float | None = None
    """CPUs on average over 100 ms; None: no limit."""
    left: float = math.inf
    """Bytes that the process may still use. Written by `sim.runtime.container`, and by stacks."""
    look: Callable[[], None] = lambda: None
    """Looks at the memory of the process; if it has too much, the run ends. Set by `build`."""


class Stopped(NamedTuple):
    """Why a run ended before its time."""

    status: Status
    reason: str

    @property
    def for_memory(self) -> bool:
        """Whether memory ended it: then the last sample is the one that shows it."""
        return self.status in (Status.OUT_OF_MEMORY, Status.OOM_KILLED)


@dataclass
class Runtime:
    """What both modes are built from. Handed to those who build, who give each part its share."""

    clock: Clock
    settings: Settings
    machine: MachineProfile
    streams: Streams
    emit: Callable[[Any], None]
    """Where facts go."""
    gc: GC
    container: CgroupLimits
    finished: simpy.Event
    """The end of the run; its value is a `Stopped` if that came before its time, else None."""
