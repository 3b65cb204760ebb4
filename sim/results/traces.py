"""The trace lines that Go would have printed, from the table of cycles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from sim.formats import gctrace as gctrace_format
from sim.formats import pacertrace
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.record.facts import Cycle

GOAL_UTILIZATION: Final = 25  # percent; runtime/mgcpacer.go: gcGoalUtilization


def gctrace(cycles: pd.DataFrame) -> Iterator[str]:
    """Lines of GODEBUG=gctrace=1 (mgc.go: gcMarkTermination; proc.go: forcegchelper)."""
    for cycle in _rows(cycles):
        if cycle.reason == "time":
            yield "GC forced"
        yield gctrace_format.format_line(_gctrace_line(cycle))


def gcpacertrace(cycles: pd.DataFrame) -> Iterator[str]:
    """Lines of GODEBUG=gcpacertrace=1: cycles, and ends of sweeps (mgcpacer.go, mgcsweep.go)."""
    for cycle in _rows(cycles):
        if (cycle.sweep_pages or 0) > 0:  # NaN, where it is not known
            yield pacertrace.format_line(_sweep_done(cycle))
        yield pacertrace.format_line(_cycle_start(cycle))
        if cycle.heap_end > cycle.heap_start:  # otherwise the pacer learns nothing, and is silent
            yield pacertrace.format_line(_cycle_end(cycle))


def _rows(cycles: pd.DataFrame) -> Iterator[Cycle]:
    columns = list(Cycle._fields)
    return map(Cycle._make, cycles[columns].itertuples(index=False, name=None))


def _gctrace_line(cycle: Cycle) -> gctrace_format.GCTraceLine:
    stw1, stw2 = cycle.mark_ns - cycle.start_ns, cycle.end_ns - cycle.mark_term_ns
    return gctrace_format.GCTraceLine(
        number=cycle.number,
        at=cycle.start_ns,
        percent=int(cycle.gc_cpu_fraction * 100),
        stw_sweep_termination=stw1,
        concurrent_mark=cycle.mark_term_ns - cycle.mark_ns,
        stw_mark_termination=stw2,
        cpu_sweep_termination=stw1 * cycle.procs,
        cpu_assist=cycle.assist_ns,
        cpu_background=cycle.dedicated_ns + cycle.fractional_ns,
        cpu_idle=cycle.idle_ns,
        cpu_mark_termination=stw2 * cycle.procs,
        heap_start=cycle.heap_start,
        heap_end=cycle.heap_end,
        heap_marked=cycle.heap_marked,
        heap_goal=cycle.heap_goal,
        stacks=cycle.stack_scan,
        globals=cycle.globals_scan,
        procs=cycle.procs,
        forced=cycle.reason == "forced",
    )


def _sweep_done(cycle: Any) -> pacertrace.SweepDone:
    return pacertrace.SweepDone(
        heap_live=cycle.sweep_end_heap,
        allocated=cycle.sweep_allocated,
        pages_swept=cycle.sweep_pages,
        pages_per_byte=cycle.sweep_ratio,
    )


def _cycle_start(cycle: Cycle) -> pacertrace.CycleStart:
    return pacertrace.CycleStart(
        assist_ratio=cycle.assist_ratio_start,
        heap_scan=cycle.heap_scannable,
        heap_live=cycle.heap_start,
        heap_goal=cycle.heap_goal,
        dedicated_workers=cycle.dedicated_workers,
        fractional_utilization_goal=cycle.fractional_goal,
    )


def _cycle_end(cycle: Cycle) -> pacertrace.CycleEnd:
    available = (cycle.mark_term_ns - cycle.start_ns) * cycle.procs
    assisting = cycle.assist_ns / available if available else 0.0
    return pacertrace.CycleEnd(
        utilization=int((BACKGROUND_UTILIZATION + assisting) * 100),
        goal_utilization=GOAL_UTILIZATION,
        heap_scan_work=cycle.heap_scan,
        stack_scan_work=cycle.stack_scan,
        globals_scan_work=cycle.globals_scan,
        expected_scan_work=cycle.scan_expected,
        triggered=cycle.heap_start,
        heap_live=cycle.heap_end,
        goal_delta=cycle.heap_end - cycle.heap_goal,
        cons_mark=cycle.cons_mark,
    )
