"""Costs that went into synthetic measurements come out again; what calibrate writes can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.config.machine import load_profile, shipped
from sim.streams import Streams
from sim.truth import calibrate
from sim.truth.alloc_costs import malloc_costs
from sim.truth.calibrate import explained, profile_text, steadiness
from sim.truth.costs import SOURCES, CostRule
from sim.truth.mark_costs import (
    CLASSIC,
    GREEN_TEA,
    classic_mark_costs,
    crowding_costs,
    mark_costs,
    mark_errors,
)
from sim.truth.rows import Row, merged, solve

DEFAULT = "default-x86-64"
HEAPS = [
    (32, 2),
    (48, 4),
    (64, 2),
    (64, 8),
    (128, 8),
    (256, 32),
    (96, 4),
    (192, 16),
    (320, 12),
    (512, 64),
    (640, 72),
    (768, 40),
    (1152, 2),
    (1152, 128),
]
LATENCY = [{"bytes": 2**power, "ns": ns} for power, ns in ((20, 10.0), (21, 10.0), (22, 110.0))]
"""Every second read misses in 2.83 MiB."""
CACHE = 2**21.5 / 2


def heap(slot: int, words: int, seed: int, *, classic: bool) -> dict[str, Any]:
    """Counts of a heap as the benchmark prints them."""
    rng = Streams(seed)["heaps"]
    objects = 100_000
    small = slot <= 512 and not classic
    return {
        "slot": slot,
        "words": words,
        "objects": objects,
        "vector_kernel": False,
        "noscan": int(rng.integers(0, objects)),
        "pointers": objects * words // 2,
        "spans": int(rng.integers(0, objects)),
        "apart": int(rng.integers(0, objects)),
        "single": int(rng.integers(0, 9000)) if small else objects,
        "sparse": objects,
        "dense": int(rng.integers(0, objects)) if small else 0,
        "dense_visits": int(rng.integers(900, 30_000)) if small else 0,
        "sparse_visits": int(rng.integers(900, 30_000)) if small else 0,
    }


def test_least_squares_recover_costs_and_never_turn_negative() -> None:
    steps = Streams(1)["steps"].random((12, 3))
    assert solve(steps, steps @ [3.0, 0.5, 7.0]) == pytest.approx([3.0, 0.5, 7.0])
    assert min(solve([[1, 2], [2, 1]], [10.0, 1.0])) >= 0.0


def marking(row: Row, costs: dict[str, float], apart: str) -> float:
    """What marking a heap takes beside scanning its objects."""
    far = row["apart"] * (1 - min(CACHE / (row["spans"] * 8192), 1))
    ns: float = row["noscan"] * costs["noscan_object_ns"] + row["pointers"] * costs["pointer_ns"]
    return ns + row["spans"] * costs["span_ns"] + far * costs[apart]


def test_mark_costs_come_out_as_they_went_in() -> None:
    """A wrong column here would misprice every collection."""
    costs = {
        "noscan_object_ns": 11.0,
        "object_ns": 38.0,
        "byte_ns": 0.2,
        "span_visit_ns": 46.0,
        "sparse_object_ns": 17.0,
        "dense_byte_ns": 0.1,
        "pointer_ns": 9.0,
        "dense_pointer_ns": 4.0,
        "span_ns": 130.0,
        "queued_apart_ns": 15.0,
    }

    def took(row: Row) -> float:
        ns = marking(row, costs, "queued_apart_ns")
        if row["slot"] > 512:
            return ns + row["objects"] * (costs["object_ns"] + row["slot"] * costs["byte_ns"])
        visits = row["sparse_visits"] + row["dense_visits"] + row["single"]
        by_slot = row["sparse"] + row["single"]
        gathered = row["pointers"] * row["dense"] / (by_slot + row["dense"])
        ns += gathered * (costs["dense_pointer_ns"] - costs["pointer_ns"])
        ns += row["dense_visits"] * 8192 * costs["dense_byte_ns"]
        return ns + visits * costs["span_visit_ns"] + by_slot * costs["sparse_object_ns"]

    heaps = [heap(*shape, seed, classic=False) for seed, shape in enumerate(HEAPS)]
    rows = [row | {"ns": took(row)} for row in heaps]
    found = mark_costs(LATENCY, rows, classic_heaps())
    assert {name: found[name] for name in costs} == pytest.approx(costs, rel=1e-6)
    assert found["cache_bytes"] == pytest.approx(CACHE)
    assert found["vector_kernel"] == 0.0
    assert found["unseen_heap"] < 1e-6
    assert found["apart_ns"] == pytest.approx(CLASSIC_COSTS["apart_ns"], rel=1e-6)


CLASSIC_COSTS = {
    "noscan_object_ns": 5.0,
    "object_ns": 25.0,
    "byte_ns": 0.1,
    "pointer_ns": 8.0,
    "span_ns": 300.0,
    "apart_ns": 30.0,
}


def classic_heaps() -> list[Row]:
    def took(row: Row) -> float:
        scanned = row["slot"] if row["slot"] > 512 else 8 * row["words"]
        each = CLASSIC_COSTS["object_ns"] + scanned * CLASSIC_COSTS["byte_ns"]
        return marking(row, CLASSIC_COSTS, "apart_ns") + row["objects"] * each

    heaps = [heap(*shape, seed, classic=True) for seed, shape in enumerate(HEAPS)]
    return [row | {"ns": took(row)} for row in heaps]


def test_the_classic_marker_has_costs_of_its_own() -> None:
    costs = classic_mark_costs(LATENCY, classic_heaps())
    assert costs == pytest.approx(CLASSIC_COSTS, rel=1e-6)


def test_malloc_costs_know_headers_and_span_refills() -> None:
    """A span of 64-byte slots with pointers loses slots to its bitmap and mark bits."""

    def took(size: int, slot: int, slots: int, *, scan: bool) -> Row:
        base = (20.0 if scan else 15.0) + (4.0 if scan and slot > 512 else 0.0)
        return {"sizes": [size], "scan": scan, "ns": base + 0.1 * slot + 300.0 / slots}

    rows = [
        took(1024, 1024, 8, scan=False),
        took(8192, 8192, 1, scan=False),
        took(64, 64, 124, scan=True),
        took(512, 512, 15, scan=True),
        took(1016, 1024, 8, scan=True),
        took(8184, 8192, 1, scan=True),
        {"sizes": [16, 64], "scan": False, "ns": 15 + 0.1 * 40 + 300 * (1 / 504 + 1 / 126) / 2},
    ]
    costs = malloc_costs([{"ns": 0.1}], rows)
    expected = {"noscan_ns": 15, "scan_ns": 20, "header_ns": 4, "byte_ns": 0.1}
    assert costs == pytest.approx(expected | {"refill_fresh_ns": 300}, rel=1e-6)


TREE = {"heap": "tree", "spans": 90, "apart": 10}
GRAPH = {"heap": "graph", "spans": 50, "apart": 400}


def test_what_a_second_marker_costs_comes_out_as_it_went_in() -> None:
    """Heaps differ in how much two markers share."""
    parallel: list[Row] = []
    for heap in (TREE, GRAPH):
        beside = 300 * int(heap["spans"]) + 12 * int(heap["apart"])
        parallel += [{"heap": heap["heap"], "procs": 1, "ns": 100_000}]
        parallel += [{"heap": heap["heap"], "procs": 2, "ns": 100_000 + beside}]
    expected = {"crowded_span_ns": 300, "crowded_apart_ns": 12}
    assert crowding_costs([TREE, GRAPH], parallel) == pytest.approx(expected)


def test_markers_never_speed_each_other_up() -> None:
    """Noise on a shared machine may say so."""
    rows = [{"heap": "tree", "procs": 1, "ns": 100}, {"heap": "tree", "procs": 2, "ns": 90}]
    assert set(crowding_costs([TREE], rows).values()) == {0.0}


def test_one_cpu_never_has_a_second_marker() -> None:
    rows = [{"heap": "tree", "procs": 1, "ns": 100}]
    assert set(crowding_costs([TREE], rows).values()) == {0.0}


def test_rounds_are_merged_row_by_row() -> None:
    """Costs are those of a machine in all its moods."""
    rounds = [
        {"sched": [{"case": "go", "ns": ns, "sample": [ns, 1]}, {"case": "wake", "ns": 2 * ns}]}
        for ns in (10, 14, 12)
    ]
    assert merged(rounds) == {
        "sched": [
            {"case": "go", "ns": 12, "sample": [10, 1, 14, 1, 12, 1]},
            {"case": "wake", "ns": 24},
        ]
    }


NEWER = {
    "latency + mark + mark_classic": [
        *GREEN_TEA,
        "apart_ns",
        "vector_kernel",
        "cache_bytes",
        "unseen_heap",
    ],
    "latency + mark_classic": [*CLASSIC],
}
"""What the shipped profiles, which are older, have from other benchmarks or not at all."""


def made_by(source: CostRule) -> list[str]:
    """The costs that come from these benchmarks."""
    benchmark = " + ".join(source.benchmarks)
    if benchmark in NEWER:
        return NEWER[benchmark]
    shipped_costs = yaml.safe_load(shipped()[DEFAULT].read_text())["costs"][source.section]
    return [name for name, cost in shipped_costs.items() if cost["benchmark"] == benchmark]


def test_a_written_profile_is_one_that_the_simulator_reads(tmp_path: Path) -> None:
    rounds = [
        {source: dict.fromkeys(made_by(source), value) for source in SOURCES}
        for value in (10.0, 12.0, 17.0)
    ]
    path = tmp_path / "mine.yaml"
    path.write_text(profile_text(rounds[1], rounds, {"status": "measured", "cpu": "a test: CPU"}))
    profile = load_profile(str(path))
    assert profile.mark.pointer_ns == 12.0
    assert profile.mark_classic is not None
    assert profile.mark_classic.pointer_ns == 12.0
    assert profile.provenance["cpu"] == "a test: CPU"
    cost = yaml.safe_load(path.read_text())["costs"]["alloc"]["tiny_ns"]
    assert cost == {"value": 12, "spread": 1.75, "unit": "ns", "benchmark": "clearing + tiny"}


def test_who_calibrates_reads_how_steady_the_machine_was(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = SOURCES[0]
    rounds = [{rule: {"noscan_ns": ns}} for ns in (8.0, 10.0, 12.0)]
    monkeypatch.setattr(calibrate, "realtime", lambda: False)
    assert steadiness(rounds[1], rounds, [0.01, 0.31]) == (
        "used by others: 31.0% of a CPU at most; rounds differ by 10.0% in the median,"
        " 10.0% for one in ten (half the interquartile range)"
    )
    monkeypatch.setattr(calibrate, "realtime", lambda: True)
    assert steadiness(rounds[1], rounds, [0.0]).startswith("real-time priority, stolen by other")


def test_who_calibrates_reads_how_far_marking_is_explained() -> None:
    """Not at all off where heaps cost what their steps do; by as much as one was slower, else."""
    heaps = [heap(*shape, seed, classic=False) for seed, shape in enumerate(HEAPS)]
    for row in heaps:
        row["ns"] = 8.0 * row["noscan"] + 20.0 * row["spans"] + 12.0 * row["pointers"]
        row["single"] = row["sparse"] = row["sparse_visits"] = row["dense_visits"] = 0
    before = mark_errors(LATENCY, heaps)
    assert max(before) < 1e-9
    heaps[0]["ns"] *= 2
    assert max(mark_errors(LATENCY, heaps)) > 0.05
    assert explained({"latency": LATENCY, "mark": heaps}).startswith(f"{len(HEAPS)} heaps cost")
