"""The pacer is Go's, bit for bit: cycles start and end where Go starts and ends them."""

from __future__ import annotations

import json
import math
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim.go.pacer.go127
from sim.errors import ModelError
from sim.go.pacer import NEVER, Workers, check, pacers
from sim.go.pacer.go127 import Go127Pacer, background_workers
from sim.units import KiB, MiB

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "golden" / "pacer.jsonl").read_text().splitlines()
]
SCENARIOS = {name: list(rows) for name, rows in groupby(ROWS, key=lambda row: row["scenario"])}
STEP = 500_000
"""ns"""
KIB_PER_MS = 512
"""KiB per CPU-millisecond times 500 us, in bytes."""


class IdealProgram:
    """The driver of Go's TestGcPacer: a program allocates, a GC scans, both at given rates."""

    def __init__(self, row: dict) -> None:
        self.pacer = Go127Pacer()
        self.pacer.configure(row["gc_percent"], row["memory_limit"], globals_scan=0)
        self.allocated_black = 0

    def run_cycle(self, row: dict) -> dict:
        pacer, cores = self.pacer, row["n_cores"]
        pacer.heap_live = max(pacer.trigger()[0], pacer.heap_marked)
        pacer.heap_scan += int((pacer.heap_live - pacer.heap_marked) * row["scannable_frac"])
        pacer.set_stacks(row["stack_bytes"])
        pacer.globals_scan = row["globals_bytes"]
        marked = (
            256 * KiB
            if row["cycle"] == 1
            else int((pacer.heap_marked - self.allocated_black) * row["growth_rate"])
        )
        pacer.start_cycle(0, cores)
        left = {
            "globals": row["globals_bytes"],
            "stack": row["stack_bytes"],
            "heap": int(marked * row["scannable_frac"]),
        }
        triggered, duration, assist_ns, black = pacer.triggered, 0, 0, 0
        while any(left.values()):
            assisted = pacer.assist_work_per_byte * row["alloc_rate"]
            u = max(assisted / (assisted + row["scan_rate"]), 0.25)
            work = row["scan_rate"] * KIB_PER_MS * cores * u
            scan, ns = int(work), STEP
            allocated = int(row["alloc_rate"] * KIB_PER_MS * cores * (1 - u))
            total = sum(left.values())
            if scan > total:
                scan, ns = total, int(total * STEP / work)
                allocated = int(row["alloc_rate"] * KIB_PER_MS * ns / STEP * cores * (1 - u))
            for part in ("globals", "stack", "heap"):
                some = min(scan, left[part])
                left[part] -= some
                scan -= some
                pacer.add_scan_work(part, some)
            assist = int(ns * cores * (u - 0.25))
            pacer.add_mark_time("assist", assist)
            assist_ns, duration, black = assist_ns + assist, duration + ns, black + allocated
            pacer.heap_scan += int(allocated * row["scannable_frac"])
            pacer.update(allocated, 0)
        seen = {
            "triggered": triggered,
            "heap_live": pacer.heap_live,
            "heap_goal": pacer.heap_goal(),
            "heap_marked": pacer.heap_marked,
            "assist_work_per_byte": pacer.assist_work_per_byte,
            "allocated_black": black,
            "assist_ns": assist_ns,
            "duration_ns": duration,
            "next_heap_marked": marked,
        }
        pacer.end_cycle(duration, cores)
        pacer.reset_live(marked + black)
        pacer.commit(sweep_done=False)
        self.allocated_black = black
        return seen


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_recorded_scenario_is_reproduced_exactly(scenario: str) -> None:
    rows = SCENARIOS[scenario]
    program = IdealProgram(rows[0])
    for row in rows:
        if row["kind"] == "cycle":
            for key, value in program.run_cycle(row).items():
                exact = isinstance(row[key], int)
                same = value == row[key] if exact else math.isclose(value, row[key], rel_tol=1e-12)
                assert same, (row["cycle"], key, value, row[key])
        else:
            assert program.pacer.heap_marked == row["heap_marked"]
            assert program.pacer.heap_goal() == row["heap_goal_next"]


@given(st.integers(1, 512))
def test_background_workers_take_a_quarter_of_the_ps(gomaxprocs: int) -> None:
    workers = background_workers(gomaxprocs, periodic=False)
    assert 0 <= workers.dedicated <= gomaxprocs
    assert workers.dedicated + workers.max_idle == gomaxprocs
    share = workers.dedicated / gomaxprocs + workers.fraction
    assert abs(share / 0.25 - 1) <= 0.3


@pytest.mark.parametrize(
    ("gomaxprocs", "expected"),
    [
        (1, (0, 0.25)),
        (2, (0, 0.25)),
        (3, (0, 0.25)),
        (4, (1, 0.0)),
        (5, (1, 0.0)),
        (8, (2, 0.0)),
        (10, (3, 0.0)),
    ],
)
def test_small_machines_mark_part_time(gomaxprocs: int, expected: tuple) -> None:
    assert background_workers(gomaxprocs, periodic=False)[:2] == expected


def test_six_ps_need_one_worker_and_a_twelfth_of_every_p() -> None:
    dedicated, fraction, _ = background_workers(6, periodic=False)
    assert (dedicated, round(fraction, 4)) == (1, 0.0833)


def test_a_periodic_cycle_leaves_idle_ps_alone() -> None:
    assert background_workers(8, periodic=True) == Workers(2, 0.0, 0)
    assert background_workers(1, periodic=True).max_idle == 1


def fresh(gc_percent: int = 100, limit: int = (1 << 63) - 1) -> Go127Pacer:
    pacer = Go127Pacer()
    pacer.configure(gc_percent, limit, globals_scan=0)
    return pacer


@pytest.mark.parametrize(("gogc", "minimum"), [(100, 4 * MiB), (50, 2 * MiB), (400, 16 * MiB)])
def test_the_smallest_heap_goal_is_4_mib_at_gogc_100(gogc: int, minimum: int) -> None:
    assert fresh(gogc).heap_goal() == minimum


def test_gogc_off_without_a_limit_never_collects() -> None:
    assert fresh(-1).trigger()[0] > 1 << 60


def test_a_limit_alone_sets_the_goal() -> None:
    pacer = fresh(-1, limit=100 * MiB)
    assert pacer.heap_goal() == 100 * MiB - 100 * MiB // 100 * 3
    assert pacer.limit_in_force


@given(st.integers(0, 1 << 40), st.integers(0, 10_000), st.integers(0, 10_000))
def test_more_gogc_never_means_a_lower_goal(marked: int, low: int, more: int) -> None:
    goals = []
    for gogc in (low, low + more):
        pacer = fresh(gogc)
        pacer.reset_live(marked)
        pacer.commit(sweep_done=True)
        check(pacer, "go1.27")
        goals.append(pacer.heap_goal())
    assert goals[0] <= goals[1] <= NEVER


def test_nonsense_from_a_pacer_names_the_pacer_and_the_value() -> None:
    pacer = fresh()
    pacer.assist_work_per_byte = math.nan
    with pytest.raises(ModelError, match=r"'mine' returned the assist ratio nan"):
        check(pacer, "mine")


def test_the_pacer_is_found_by_its_name() -> None:
    assert pacers.get("go1.27") is sim.go.pacer.go127.Go127Pacer
