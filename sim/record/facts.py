"""What a run tells: one class a table, one field a column with its unit and meaning.

Times are simulated nanoseconds since the start of the run, memory is in bytes. The schemas of the
tables follow from these classes. Samples have a file of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from sim.record.column import Column
from sim.record.sample import Sample

Fact: TypeAlias = tuple[Any, ...]
"""An instance of one of the classes in TABLES."""


class Status(StrEnum):
    """How a run ended."""

    RUNNING = "running"
    """Not sealed yet; of a run read from its folder: killed on the way, or still at work."""
    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    OOM_KILLED = "oom-killed"
    OVERLOADED = "overloaded"
    """More goroutines wait than a run holds (`sim.actors.overload`)."""
    OUT_OF_MEMORY = "out-of-memory"
    """The heap is larger than a run holds (`sim.runtime.container`)."""
    FAILED = "failed"

    @property
    def whole(self) -> bool:
        """Whether the run came to an end of its own, also where its program was killed."""
        return self not in (Status.RUNNING, Status.INTERRUPTED, Status.FAILED)


class RunInfo(NamedTuple):
    """The run itself: what was asked, of which simulator, and how it ended. One row."""

    config: Annotated[str, Column("text", "config as resolved, with every default")]
    seed: Annotated[int, Column("number", "seed of all random streams")]
    workload: Annotated[str, Column("text", "name of the workload")]
    detail: Annotated[str, Column("text", "mode of the model: events or fluid (`model.detail`)")]
    profile: Annotated[str, Column("text", "name of the machine's cost profile")]
    gomemsim: Annotated[str, Column("version", "version of the simulator")]
    provenance: Annotated[
        str, Column("text", "name and hash of what decides besides the config, a line each")
    ]
    python: Annotated[str, Column("version", "version of Python")]
    numpy: Annotated[str, Column("version", "version of numpy, which draws the random numbers")]
    status: Annotated[Status, Column("text", ", ".join(status.value for status in Status))]
    reason: Annotated[str, Column("text", "why the run ended early; empty if it did not")]
    end_ns: Annotated[int, Column("ns", "simulated time at the end")]
    events: Annotated[int, Column("events", "events that the simulator processed")]


class Phase(NamedTuple):
    """A phase of the run begins (see `sim.record.phases`); it takes the place of later ones."""

    phase: Annotated[str, Column("text", "start-up, warm-up or service")]
    begin_ns: Annotated[int, Column("ns", "when it began")]
    reason: Annotated[str, Column("text", "how that is known")]


class Request(NamedTuple):
    """A goroutine that a load started, from arrival to end, and where its time went.

    The ten parts of its time add up to end_ns - arrival_ns.
    """

    load: Annotated[str, Column("text", "load that it came from")]
    kind: Annotated[str, Column("text", "kind of goroutine")]
    arrival_ns: Annotated[int, Column("ns", "when it arrived")]
    start_ns: Annotated[int, Column("ns", "when it first ran")]
    end_ns: Annotated[int, Column("ns", "when it ended")]
    on_cpu: Annotated[int, Column("ns", "computing")]
    alloc: Annotated[int, Column("ns", "allocating: malloc, refills, zeroing, sweeping")]
    assist: Annotated[int, Column("ns", "marking, to pay for its allocation")]
    assist_wait: Annotated[int, Column("ns", "parked until others had marked enough")]
    queue: Annotated[int, Column("ns", "runnable, without a P")]
    blocked: Annotated[int, Column("ns", "asleep, in I/O or waiting for its children")]
    lock_wait: Annotated[int, Column("ns", "waiting for locks of the runtime")]
    stw: Annotated[int, Column("ns", "stopped with the world")]
    gc_slowdown: Annotated[int, Column("ns", "computing slower because of marking")]
    throttled: Annotated[int, Column("ns", "on a P, but the CPU quota was used up")]


class Throttle(NamedTuple):
    """The process stood still because its CPU quota was used up."""

    at_ns: Annotated[int, Column("ns", "when the quota of the period was used up")]
    end_ns: Annotated[int, Column("ns", "begin of the next period")]


class LockUse(NamedTuple):
    """What one cause did with one lock from one end of a cycle, or begin of load, to the next."""

    end_ns: Annotated[int, Column("ns", "end of the stretch of time")]
    begin_ns: Annotated[int, Column("ns", "begin of it")]
    lock: Annotated[str, Column("text", "mheap, or mcentral[size], such as mcentral[320B noscan]")]
    cause: Annotated[str, Column("text", "push, pop: a span goes in or out; grow, reclaim")]
    acquisitions: Annotated[float, Column("count", "times it was taken, as expected number")]
    contended: Annotated[float, Column("count", "of them with somebody else inside")]
    hold_ns: Annotated[int, Column("ns", "total time held")]
    wait_ns: Annotated[int, Column("ns", "total time waited for")]
    max_wait_ns: Annotated[int, Column("ns", "longest wait; expected where refills go in batches")]


class SpanClassUse(NamedTuple):
    """The spans of one span class at one instant: at the end of each cycle and of the run."""

    at_ns: Annotated[int, Column("ns", "when")]
    cycle: Annotated[int, Column("cycle", "cycles that had ended")]
    span_class: Annotated[int, Column("number", "size class * 2 + noscan; 0 and 1 are large")]
    size: Annotated[int, Column("bytes", "size of a slot; 0 for large objects")]
    noscan: Annotated[bool, Column("flag", "its objects hold no pointers")]
    spans: Annotated[int, Column("spans", "spans in use")]
    objects: Annotated[int, Column("objects", "slots in use: alive, or dead and not swept")]
    live_objects: Annotated[int, Column("objects", "objects that are reachable")]
    free_slots: Annotated[int, Column("slots", "slots without an object")]
    span_bytes: Annotated[int, Column("bytes", "memory of its spans")]
    object_bytes: Annotated[int, Column("bytes", "slots in use")]
    live_bytes: Annotated[int, Column("bytes", "slots of reachable objects")]
    tail_waste_bytes: Annotated[int, Column("bytes", "ends of spans in which no slot fits")]
    internal_waste_bytes: Annotated[int, Column("bytes", "slots in use beyond what was asked for")]


class FreeRuns(NamedTuple):
    """Free pages between the spans at one instant, by the length of the runs they form."""

    at_ns: Annotated[int, Column("ns", "when")]
    cycle: Annotated[int, Column("cycle", "cycles that had ended")]
    longest: Annotated[int, Column("bytes", "longest run of this row; more than half of it each")]
    runs: Annotated[int, Column("runs", "runs of this length")]
    free_bytes: Annotated[int, Column("bytes", "memory of them, returned to the OS or not")]


class Cycle(NamedTuple):
    """A GC cycle from sweep termination to the end of mark termination, and its sweep.

    What the fluid mode does not know is null.
    """

    number: Annotated[int, Column("cycle", "cycles since the start, this one included")]
    reason: Annotated[str, Column("text", "heap, time or forced")]
    start_ns: Annotated[int, Column("ns", "sweep termination begins (tSweepTerm)")]
    mark_ns: Annotated[int, Column("ns", "concurrent marking begins (tMark)")]
    mark_term_ns: Annotated[int, Column("ns", "mark termination begins (tMarkTerm)")]
    end_ns: Annotated[int, Column("ns", "the world runs again (tEnd)")]
    procs: Annotated[int, Column("threads", "GOMAXPROCS")]
    trigger: Annotated[int, Column("bytes", "heap_live at which the cycle was to start")]
    heap_goal: Annotated[int, Column("bytes", "heap_live at which it was to have ended")]
    limit_goal: Annotated[bool, Column("flag", "the memory limit, not GOGC, set the goal")]
    heap_start: Annotated[int, Column("bytes", "heap_live when it started (heap0)")]
    heap_end: Annotated[int, Column("bytes", "heap_live when marking ended (heap1)")]
    heap_marked: Annotated[int, Column("bytes", "marked: what it found alive (heap2)")]
    allocated_black: Annotated[int, Column("bytes", "of it allocated while marking")]
    floating: Annotated[int | None, Column("bytes", "of it unreachable when marking ended")]
    stacks: Annotated[int, Column("bytes", "memory of goroutine stacks when it ended")]
    dedicated_workers: Annotated[int, Column("threads", "dedicated workers that it needed")]
    fractional_goal: Annotated[float, Column("fraction", "of each P, for fractional workers")]
    heap_scannable: Annotated[int, Column("bytes", "heap that might hold pointers, at its start")]
    heap_scan: Annotated[int, Column("bytes", "scan work done in the heap")]
    stack_scan: Annotated[int, Column("bytes", "scan work done in stacks")]
    globals_scan: Annotated[int, Column("bytes", "scan work done in globals")]
    scan_expected: Annotated[int, Column("bytes", "scan work that the pacer expected")]
    cons_mark: Annotated[float, Column("ratio", "cons/mark with which the trigger was set")]
    assist_ratio_start: Annotated[float, Column("bytes/byte", "scan work owed, at its start")]
    assist_ratio_end: Annotated[float, Column("bytes/byte", "scan work owed, at its end")]
    dedicated_ns: Annotated[int, Column("cpu-ns", "marking by dedicated workers")]
    fractional_ns: Annotated[int, Column("cpu-ns", "marking by fractional workers")]
    idle_ns: Annotated[int, Column("cpu-ns", "marking by Ps without other work")]
    assist_ns: Annotated[int, Column("cpu-ns", "marking by allocating goroutines")]
    assists: Annotated[int | None, Column("count", "assists that marked something")]
    assist_parks: Annotated[int | None, Column("count", "assists that had to park")]
    assist_wait_ns: Annotated[int | None, Column("ns", "total time that assists were parked")]
    stw_start_stopping_ns: Annotated[int, Column("ns", "first pause: until all Ps stood still")]
    stw_start_ns: Annotated[int, Column("ns", "first pause, stopping included")]
    stw_end_stopping_ns: Annotated[int, Column("ns", "second pause: until all Ps stood still")]
    stw_end_ns: Annotated[int, Column("ns", "second pause, stopping included")]
    stw_cpu_ns: Annotated[int, Column("cpu-ns", "pauses as /cpu/classes/gc/pause counts them")]
    swept_background: Annotated[int | None, Column("spans", "swept by the background sweeper")]
    swept_refill: Annotated[int | None, Column("spans", "swept by refills")]
    swept_debt: Annotated[int | None, Column("spans", "swept to pay for fresh spans")]
    swept_reclaim: Annotated[int | None, Column("spans", "swept in search of free pages")]
    swept_flush: Annotated[int | None, Column("spans", "swept when mcaches gave them up")]
    swept_call: Annotated[int | None, Column("spans", "swept by calls of runtime.GC")]
    swept_stopped: Annotated[int | None, Column("spans", "swept in the pause: no `lazy_sweep`")]
    swept_start: Annotated[int | None, Column("spans", "left to the start of this cycle")]
    sweep_end_heap: Annotated[int | None, Column("bytes", "heap_live at the end of the last sweep")]
    sweep_allocated: Annotated[int | None, Column("bytes", "growth of heap_live during that sweep")]
    sweep_pages: Annotated[int | None, Column("pages", "swept by it; 0: there was none")]
    sweep_ratio: Annotated[float | None, Column("pages/byte", "that allocation had to sweep")]
    freed_spans: Annotated[int, Column("spans", "freed by sweeping, since the last cycle")]
    freed_bytes: Annotated[int, Column("bytes", "objects freed by sweeping, since the last cycle")]
    finalizers_due: Annotated[int, Column("count", "finalizers of what it found unreachable")]
    finalizers_run: Annotated[int, Column("count", "finalizers called since the last cycle")]
    limiter_fill_ns: Annotated[int, Column("cpu-ns", "fill of the GC CPU limiter's bucket")]
    limiter_overflow_ns: Annotated[int, Column("cpu-ns", "GC time that no longer fitted, so far")]
    limiting: Annotated[bool, Column("flag", "the limiter forbids assists")]
    gc_cpu_fraction: Annotated[float, Column("fraction", "GC CPU since the start, without idle")]


class Pause(NamedTuple):
    """A stop of the world."""

    at_ns: Annotated[int, Column("ns", "when the stop was asked for")]
    kind: Annotated[str, Column("text", "sweep-termination, mark-termination or another reason")]
    stopping_ns: Annotated[int, Column("ns", "until all Ps stood still")]
    total_ns: Annotated[int, Column("ns", "until the world ran again")]
    cycle: Annotated[int, Column("cycle", "cycle it belongs to; 0: none")]


class Slice(NamedTuple):
    """A stretch of time of a P; assists lie within goroutines. Told only when asked for."""

    processor: Annotated[int, Column("number", "id of the P")]
    start_ns: Annotated[int, Column("ns", "begin")]
    end_ns: Annotated[int, Column("ns", "end")]
    kind: Annotated[
        str,
        Column("text", "goroutine, assist, dedicated, fractional, idle, sweep, scavenge or stw"),
    ]
    name: Annotated[str, Column("text", "kind of goroutine, where one runs")]


class MarkProgress(NamedTuple):
    """How far marking was when somebody handed in mark work. Told only when asked for.

    A run knows no single objects: what is black is the share of the scan work that has been done,
    of the bytes that are reachable; what is grey is being scanned; all the rest is white.
    """

    at_ns: Annotated[int, Column("ns", "when")]
    cycle: Annotated[int, Column("cycle", "cycle that marks")]
    white: Annotated[int, Column("bytes", "objects not yet marked, at the end garbage")]
    grey: Annotated[int, Column("bytes", "objects that somebody is scanning")]
    black: Annotated[int, Column("bytes", "objects that are marked: scanned, or new")]
    black_new: Annotated[int, Column("bytes", "of the black ones those allocated while marking")]
    work_left: Annotated[int, Column("bytes", "scan work that nobody has begun: the work queue")]
    credit: Annotated[int, Column("bytes", "scan work in advance that assists may take")]
    assists_waiting: Annotated[int, Column("count", "goroutines parked in the assist queue")]
    assist_debt: Annotated[int, Column("bytes", "allocation for which these still have to pay")]


TABLES: Final[Mapping[str, type[Fact]]] = MappingProxyType(
    {
        "run": RunInfo,
        "phases": Phase,
        "samples": Sample,
        "requests": Request,
        "locks": LockUse,
        "spans": SpanClassUse,
        "free_runs": FreeRuns,
        "cycles": Cycle,
        "pauses": Pause,
        "slices": Slice,
        "marking": MarkProgress,
        "throttles": Throttle,
    }
)
"""Name of each table, and of its file, to the class of its rows."""
