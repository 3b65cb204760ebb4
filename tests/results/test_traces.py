"""A run prints the trace lines that Go would have printed."""

from __future__ import annotations

from typing import Any

from sim.record.facts import Cycle
from sim.units import MS, SECOND, US, MiB


def test_gctrace(run_of: Any, blank: Any) -> None:
    cycle = blank(
        Cycle,
        number=7,
        reason="forced",
        start_ns=2 * SECOND,
        mark_ns=2 * SECOND + 30 * US,
        mark_term_ns=2 * SECOND + 4 * MS,
        end_ns=2 * SECOND + 4 * MS + 50 * US,
        procs=8,
        assist_ns=MS,
        dedicated_ns=5 * MS,
        fractional_ns=MS,
        idle_ns=12 * MS,
        heap_start=4 * MiB,
        heap_end=5 * MiB,
        heap_marked=3 * MiB,
        heap_goal=6 * MiB,
        stack_scan=MiB,
        globals_scan=2 * MiB,
        gc_cpu_fraction=0.039,
    )
    assert run_of([cycle]).gctrace() == (
        "gc 7 @2.000s 3%: 0.030+3.9+0.050 ms clock, 0.24+1.0/6.0/12+0.40 ms cpu,"
        " 4->5->3 MB, 6 MB goal, 1 MB stacks, 2 MB globals, 8 P (forced)\n"
    )


def test_gcpacertrace(run_of: Any, blank: Any) -> None:
    cycle = blank(
        Cycle,
        mark_term_ns=10 * MS,
        procs=4,
        assist_ns=2 * MS,
        heap_start=4 * MiB,
        heap_end=4 * MiB + 100,
        heap_goal=6 * MiB,
        heap_scan=5,
        stack_scan=6,
        globals_scan=7,
        scan_expected=20,
        cons_mark=0.5,
        assist_ratio_start=1.5,
        dedicated_workers=1,
        heap_scannable=3 * MiB,
    )
    start, end = run_of([cycle]).gcpacertrace().splitlines()
    assert start == "pacer: assist ratio=1.5 (scan 3 MB in 4->6 MB) workers=1+0"
    assert end == (
        "pacer: 30% CPU (25 exp.) for 5+6+7 B work (20 B exp.) in 4194304 B -> 4194404 B"
        " (∆goal -2097052, cons/mark 0.5)"
    )


def test_gcpacertrace_tells_of_the_sweep_between_cycles(run_of: Any, blank: Any) -> None:
    cycle = blank(
        Cycle,
        number=2,
        sweep_end_heap=5 * MiB,
        sweep_allocated=2 * MiB,
        sweep_pages=887,
        sweep_ratio=0.0005,
    )
    done, _ = run_of([cycle]).gcpacertrace().splitlines()
    assert done == (
        "pacer: sweep done at heap size 5MB; allocated 2MB during sweep;"
        " swept 887 pages at 0.0005 pages/byte"
    )


def test_a_periodic_cycle_is_announced_as_go_announces_it(run_of: Any, blank: Any) -> None:
    cycles = [
        blank(Cycle, number=n, reason=reason, procs=1)
        for n, reason in enumerate(("heap", "time", "forced"), start=1)
    ]
    first, announced, second, third = run_of(cycles).gctrace().splitlines()
    assert announced == "GC forced"
    assert second.startswith("gc 2 ")
    assert "(forced)" not in first + second
    assert third.endswith(" (forced)")
