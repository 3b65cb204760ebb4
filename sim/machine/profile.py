"""The machine: what each step of the runtime costs, every number with its provenance.

A profile is a YAML file whose keys are the fields below; each has a value, its spread over the
repetitions, and the micro-benchmark that measured it. All costs are CPU ns of one core.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import yaml

from sim.errors import UserError, nearest
from sim.files import write

DEFAULT: Final = "default-x86-64"
"""The profile of those who have not measured their own."""


@dataclass(frozen=True, slots=True)
class AllocCosts:
    """mallocgc and refills (runtime/malloc.go, mcache.go)."""

    noscan_ns: float
    """A small pointer-free object: the fast path."""
    scan_ns: float
    """A small object with pointers: the fast path and its pointer bitmap."""
    tiny_ns: float
    """A tiny object, its share of taking a 16-byte block included."""
    header_ns: float
    """What an object above 512 bytes costs more."""
    byte_ns: float
    """Clearing a byte of recycled memory."""
    marking_ns: float
    """What an object costs more while marking: slow path, allocate black."""
    large_ns: float
    """A large object, beyond its span and its bytes."""
    refill_partial_ns: float
    """Refill of an mcache with a swept span, and using its holes: both come from memory."""
    refill_fresh_ns: float
    """Refill with a fresh span: page allocator, initialisation."""


@dataclass(frozen=True, slots=True)
class PageCosts:
    """Page heap and mcentrals."""

    fault_ns: float
    """First touch of a 4 KiB page of the OS."""
    span_set_ns: float
    """A push to or pop from a span set of an mcentral."""
    span_list_ns: float
    """The lock of an mcentral of Go 1.14 is held to move a span from list to list."""
    alloc_span_ns: float
    """The heap lock is held to take pages."""
    free_span_ns: float
    """The heap lock is held to free a span."""
    scavenge_ns: float
    """Returning 64 KiB to the OS (madvise)."""


@dataclass(frozen=True, slots=True)
class SweepCosts:
    """Sweeping (runtime/mgcsweep.go)."""

    span_ns: float
    """A span in which something survives."""
    freed_span_ns: float
    """What a span costs more that is given back whole."""


@dataclass(frozen=True, slots=True)
class MarkCosts:
    """Marking (runtime/mgcmark.go, mgcmark_greenteagc.go)."""

    cycle_ns: float
    """A cycle of a program with hardly any heap: starting workers, finding out that all is done."""
    root_byte_ns: float
    """A byte of globals."""
    stack_ns: float
    """A goroutine's stack."""
    stack_byte_ns: float
    """A byte of a stack."""
    noscan_object_ns: float
    """Marking an object without pointers."""
    object_ns: float
    """Greying and fetching an object that is scanned by itself."""
    byte_ns: float
    """A byte of such an object."""
    span_visit_ns: float
    """Taking a span from the queue (Green Tea)."""
    sparse_object_ns: float
    """An object of a sparse span."""
    dense_byte_ns: float
    """A byte of a span that the vector kernel scans whole."""
    pointer_ns: float
    """Following a pointer."""
    dense_pointer_ns: float
    """Following a pointer that the vector kernel has gathered."""
    span_ns: float
    """A span with live objects, once in a cycle: its descriptor and mark bits come from memory."""
    apart_ns: float
    """What an object costs more that lies apart from those marked before it: no cache holds it."""
    queued_apart_ns: float
    """The same where marks gather in the queue of spans, which takes some of the misses away."""
    crowded_span_ns: float
    """What a span costs more beside a second marker: its lines were written by that one last."""
    crowded_apart_ns: float
    """What an object that lies apart costs more beside a second marker."""
    vector_kernel: float
    """1 if the CPU can scan whole spans (AVX-512 with GFNI: Ice Lake, Zen 4, and later), else 0."""

    def times(self, factor: float) -> MarkCosts:
        """Costs of a heap whose marking takes so many times as long."""
        costs = {f.name: factor * getattr(self, f.name) for f in fields(self)}
        return MarkCosts(**costs | {"vector_kernel": self.vector_kernel})


@dataclass(frozen=True, slots=True)
class BarrierCosts:
    """Write barrier (runtime/mwbbuf.go)."""

    pointer_ns: float
    """Shading a pointer on a write while marking, flush included; the hybrid barrier shades two."""


@dataclass(frozen=True, slots=True)
class StopCosts:
    """Stopping the world (runtime/proc.go, mgc.go)."""

    stop_ns: float
    """With no other P busy."""
    stop_other_ns: float
    """Until another busy P has stopped: median."""
    stop_per_p_ns: float
    """Every further busy P: sending it a signal."""
    stop_sigma: float
    """Standard deviation of the logarithm of the time to stop."""
    start_work_ns: float
    """Work with the world stopped when a cycle starts."""
    restart_per_p_ns: float
    """Waking every further P when the world starts again."""
    termination_work_ns: float
    """Work with the world stopped when marking ends."""
    ragged_barrier_ns: float
    """Asking every P to flush its buffers before the second stop."""


@dataclass(frozen=True, slots=True)
class FinalizerCosts:
    """Finalizers (runtime/mfinal.go, mheap.go: addspecial)."""

    set_ns: float
    """SetFinalizer on the first object of a span."""
    step_ns: float
    """Every object before it in the span that has a finalizer as well: a list is walked."""
    root_ns: float
    """An object with a finalizer is a root of marking."""
    run_ns: float
    """Queueing it when its span is swept, and calling it."""


@dataclass(frozen=True, slots=True)
class SchedulerCosts:
    """Goroutines and Ps (runtime/proc.go)."""

    go_ns: float
    """Starting a goroutine."""
    wake_ns: float
    """Until a parked P runs what it was woken for."""


@dataclass(frozen=True, slots=True)
class MutatorCosts:
    """What marking costs the program beyond CPU time."""

    slowdown: float
    """Factor on computing time while the collector marks: caches, memory bandwidth."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Memory of the runtime itself in an idle program (bytes)."""

    metadata_bytes: float
    """Of a heap of one arena: /memory/classes/metadata/other."""
    other_bytes: float
    """/memory/classes/other."""
    text_bytes: float
    """Resident code and data of the program's file: part of RSS, not of Go's accounts."""
    runtime_bytes: float
    """Resident memory of the runtime beside the heap, stacks and records of spans, after a few
    collections: data segment, tables, mark bits, buffers."""


@dataclass(frozen=True, slots=True)
class MachineProfile:
    """All costs of one machine."""

    name: str
    provenance: dict[str, Any]
    alloc: AllocCosts
    page: PageCosts
    sweep: SweepCosts
    mark: MarkCosts
    barrier: BarrierCosts
    stw: StopCosts
    finalizer: FinalizerCosts
    sched: SchedulerCosts
    mutator: MutatorCosts
    footprint: Footprint

    def running(self, file: float | None) -> MachineProfile:
        """The machine with a program whose executable is resident by so many bytes, if told."""
        if file is None:
            return self
        return replace(self, footprint=replace(self.footprint, text_bytes=file))


SECTIONS: Final = {
    "alloc": AllocCosts, "page": PageCosts, "sweep": SweepCosts, "mark": MarkCosts,
    "barrier": BarrierCosts, "stw": StopCosts, "finalizer": FinalizerCosts,
    "sched": SchedulerCosts, "mutator": MutatorCosts, "footprint": Footprint,
}  # fmt: skip


def shipped() -> dict[str, Path]:
    """The profiles that come with the package, by name."""
    folder = Path(str(files("sim.machine"))) / "profiles"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def load_profile(name: str) -> MachineProfile:
    """A profile by its shipped name or the path of a file; UserError if something is wrong."""
    if name in shipped():
        return _shipped_profile(name)
    if not Path(name).is_file():
        raise UserError(f"there is no machine profile {name!r}{nearest(name, shipped())}")
    return _read(Path(name))


@cache
def _shipped_profile(name: str) -> MachineProfile:
    return _read(shipped()[name])


def _read(path: Path) -> MachineProfile:
    try:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not readable as YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(text, dict) or not isinstance(text.get("costs"), dict):
        raise UserError(f"{path}: expected the keys provenance and costs")
    _check_names(path, "costs", text["costs"], SECTIONS)
    sections = {
        section: _section(path, section, cls, text["costs"][section])
        for section, cls in SECTIONS.items()
    }
    return MachineProfile(name=path.stem, provenance=text.get("provenance", {}), **sections)


def save_profile(profile: MachineProfile, path: Path) -> None:
    """Write a profile that `load_profile` can read; spreads and benchmarks are not kept."""
    costs = {section: asdict(getattr(profile, section)) for section in SECTIONS}
    text = {"provenance": profile.provenance, "costs": costs}
    write(path, yaml.safe_dump(text, sort_keys=False, allow_unicode=True))


def _section(path: Path, section: str, cls: type[Any], values: Any) -> Any:
    names = [f.name for f in fields(cls)]
    _check_names(path, f"costs.{section}", values, names)
    return cls(**{name: _number(path, f"costs.{section}.{name}", values[name]) for name in names})


def _check_names(path: Path, where: str, found: Any, expected: Any) -> None:
    if not isinstance(found, dict):
        raise UserError(f"{path}: {where}: expected a mapping, got {found!r}")
    for name in found:
        if name not in expected:
            raise UserError(f"{path}: {where}: unknown key {name!r}{nearest(str(name), expected)}")
    for name in expected:
        if name not in found:
            raise UserError(f"{path}: {where}: the key {name!r} is missing")


def _number(path: Path, where: str, cost: Any) -> float:
    value = cost.get("value") if isinstance(cost, dict) else cost
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise UserError(f"{path}: {where}: expected a cost of at least 0, got {value!r}")
    return float(value)
