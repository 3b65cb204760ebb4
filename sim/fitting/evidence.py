"""More than the log: metrics, a heap profile, an execution trace, where somebody has them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sim.errors import UserError
from sim.fitting.non_heap import BITMAPS, OLD_BITMAPS
from sim.fitting.resident import Resident
from sim.fitting.snapshots import RSS, MetricsSnapshot, read_snapshots
from sim.formats import exec_trace, pprof
from sim.formats.exec_trace import ExecTrace
from sim.formats.log import open_log
from sim.replay.memory import Overheads
from sim.replay.program import Load
from sim.units import SECOND, UNLIMITED, Bytes, Fraction, PerSecond, format_bytes, format_duration

MOST_SIZES: Final = 12
"""Sizes of objects that a workload lists; the rest of a profile hardly counts."""
SPARE_OF_WAITING: Final[Fraction] = 0.05
"""Share of the Ps' time; with more to spare, load limits the program, not CPU. A judgement; decides
whether a fit is waiting or busy."""
FEWEST_REQUESTS: Final = 10
"""Goroutines of a function in a trace, that requests are told by. Chosen so that a rate is known to
a third (1 / sqrt(10)); fewer takes chance for load."""
REQUESTS_SHARE: Final[Fraction] = 0.5
"""Of the program's CPU time, that goroutines of one function need to pass for its requests. A
majority; smaller takes a helper for a request."""
_LARGEST_SHARE: Final = 0.5
"""Memory beside the heap that grows with it, relative to the heap. A bound, which guards against
figures of different instants."""
_FIXED: Final = ("metadata/other", "profiling/buckets", "heap/stacks", "other")
"""Memory classes that do not grow with the heap."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found besides the log; empty where nothing was given."""

    sizes: tuple[tuple[Bytes, float], ...] = ()
    """Sizes of live objects and their relative frequency."""
    overheads: Overheads | None = None
    gogc: int | None = None
    memory_limit: Bytes | None = None
    load: Load | None = None
    arrivals: PerSecond | None = None
    """Of requests."""
    resident: Resident | None = None
    """Resident memory of the process, as its metrics have it."""
    snapshots: tuple[MetricsSnapshot, ...] = ()
    """Metrics of the process, in order of time: without a log they stand for one."""
    doubts: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


def read_evidence(
    metrics: Path | None = None,
    expositions: Sequence[Path] = (),
    profile: Path | None = None,
    trace: Path | None = None,
    process: str | None = None,
) -> Evidence:
    """Evidence from dumps of runtime/metrics, Prometheus, a heap profile and a trace.

    `process` is the one meant, where metrics are of several. Raises UserError for a file that says
    nothing.
    """
    snapshots, doubts = read_snapshots(metrics, expositions, process)
    values = snapshots[-1].values if snapshots else {}
    sizes = _sizes(profile) if profile else _mean_size(values)
    overheads = _overheads(values, snapshots[-1].go if snapshots else None)
    limit = values.get("/gc/gomemlimit:bytes", 0.0)
    gogc = values.get("/gc/gogc:percent")
    sentences = []
    if sizes:
        source = "a heap profile" if profile else "the mean of all allocations"
        sentences.append(f"sizes of objects are known from {source}")
    if overheads:
        share = f"{overheads.share:.1%}"
        fixed = format_bytes(overheads.fixed)
        sentences.append(f"memory beside the heap was measured: {fixed} and {share} of the heap")
    load, arrivals = None, None
    if trace:
        traced = _trace(trace)
        load, sentence = _load(traced)
        sentences.append(sentence)
        if load is Load.WAITING and (requests := _requests(traced)):
            arrivals, sentence = requests
            sentences.append(sentence)
    return Evidence(
        sizes=sizes,
        overheads=overheads,
        gogc=None if gogc is None or gogc > UNLIMITED else round(gogc),
        memory_limit=round(limit) if 0 < limit < UNLIMITED else None,
        load=load,
        arrivals=arrivals,
        resident=_resident(snapshots),
        snapshots=tuple(snapshots),
        doubts=tuple(doubts),
        sentences=tuple(sentences),
    )


def _trace(path: Path) -> ExecTrace:
    with open_log(path) as lines:
        found = exec_trace.parse(lines)
    if not found.duration or not found.procs:
        raise UserError(
            f"{path}: there is no execution trace in it as text, which"
            " `go tool trace -d=parsed trace.out` makes"
        )
    return found


def _load(trace: ExecTrace) -> tuple[Load, str]:
    """Idle workers mark in time that nobody else wants."""
    used = trace.program_cpu + sum(cpu for kind, cpu in trace.worker_cpu.items() if kind != "idle")
    spare = max(0.0, 1 - used / (trace.procs * trace.duration))
    load = Load.WAITING if spare > SPARE_OF_WAITING else Load.BUSY
    return load, f"{spare:.0%} of the Ps' time is to spare, by an execution trace"


def _requests(trace: ExecTrace) -> tuple[PerSecond, str] | None:
    """Goroutines of the function that the program spends most of its time in."""
    own = {name: s for name, s in trace.started.items() if not re.match(r"runtime[./]", name)}
    name = max(own, key=lambda name: own[name].cpu, default="")
    if not name or own[name].count < FEWEST_REQUESTS:
        return None
    if own[name].cpu < REQUESTS_SHARE * trace.program_cpu:
        return None
    per_second = own[name].count * SECOND / trace.duration
    each = format_duration(own[name].cpu / own[name].count)
    return per_second, (
        f"requests are goroutines that run {name}: {per_second:.4g} a second, {each} of CPU each,"
        " by an execution trace (one that serves many requests counts once; --arrivals corrects it)"
    )


def _resident(snapshots: Sequence[MetricsSnapshot]) -> Resident | None:
    """Where it was most, with the heap of that moment."""
    sized = [one.values for one in snapshots if RSS in one.values]
    if not sized:
        return None
    most = max(sized, key=lambda values: values[RSS])
    parts = [most.get(f"/memory/classes/heap/{part}:bytes") for part in ("objects", "free")]
    heap = None if None in parts else round(sum(part for part in parts if part is not None))
    return Resident(round(most[RSS]), heap)


def _overheads(values: Mapping[str, float], go: int | None) -> Overheads | None:
    """What is mapped and neither a heap object nor free nor returned (memoryLimitHeapGoal).

    Free slots in spans and descriptions of spans grow with the heap; tables and stacks do not.
    """
    names = ("total", "heap/objects", "heap/free", "heap/released")
    sizes = [values.get(f"/memory/classes/{name}:bytes") for name in names]
    total, objects, free, released = sizes
    if total is None or objects is None or free is None or released is None:
        return None
    beside, assumed = total - objects - free - released, Overheads()
    known = [values.get(f"/memory/classes/{name}:bytes") for name in _FIXED]
    constant = sum(size for size in known if size is not None)
    fixed = min(beside, constant if None not in known else assumed.constant)
    share = min(_LARGEST_SHARE, max(0.0, (beside - fixed) / max(1.0, objects)))
    untouched = assumed.untouched + (BITMAPS if go in OLD_BITMAPS else 0)
    return Overheads(
        fixed=round(fixed),
        libraries=0,
        share=share,
        untouched=min(round(fixed), untouched),
        measured=True,
    )


def _mean_size(values: Mapping[str, float]) -> tuple[tuple[Bytes, float], ...]:
    allocated = values.get("/gc/heap/allocs:bytes")
    objects = values.get("/gc/heap/allocs:objects")
    return ((max(1, round(allocated / objects)), 1.0),) if allocated and objects else ()


def _sizes(path: Path) -> tuple[tuple[Bytes, float], ...]:
    counts: dict[int, float] = {}
    for sample in pprof.read(path).samples:
        objects, space = sample.inuse_objects, sample.inuse_space
        if objects == 0:
            objects, space = sample.alloc_objects, sample.alloc_space
        if objects > 0:
            size = sample.size or max(1, space // objects)
            counts[size] = counts.get(size, 0.0) + objects
    if not counts:
        raise UserError(f"{path}: the heap profile holds no objects")
    weightiest = sorted(counts, key=lambda size: -size * counts[size])[:MOST_SIZES]
    total = sum(counts[size] for size in weightiest)
    return tuple((size, counts[size] / total) for size in sorted(weightiest))
