"""A program for the fluid model from one gctrace log, with what the log could not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from sim.fitting import versions
from sim.fitting.calibrate import calibrate
from sim.fitting.condensed import Kept, kept
from sim.fitting.fit import Fit
from sim.fitting.gctrace_log import GCTraceLog
from sim.fitting.large import LEAST_GOAL, jumps, no_jumps
from sim.fitting.load import IDLE_SHARE_OF_WAITING, idle_share
from sim.fitting.non_heap import CACHED, assumed_overheads, smallness
from sim.fitting.observe import Floats, Observed, observe
from sim.fitting.phases import FEW_CYCLES, Phases, phases
from sim.fitting.resident import LastHeap
from sim.fitting.settings import name_gogc, name_limit
from sim.replay.memory import Overheads
from sim.replay.program import FREE_IN_CACHED, Load, ObservedCycle, ObservedProgram, Window
from sim.replay.setting import Setting
from sim.units import Bytes, Fraction, MiB

_SLOWEST: Final = 0.01
"""Rate of allocation of a cycle of few MiB, relative to the mean of all."""
_FASTEST: Final = 3.0
"""The same, at most. A judgement: a difference of whole MiB can be 0 or twice what it was; moves
when cycles come in logs of small heaps."""
_MOSTLY: Final[Fraction] = 0.5
"""Share of the cost of cycles that hangs on the size of the heap, from which on it is looked at by
size. A majority; moves GC CPU of programs whose heap changes much."""
_HARDLY: Final = 0.1
"""Rate of allocation while the heap is marked, relative to that over all; below, cycles begin where
the program allocates next to nothing. A judgement: recorded programs have 0.3 to 4, and two whose
large objects begin their cycles 0.02 at most; moves cycles of such under a limit."""
_SURELY_GROWN: Final = 2 * MiB
"""Bytes of printed growth from which on most of it is no rounding: two whole MiB."""


def fit_program(
    log: GCTraceLog, logged: Setting, load: Load | None = None, cached: Bytes = CACHED
) -> Fit:
    """The program of a log that was written under a setting.

    `load` overrides what the idle mark workers say about it; `cached` is what each P allocates in
    every cycle anew.
    """
    load = load or (Load.WAITING if idle_share(log) > IDLE_SHARE_OF_WAITING else Load.BUSY)
    whole = observe(log.lines, logged.gogc, load, log.measured)
    large = jumps(whole, logged) if any(log.seen) else no_jumps(whole)
    cached = round(cached * (1 - large.share(whole)))
    whole = _without_cached_slots(whole, cached)
    course = phases(whole, log.measured)
    last = _last_heap(whole, logged, log.measured)
    part = kept(whole, log.measured, starts_full=log.starts_full)
    seen, measured = part.of(whole), part.measured
    positions = np.cumsum(seen.allocated)
    demand = _mean_rate(seen, measured)
    cycles = _cycles(seen, measured, positions, load)
    while_marking = float(seen.grown_marking[measured].sum() / seen.program_cpu[measured].sum())
    cpus = float(seen.program_cpu[measured].sum() / seen.duration[measured].sum())
    program = ObservedProgram(
        procs=seen.procs,
        load=load,
        cycles=cycles,
        forced=tuple((positions - seen.black)[seen.forced].tolist()),
        begin=_begin(seen, measured, positions, marked=log.marked),
        end=_end(seen, measured, positions, last),
        allocation_rate=_rate_between_cycles(seen, measured),
        demand=demand,
        demanded_cpus=demand / while_marking,
        marking_cpus=cpus,
        background_share=_share(seen.background, seen, measured),
        roots=round(seen.roots),
        pauses=_pauses(log),
        pause_per_cycle=_pause_per_cycle(log),
        span_overhead=seen.span_overhead,
        cached=cached,
        large=large.at(part.places).objects(seen, positions),
        rate_elsewhere=_rate_elsewhere(load, while_marking, demand / cpus),
        pacer=versions.pacer_of(log.go),
        starts_full=part.starts_full,
    )
    return Fit(
        program=calibrate(program, logged, seen, measured),
        overheads=_overheads(log, seen, logged),
        observed=seen,
        measured=measured,
        course=course,
        stands_for=part.stands_for,
        steady_from=None if load is Load.BUSY else _steady_from(cycles, course, part),
        logged=logged,
        sizes=(),
        assumptions=(
            *_assumptions(log, load, logged, seen.mark_cost),
            *log.notes,
            *part.sentences(),
        ),
        warnings=(*log.warnings, *_doubts(log)),
        last=last,
        go=log.go,
        unsure_cost=log.unsure_cost,
        unsure_live=log.unsure_live,
    )


def _steady_from(cycles: Sequence[ObservedCycle], course: Phases, part: Kept) -> float | None:
    """Position at which the steady part of a service begins; None where it is none."""
    if not course.holds:
        return None
    places = part.places[part.measured]
    after_start = int(np.searchsorted(places, places[0] + course.starting))
    return cycles[int(part.measured.start) + after_start].end


def _without_cached_slots(seen: Observed, cached: Bytes) -> Observed:
    """Free slots that Ps cache count as allocated, and are not."""
    slots = cached * seen.procs
    least = (1 - FREE_IN_CACHED) * seen.allocated
    return replace(seen, allocated=np.maximum(seen.allocated - slots, least))


def _overheads(log: GCTraceLog, seen: Observed, logged: Setting) -> Overheads:
    """Memory beside the heap; what a limit left for the heap tells what was beside it."""
    assumed = assumed_overheads(seen.mark_cost, _stacks(log), log.go)
    goal = log.segment.heap_goal
    if goal is None and logged.gogc is None:
        goal = round(float(np.median(seen.goal[log.measured])))
    if goal is None or logged.memory_limit is None:
        return assumed
    headroom = versions.limit_headroom(log.go, goal)
    return assumed.with_goal(goal, headroom, logged.memory_limit)


def _last_heap(seen: Observed, logged: Setting, measured: slice) -> LastHeap:
    """Where the heap may have got to after the last cycle, as its goal and trigger suggest."""
    marked, goal = float(seen.marked[-1]), float(seen.goal[-1])
    if logged.gogc is not None and logged.memory_limit is None:
        goal = max(marked + (marked + seen.roots) * logged.gogc / 100, LEAST_GOAL * logged.gogc)
    if measured.stop < len(seen.marked):
        goal = marked
    trigger = float(np.median(seen.start / np.maximum(seen.goal, MiB)))
    return LastHeap(float(seen.end.max()), marked, max(0.0, min(trigger, 1.0) * goal - marked))


def _share(cpu: Floats, seen: Observed, measured: slice) -> Fraction:
    """Share of all Ps over the measured mark phases."""
    return float(cpu[measured].sum() / (seen.procs * seen.duration[measured].sum()))


def _cycles(
    seen: Observed, measured: slice, positions: Floats, load: Load
) -> tuple[ObservedCycle, ...]:
    rates = _rates_while_marking(seen, measured, load)
    # Assists that found no idle P took their time from the program, which wanted it for itself.
    wanted = seen.program_cpu + np.maximum(seen.assist - seen.idle, 0.0)
    cpus = wanted / seen.duration
    inside = range(*measured.indices(len(rates)))
    apart = _apart(seen, measured)
    return tuple(
        ObservedCycle(
            start=float(positions[i] - seen.black[i]),
            end=float(positions[i]),
            live=float(seen.live[i]),
            mark_cost=max(float(seen.mark_cpu[i] / seen.live[i]), 1e-6),
            allocation_rate=float(rates[i]),
            program_cpus=float(cpus[i]),
            idle_cpus=float(seen.idle[i] / seen.duration[i]),
            measured=i in inside,
            apart=apart[i],
        )
        for i in range(len(rates))
    )


def _rate_elsewhere(load: Load, while_marking: float, usual: float) -> float:
    """Of a program that waits, where next to nothing shows while its heap is marked; else 0."""
    return usual if load is Load.WAITING and while_marking < _HARDLY * usual else 0.0


def _rates_while_marking(seen: Observed, measured: slice, load: Load) -> Floats:
    """Heap bytes per CPU-ns of the program, cycle by cycle.

    One rate where it waits for load: how much of that comes in a cycle makes the difference.
    Outside the measured part within bounds, where rounding may be all there is to see; who calls
    runtime.GC waits for it, allocating nothing.
    """
    grown, cpu = seen.grown_marking, seen.program_cpu
    mean = float(grown[measured].sum() / cpu[measured].sum())
    rates: Floats = grown / cpu
    unsure = grown < _SURELY_GROWN
    unsure[measured] = False
    if load is Load.WAITING:
        rates[measured] = mean
    rates[unsure] = np.clip(rates[unsure], _SLOWEST * mean, _FASTEST * mean)
    return rates


def _begin(seen: Observed, measured: slice, positions: Floats, *, marked: bool) -> Window:
    """After the last cycle before the mark; exactly there if that one was forced."""
    first = measured.start
    if first == 0:
        return Window(0.0, float(positions[0]) if marked else 0.0)
    low = float(positions[first - 1])
    return Window(low, low if seen.forced[first - 1] else float(positions[first]))


def _end(seen: Observed, measured: slice, positions: Floats, last: LastHeap) -> Window:
    """Before the cycle after the last one measured, which need not have come."""
    low = float(positions[measured.stop - 1])
    following = positions[measured.stop : measured.stop + 1]
    return Window(low, float(following[0]) if len(following) else low + last.growth)


def _gaps(seen: Observed, measured: slice) -> slice:
    """Measured cycles that have a measured one before them."""
    return slice(measured.start + 1, measured.stop)


def _rate_between_cycles(seen: Observed, measured: slice) -> float:
    inside = _gaps(seen, measured)
    before = slice(inside.start - 1, inside.stop - 1)
    if inside.start >= inside.stop:
        return _mean_rate(seen, measured)
    time = seen.at[inside] - seen.at[before] - seen.duration[before]
    grown = seen.allocated[inside] - seen.black[inside]
    return float(grown.sum() / max(float(time.sum()), 1.0))


def _apart(seen: Observed, measured: slice) -> list[float | None]:
    """ns from the end of each mark phase to the start of the next one."""
    inside = _gaps(seen, measured)
    before = slice(inside.start - 1, inside.stop - 1)
    apart: list[float | None] = [None] * len(seen.at)
    time = seen.at[inside] - seen.at[before] - seen.duration[before]
    apart[inside] = np.maximum(time, 0.0).tolist()
    return apart


def _mean_rate(seen: Observed, measured: slice) -> float:
    inside = _gaps(seen, measured)
    if inside.start >= inside.stop:
        return float(seen.allocated.sum() / max(float(seen.at[-1] + seen.duration[-1]), 1.0))
    time = seen.at[inside.stop - 1] - seen.at[inside.start - 1]
    return float(seen.allocated[inside].sum() / max(float(time), 1.0))


def _pauses(log: GCTraceLog) -> tuple[int, ...]:
    lines = log.lines[log.measured]
    return tuple(
        pause for line in lines for pause in (line.stw_sweep_termination, line.stw_mark_termination)
    )


def _pause_per_cycle(log: GCTraceLog) -> float:
    pauses = _pauses(log)
    return 2 * sum(pauses) / len(pauses)


def _stacks(log: GCTraceLog) -> float:
    """Bytes of stacks that were scanned, as printed, on average."""
    return float(np.mean([line.stacks or 0 for line in log.lines[log.measured]]))


def _assumptions(log: GCTraceLog, load: Load, logged: Setting, mark_cost: float) -> tuple[str, ...]:
    what = {
        Load.BUSY: "the program is busy all the time: predictions are for the same work",
        Load.WAITING: "the program waits for load: predictions are for the same duration",
    }[load]
    return (
        f"logged under GOGC={name_gogc(logged.gogc)}, GOMEMLIMIT={name_limit(logged.memory_limit)}",
        what,
        (
            "what is allocated per unit of work does not depend on the number of cycles"
            " (a program with sync.Pools allocates more when cycles are more frequent)"
        ),
        (
            "objects are small: memory beside the heap is that of small spans"
            if smallness(mark_cost) > _MOSTLY
            else "objects are large, since marking costs little: there is little beside the heap"
        ),
        "all live memory is scanned: gctrace does not say how much holds pointers",
        *([] if log.go.newest == versions.NEWEST else [versions.sentence(log.go)]),
    )


def _doubts(log: GCTraceLog) -> tuple[str, ...]:
    lines = log.lines[log.measured]
    doubts = []
    if len(lines) < FEW_CYCLES:
        doubts.append(f"only {len(lines)} cycles are measured: too few for their scatter")
    if all(line.forced for line in lines):
        doubts.append("all measured cycles were forced: nothing is known about the pacing")
    if max(line.heap_marked for line in lines) < 4 * MiB:
        doubts.append("the heap is so small that whole MiB say little about it")
    return tuple(doubts)
