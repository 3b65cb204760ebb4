"""The machine: what each step of the runtime costs, every number with its provenance.

A profile is a YAML file whose keys are the fields below; each has a value, its spread over the
repetitions, and the micro-benchmark that measured it. All costs are CPU ns of one core.
`sim.config.machine` reads and writes them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Final, TypeAlias

from annotated_types import Ge

Cost: TypeAlias = Annotated[float, Ge(0)]

DEFAULT: Final = "default-x86-64"
"""The profile of those who have not measured their own."""


@dataclass(frozen=True, slots=True)
class AllocCosts:
    """mallocgc and refills (runtime/malloc.go, mcache.go)."""

    noscan_ns: Cost
    """A small pointer-free object: the fast path."""
    scan_ns: Cost
    """A small object with pointers: the fast path and its pointer bitmap."""
    tiny_ns: Cost
    """A tiny object, its share of taking a 16-byte block included."""
    header_ns: Cost
    """What an object above 512 bytes costs more."""
    byte_ns: Cost
    """Clearing a byte of recycled memory."""
    marking_ns: Cost
    """What an object costs more while marking: slow path, allocate black."""
    large_ns: Cost
    """A large object, beyond its span and its bytes."""
    refill_partial_ns: Cost
    """Refill of an mcache with a swept span, and using its holes: both come from memory."""
    refill_fresh_ns: Cost
    """Refill with a fresh span: page allocator, initialisation."""


@dataclass(frozen=True, slots=True)
class PageCosts:
    """Page heap and mcentrals."""

    fault_ns: Cost
    """First touch of a 4 KiB page of the OS."""
    span_set_ns: Cost
    """A push to or pop from a span set of an mcentral."""
    span_list_ns: Cost
    """The lock of an mcentral of Go 1.14 is held to move a span from list to list."""
    alloc_span_ns: Cost
    """The heap lock is held to take pages."""
    free_span_ns: Cost
    """The heap lock is held to free a span."""
    scavenge_ns: Cost
    """Returning 64 KiB to the OS (madvise)."""


@dataclass(frozen=True, slots=True)
class SweepCosts:
    """Sweeping (runtime/mgcsweep.go)."""

    span_ns: Cost
    """A span in which something survives."""
    freed_span_ns: Cost
    """What a span costs more that is given back whole."""


@dataclass(frozen=True, slots=True)
class MarkCosts:
    """Marking (runtime/mgcmark.go, mgcmark_greenteagc.go)."""

    cycle_ns: Cost
    """A cycle of a program with hardly any heap: starting workers, finding out that all is done."""
    root_byte_ns: Cost
    """A byte of globals."""
    stack_ns: Cost
    """A goroutine's stack."""
    stack_byte_ns: Cost
    """A byte of a stack."""
    noscan_object_ns: Cost
    """Marking an object without pointers."""
    object_ns: Cost
    """Greying and fetching an object that is scanned by itself."""
    byte_ns: Cost
    """A byte of such an object."""
    span_visit_ns: Cost
    """Taking a span from the queue (Green Tea)."""
    sparse_object_ns: Cost
    """An object of a sparse span."""
    dense_byte_ns: Cost
    """A byte of a span that the vector kernel scans whole."""
    pointer_ns: Cost
    """Following a pointer."""
    dense_pointer_ns: Cost
    """Following a pointer that the vector kernel has gathered."""
    span_ns: Cost
    """A span with live objects, once in a cycle: its descriptor and mark bits come from memory."""
    apart_ns: Cost
    """What an object costs more that lies apart from those marked before it, and is in no cache."""
    queued_apart_ns: Cost
    """The same where marks gather in the queue of spans, which takes some of the misses away."""
    crowded_span_ns: Cost
    """What a span costs more beside a second marker: its lines were written by that one last."""
    crowded_apart_ns: Cost
    """What an object that lies apart costs more beside a second marker."""
    vector_kernel: Cost
    """1 if the CPU can scan whole spans (AVX-512 with GFNI: Ice Lake, Zen 4, and later), else 0."""
    cache_bytes: Cost = 0.0
    """Memory that caches hold of more that is read at random, addresses of its pages included.
    0: it was not measured, and what lies apart is in none."""
    unseen_heap: Cost = 0.0
    """By what part marking the heap of a program is off from what its steps cost, four times in
    five: so it is with benchmarks' heaps by the costs of the others. 0: it was not measured."""

    def times(self, factor: float) -> MarkCosts:
        """Costs of a heap whose marking takes so many times as long."""
        costs = {f.name: factor * getattr(self, f.name) for f in fields(self)}
        facts = ("vector_kernel", "cache_bytes", "unseen_heap")
        return MarkCosts(**costs | {name: getattr(self, name) for name in facts})


@dataclass(frozen=True, slots=True)
class ClassicMarkCosts:
    """Marking object by object (up to Go 1.25, runtime/mgcmark_nogreenteagc.go).

    What the fields of `MarkCosts` are with this marker, which looks for mark bits elsewhere.
    """

    noscan_object_ns: Cost
    object_ns: Cost
    byte_ns: Cost
    pointer_ns: Cost
    span_ns: Cost
    apart_ns: Cost


@dataclass(frozen=True, slots=True)
class BarrierCosts:
    """Write barrier (runtime/mwbbuf.go)."""

    pointer_ns: Cost
    """Shading a pointer on a write while marking, flush included; the hybrid barrier shades two."""


@dataclass(frozen=True, slots=True)
class StopCosts:
    """Stopping the world (runtime/proc.go, mgc.go)."""

    stop_ns: Cost
    """With no other P busy."""
    stop_other_ns: Cost
    """Until another busy P has stopped: median."""
    stop_per_p_ns: Cost
    """Every further busy P: sending it a signal."""
    stop_sigma: Cost
    """Standard deviation of the logarithm of the time to stop."""
    start_work_ns: Cost
    """Work with the world stopped when a cycle starts."""
    restart_per_p_ns: Cost
    """Waking every further P when the world starts again."""
    termination_work_ns: Cost
    """Work with the world stopped when marking ends."""
    ragged_barrier_ns: Cost
    """Asking every P to flush its buffers before the second stop."""


@dataclass(frozen=True, slots=True)
class FinalizerCosts:
    """Finalizers (runtime/mfinal.go, mheap.go: addspecial)."""

    set_ns: Cost
    """SetFinalizer on the first object of a span."""
    step_ns: Cost
    """Every object before it in the span that has a finalizer as well: a list is walked."""
    root_ns: Cost
    """An object with a finalizer is a root of marking."""
    run_ns: Cost
    """Queueing it when its span is swept, and calling it."""


@dataclass(frozen=True, slots=True)
class SchedulerCosts:
    """Goroutines and Ps (runtime/proc.go)."""

    go_ns: Cost
    """Starting a goroutine."""
    wake_ns: Cost
    """Until a parked P runs what it was woken for."""


@dataclass(frozen=True, slots=True)
class MutatorCosts:
    """What marking costs the program beyond CPU time."""

    slowdown: Cost
    """Factor on computing time while the collector marks: caches, memory bandwidth."""


@dataclass(frozen=True, slots=True)
class FootprintCosts:
    """Memory of the runtime itself in an idle program (bytes)."""

    metadata_bytes: Cost
    """Of a heap of one arena: /memory/classes/metadata/other."""
    other_bytes: Cost
    """/memory/classes/other."""
    text_bytes: Cost
    """Resident code and data of the program's file: part of RSS, not of Go's accounts."""
    runtime_bytes: Cost
    """Resident memory of the runtime beside the heap, stacks and records of spans, after a few
    collections: data segment, tables, mark bits, buffers."""


@dataclass(frozen=True, slots=True)
class MachineProfile:
    """All costs of one machine."""

    name: str
    provenance: dict[str, str]
    """Who measured what, on which machine, how and when."""
    alloc: AllocCosts
    page: PageCosts
    sweep: SweepCosts
    mark: MarkCosts
    barrier: BarrierCosts
    stw: StopCosts
    finalizer: FinalizerCosts
    sched: SchedulerCosts
    mutator: MutatorCosts
    footprint: FootprintCosts
    mark_classic: ClassicMarkCosts | None = None
    """None: they were not measured apart, and those of `mark` hold for both markers."""

    def marked_by(self, marker: str) -> MachineProfile:
        """The machine on which this marker works."""
        if marker != "classic" or self.mark_classic is None:
            return self
        return replace(self, mark=replace(self.mark, **asdict(self.mark_classic)))

    def running(self, file: float | None) -> MachineProfile:
        """The machine with a program whose executable is resident by so many bytes, if told."""
        if file is None:
            return self
        return replace(self, footprint=replace(self.footprint, text_bytes=file))


CLASSIC: Final = "mark_classic"
"""The section that a profile may leave out."""
SECTIONS: Final = {
    "alloc": AllocCosts,
    "page": PageCosts,
    "sweep": SweepCosts,
    "mark": MarkCosts,
    "barrier": BarrierCosts,
    "stw": StopCosts,
    "finalizer": FinalizerCosts,
    "sched": SchedulerCosts,
    "mutator": MutatorCosts,
    "footprint": FootprintCosts,
}
