"""What one run is: the typed form of a config file.

Annotations carry what YAML needs to know: the unit, the word for a special value, the key when it
is not the name of the field, bounds and the kind of policy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from annotated_types import Ge, Gt, Le

from sim.config.annotations import Name, Word
from sim.config.policy import Policy, Slot
from sim.errors import UserError
from sim.machine.profile import DEFAULT
from sim.quantities import MOST_GOGC, MOST_PS
from sim.units import MAX_INT64, MS, SECOND, Bytes, Fraction, Nanoseconds
from sim.workload.program import Program

NO_GC: Final = -1
"""gc_percent of GOGC=off (runtime/mgcpacer.go: readGOGC)."""
AUTO: Final = -1
"""A warm-up, or an end of the run, that is to be found."""
GREEN_TEA_SINCE: Final = 26
"""Minor version of Go 1 whose default marker is Green Tea (internal/buildcfg/exp.go)."""

STOP_KEEPS_PS_SINCE: Final = 26
"""That in which a stop leaves goroutines on their Ps (runtime/proc.go: goschedImpl, procresize)."""


def default_marker(go: str) -> Policy:
    """The marker that a Go version such as 1.25 has unless its build was told otherwise."""
    return Policy("marker", "greentea" if minor(go) >= GREEN_TEA_SINCE else "classic")


def stop_keeps_ps(go: str) -> bool:
    """Do goroutines of this Go version go on on their Ps after a stop of the world?"""
    return minor(go) >= STOP_KEEPS_PS_SINCE


def minor(go: str) -> int:
    """25 of a Go version such as 1.25."""
    return int(go.partition(".")[2])


@dataclass(frozen=True)
class GcPolicies:
    """The exchangeable parts of the collector."""

    pacer: Annotated[Policy, Slot("pacer")] = Policy("pacer", "go1.27")
    """When to start a cycle and how hard to assist."""
    marker: Annotated[Policy, Slot("marker")] = Policy("marker", "greentea")
    """In which order and at what cost objects are marked; `classic` before Go 1.26."""
    barrier: Annotated[Policy, Slot("barrier")] = Policy("barrier", "hybrid")
    """What a pointer write does while marking."""


@dataclass(frozen=True)
class ModelSwitches:
    """Mechanisms of the model, each of which can be switched off to see what it explains."""

    detail: Literal["events", "fluid"] = "events"
    """`events`: every goroutine and every refill; `fluid`: rates between the instants that matter,
    for long runs and wide sweeps: no requests, locks and spans."""
    resolution: Literal["batched", "refill"] = "batched"
    """`batched`: all refills of a slice of work together; `refill`: every refill an event."""
    concurrent: bool = True
    """Mark while the program runs; off: the world stands still for the whole cycle."""
    assists: bool = True
    """Goroutines that allocate while marking pay with mark work."""
    idle_workers: bool = True
    """Ps without goroutines mark."""
    fractional_workers: bool = True
    """Part-time workers where 25 % of the Ps is no whole number."""
    dedicated_workers: bool = True
    """Full-time workers on 25 % of the Ps."""
    write_barrier: bool = True
    """Pointer writes cost more while marking."""
    black_allocation: bool = True
    """Objects allocated while marking survive the cycle."""
    mark_course: bool = True
    """Roots and tables of pointers are scanned first, at their own costs; off: a byte of scan work
    costs the same all cycle long."""
    lazy_sweep: bool = True
    """Spans are swept when they are needed; off: all at the end of the cycle."""
    limiter: bool = True
    """The GC CPU limiter caps assists at half of the CPU time."""
    finalizers: bool = True
    """Objects with finalizers are kept until these have been called; off: they have none."""
    stop_the_world: bool = True
    """Stopping the world takes time."""
    mutator_slowdown: bool = True
    """The program runs slower while marking: caches and memory bandwidth."""
    lock_contention: bool = True
    """Ps wait for each other at mcentral and mheap."""
    mcentral: Literal["go1.27", "go1.14"] = "go1.27"
    """`go1.27`: span sets without a lock; `go1.14`: two lists of spans behind a lock."""
    scavenger: bool = True
    """Free pages go back to the operating system."""


@dataclass(frozen=True)
class Cgroup:
    """Limits of the container."""

    memory: Bytes | None = None
    """Memory above which the process is killed; `none`: no limit."""
    cpu: Annotated[float, Gt(0)] | None = None
    """CPUs of quota; the process is throttled above it; `none`: no quota."""


@dataclass(frozen=True)
class OperatingSystem:
    """How the operating system is set."""

    huge_pages: Literal["never", "always"] = "never"
    """Transparent huge pages; `madvise` is `never` here: Go does not ask for them in the heap."""


@dataclass(frozen=True)
class Record:
    """What is written down besides requests and cycles."""

    samples: Nanoseconds = 10 * MS
    """Distance of the samples of runtime/metrics; 0: none."""
    timeline: bool = False
    """Keep what every P did when, and how marking went on: for the trace viewer and the report."""
    warmup: Annotated[Nanoseconds, Ge(0), Word("auto", AUTO)] = AUTO
    """How long load runs before statistics begin; `auto`: found by MSER-5 at the end of the run.
    Filling stores is never part of them; programs that only run batches have no warm-up."""


@dataclass(frozen=True)
class Precision:
    """When a run of `duration: auto` ends: as soon as the means of some figures are known so well.

    Their intervals come from batch means (see `sim.results.batch_means`).
    """

    relative: Annotated[Fraction, Gt(0), Le(0.5)] = 0.05
    """Largest half width of an interval (95 % confidence), relative to the mean."""
    figures: tuple[Literal["live_heap", "gc_cpu", "latency"], ...] = (
        "live_heap",
        "gc_cpu",
        "latency",
    )
    """Which means: those of the live heap and of GC CPU by cycle, of latency by request."""
    limit: Annotated[Nanoseconds, Gt(0)] = 60 * SECOND
    """Simulated time at which the run ends in any case."""

    def __post_init__(self) -> None:
        if not self.figures:
            raise UserError("figures: expected at least one")


@dataclass(frozen=True)
class RunConfig:
    """One run: a program, the settings of the Go runtime, the machine and the model."""

    workload: str
    """Name or path of a workload file (beside the config, in ../workloads or in workloads)."""
    program: Program
    """The workload with its overrides."""
    gc_percent: Annotated[int, Name("GOGC"), Ge(0), Le(MOST_GOGC), Word("off", NO_GC)] = 100
    """Growth of the heap between cycles in percent of the live heap; `off`: none for growth."""
    memory_limit: Annotated[Bytes, Name("GOMEMLIMIT"), Word("off", MAX_INT64)] = MAX_INT64
    """Soft limit of the memory of the Go runtime."""
    gomaxprocs: Annotated[int, Name("GOMAXPROCS"), Ge(1), Le(MOST_PS)] = 1
    """Number of Ps."""
    duration: Annotated[Nanoseconds, Gt(0), Word("auto", AUTO)] = 10 * SECOND
    """Simulated time after which the run ends; batches may end it before. `auto`: as soon as what
    is asked for in `precision` is known."""
    precision: Precision = field(default_factory=Precision)
    """What is to be known before a run of `duration: auto` ends."""
    seed: Annotated[int, Ge(0)] = 1
    """Seed of all random streams."""
    go: Literal["1.21", "1.22", "1.23", "1.24", "1.25", "1.26", "1.27"] = "1.27"
    """Version of the Go runtime whose rules apply: span layout, marker, who runs after a stop."""
    machine: str = DEFAULT
    """Cost profile: a shipped name or the path of a file."""
    plugins: tuple[Path, ...] = ()
    """Python files beside the config that register policies."""
    gc: GcPolicies = field(default_factory=GcPolicies)
    """The exchangeable parts of the collector."""
    model: ModelSwitches = field(default_factory=ModelSwitches)
    """Mechanisms of the model, to be switched off one by one."""
    cgroup: Cgroup = field(default_factory=Cgroup)
    """Limits of the container."""
    os: OperatingSystem = field(default_factory=OperatingSystem)
    """How the operating system is set."""
    record: Record = field(default_factory=Record)
    """What is written down."""

    @property
    def longest(self) -> Nanoseconds:
        """Simulated time after which the run has ended in any case."""
        return self.precision.limit if self.duration == AUTO else self.duration
