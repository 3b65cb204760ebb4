"""A log for a program of which nobody has one: from its metrics at two times and more.

Counters tell how many cycles there were and what was allocated, gauges the goals and what was
alive, the accounts of CPU time who marked. Cycle by cycle that is spread evenly between two
snapshots. What metrics do not hold is assumed as widely as programs differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sim.errors import UserError
from sim.fitting.gctrace_log import FEWEST_CYCLES, GCTraceLog, GoVersions
from sim.fitting.metrics_marking import MeanMarking, costs_known, mean_marking
from sim.fitting.non_heap import CACHED, SPAN_OVERHEAD, smallness
from sim.fitting.recognise import Segment
from sim.fitting.snapshots import ALLOCATED, CPU, CYCLES, MetricsSnapshot
from sim.formats.gctrace import GCTraceLine
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.units import UNLIMITED, Bytes, Fraction, MiB, Nanoseconds, format_duration

UNKNOWN_COST: Final = 0.85
"""Standard deviation of its logarithm. Chosen as that from program to program; widens intervals of
GC CPU."""
UNKNOWN_LIVE: Final = 0.2
"""The same of the live heap, where only goals and what is in use tell it, or few snapshots do. A
judgement; widens all intervals."""
_ENOUGH_SNAPSHOTS: Final = 5
"""Snapshots from which on the live heap of the last ones is that of the program. A judgement; fewer
moves the live heap."""
_MEAN_ROUNDING: Final = MiB // 2
"""Bytes: what rounding down to MiB hides on average."""
_FIRST_TRIGGER: Final[Fraction] = 0.7
"""The trigger is between these parts of the way from what was marked to the goal."""
_LAST_TRIGGER: Final[Fraction] = 0.95
"""The same, at most (runtime/mgcpacer.go: minTriggerRatioNum, maxTriggerRatioNum)."""
_SAME: Final[Fraction] = 0.01
"""Relative difference of two levels that are the same. A judgement; smaller divides by rounding."""


@dataclass(frozen=True, slots=True)
class KnownProcess:
    """What people say of the process beside its metrics; None: its metrics do."""

    gogc: int | None = None
    memory_limit: Bytes | None = None
    procs: int | None = None


def log_of(
    snapshots: Sequence[MetricsSnapshot], known: KnownProcess, doubts: Sequence[str] = ()
) -> GCTraceLog:
    """The cycles between the first snapshot and the last one.

    Raises UserError for less than two snapshots or three cycles, and where GOMAXPROCS is missing.
    """
    if len(snapshots) < 2:  # noqa: PLR2004
        raise UserError(
            "one scrape says nothing of rates: expected two or more of the same process, some"
            " minutes apart, or the JSON of a query_range"
        )
    first, last = snapshots[0].values, snapshots[-1].values
    _grown(first, last, ALLOCATED, "what was allocated")
    cycles = round(_grown(first, last, CYCLES, "the number of GC cycles"))
    if snapshots[-1].at <= snapshots[0].at:
        raise UserError(
            "the times of the metrics are not known: expected at_ns in dumps, and in scrapes"
            " timestamps, or files that were written when they were made, as curl -o does"
        )
    if cycles < FEWEST_CYCLES:
        apart = format_duration(snapshots[-1].at - snapshots[0].at)
        raise UserError(
            f"only {cycles} GC cycles between the first snapshot and the last one, {apart} later:"
            f" a prediction needs at least {FEWEST_CYCLES}; take the last one later"
        )
    procs = known.procs or round(last.get("/sched/gomaxprocs:threads", 0))
    if not procs:
        raise UserError(
            "the metrics do not hold GOMAXPROCS (go_sched_gomaxprocs_threads):"
            " --logged-gomaxprocs says it"
        )
    segment, sentences = _setting(last, known, procs, cycles)
    lines = list(_lines(snapshots, segment))
    warnings = (*doubts, *sentences, *_missing(first, last))
    version = snapshots[-1].go
    return GCTraceLog(
        lines=tuple(lines),
        measured=slice(1, len(lines)),
        marked=False,
        segment=segment,
        warnings=warnings,
        notes=(f"from {len(snapshots)} snapshots of metrics: cycles are spread evenly in between",),
        seen=(False,) * len(lines),
        starts_full=True,
        go=GoVersions(18, 27) if version is None else GoVersions(version, version),
        unsure_cost=0.0 if costs_known(first, last) else UNKNOWN_COST,
        unsure_live=(
            0.0
            if "/gc/heap/live:bytes" in last and len(snapshots) >= _ENOUGH_SNAPSHOTS
            else UNKNOWN_LIVE
        ),
    )


def _grown(first: Mapping[str, float], last: Mapping[str, float], name: str, what: str) -> float:
    if name not in first or name not in last:
        raise UserError(f"the metrics do not hold {what}: {name}, or what client_golang calls it")
    return last[name] - first[name]


def _setting(
    values: Mapping[str, float], known: KnownProcess, procs: int, cycles: int
) -> tuple[Segment, list[str]]:
    """GOGC and GOMEMLIMIT from metrics, or as somebody says."""
    percent, limit = values.get("/gc/gogc:percent"), values.get("/gc/gomemlimit:bytes", 0.0)
    doubts = []
    if known.gogc is None and percent is None:
        doubts.append("the metrics do not hold GOGC: 100 is assumed; --logged-gogc says it")
    gogc = known.gogc if known.gogc is not None else 100 if percent is None else round(percent)
    none_set = known.gogc is None and percent is not None and percent > UNLIMITED
    bytes_ = known.memory_limit or (round(limit) if 0 < limit < UNLIMITED else None)
    segment = Segment(
        slice(1, cycles + 1),
        None if none_set else gogc,
        bytes_,
        procs,
        recognised=known.gogc is not None or percent is not None,
        how="metrics say so",
    )
    return segment, doubts


def _missing(first: Mapping[str, float], last: Mapping[str, float]) -> Iterator[str]:
    """What the metrics do not say, and is in the intervals."""
    if not costs_known(first, last):
        yield (
            "the metrics do not hold the CPU time of marking (go_cpu_classes_gc_mark_*): it is"
            " assumed to be usual, and may be half or double"
        )
    if CPU not in last and "/cpu/classes/user:cpu-seconds" not in last:
        yield f"the metrics do not hold the CPU time of the process ({CPU}): half of the Ps"
    if "/gc/heap/live:bytes" not in last:
        yield "the live heap is inferred from goals (go_gc_heap_live_bytes came with Go 1.21)"


def _lines(snapshots: Sequence[MetricsSnapshot], segment: Segment) -> Iterator[GCTraceLine]:
    """A line for each cycle, and for the one before."""
    before = _marked(snapshots[0].values, segment)
    rate = _rate(snapshots)
    number = round(snapshots[0].values[CYCLES])
    yield _line(number, 0, before, before, before, 0.0, MeanMarking(1.0, 0.0, 0.0, 0.0), segment)
    since = snapshots[0]
    for snapshot in snapshots[1:]:
        count = round(snapshot.values[CYCLES] - since.values[CYCLES])
        if count <= 0:
            continue
        after = _marked(snapshot.values, segment)
        grown = (snapshot.values[ALLOCATED] - since.values[ALLOCATED]) / count
        every = (snapshot.at - since.at) / count
        mean = (before + after) / 2
        marking = mean_marking(since, snapshot, count, mean, segment.procs)
        told = _mean_marked(grown, rate, marking, segment)
        changing = _changing(before, after, mean if told is None else told)
        # A log counts what spans hold beside objects, and slots that Ps have cached.
        in_spans = SPAN_OVERHEAD * smallness((marking.cpu + 1.0) / max(mean, 1.0))
        for k in range(1, count + 1):
            marked = before + min(1.0, k / count / changing) * (after - before)
            last = before + min(1.0, (k - 1) / count / changing) * (after - before)
            black = min(rate * marking.duration, 0.9 * grown)
            number += 1
            at = round(since.at + (k - 0.5) * every)
            end = (last + grown + CACHED * segment.procs) / (1 - in_spans)
            yield _line(number, at, last, marked, end, black, marking, segment)
        before, since = after, snapshot


def _changing(before: float, after: float, mean: float) -> Fraction:
    """Part of the cycles in which the live heap went from one size to the other, to stay there."""
    if abs(after - before) < _SAME * after:
        return 1.0
    return min(1.0, max(_SAME, 2 * (after - mean) / (after - before)))


def _mean_marked(grown: float, rate: float, marking: MeanMarking, segment: Segment) -> float | None:
    """What cycles leave on average, by what the heap grows in one; None: GOGC does not decide it.

    A cycle starts so far before its goal as the program comes while a quarter of the Ps mark, at
    0.7 to 0.95 of the way, and grows on while it marks (runtime/mgcpacer.go: trigger).
    """
    if not segment.gogc or segment.memory_limit is not None:
        return None
    share, black = segment.gogc / 100, rate * marking.duration
    runway = rate * marking.cpu / (BACKGROUND_UTILIZATION * segment.procs)
    marked = (grown + runway - black) / share
    way = min(_LAST_TRIGGER, max(_FIRST_TRIGGER, 1 - runway / (share * marked)))
    if way in {_FIRST_TRIGGER, _LAST_TRIGGER}:
        marked = (grown - black) / (way * share)
    return max(marked, 0.0)


def _rate(snapshots: Sequence[MetricsSnapshot]) -> float:
    """Bytes allocated a ns."""
    allocated = snapshots[-1].values[ALLOCATED] - snapshots[0].values[ALLOCATED]
    return allocated / (snapshots[-1].at - snapshots[0].at)


def _marked(values: Mapping[str, float], segment: Segment) -> float:
    """What the last cycle left, as metrics say, or as the goal that followed from it tells."""
    if (live := values.get("/gc/heap/live:bytes")) is not None:
        return live
    goal, in_use = (
        values.get("/gc/heap/goal:bytes"),
        values.get("/memory/classes/heap/objects:bytes"),
    )
    if goal is not None and segment.gogc is not None and segment.memory_limit is None:
        return goal / (1 + segment.gogc / 100)
    if in_use is None:
        raise UserError("the metrics do not hold the heap in use: go_memstats_heap_alloc_bytes")
    return 0.75 * in_use


def _line(
    number: int,
    at: Nanoseconds,
    last: float,
    marked: float,
    end: float,
    black: float,
    marking: MeanMarking,
    segment: Segment,
) -> GCTraceLine:
    """As Go would print it, but exact; half a MiB less, which readers of whole MiB add."""
    goal = end if segment.gogc is None else last * (1 + segment.gogc / 100)
    sizes = (max(0, round(size) - _MEAN_ROUNDING) for size in (end - black, end, marked, goal))
    heap_start, heap_end, heap_marked, heap_goal = sizes
    return GCTraceLine(
        number=number,
        at=at,
        percent=0,
        stw_sweep_termination=round(marking.pause / 2),
        concurrent_mark=round(marking.duration),
        stw_mark_termination=round(marking.pause / 2),
        cpu_sweep_termination=round(segment.procs * marking.pause / 2),
        cpu_assist=round(marking.assist),
        cpu_background=round(marking.background),
        cpu_idle=round(marking.idle),
        cpu_mark_termination=round(segment.procs * marking.pause / 2),
        heap_start=heap_start,
        heap_end=heap_end,
        heap_marked=heap_marked,
        heap_goal=heap_goal,
        stacks=None,
        globals=None,
        procs=segment.procs,
    )
