"""Memory from the OS and back: limits, scavenger, huge pages, and accounts that add up."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.config import load
from sim.record.facts import Status
from sim.results.memory import fragmentation, free_memory, heap_over_time, thrashing
from sim.results.result import Result
from sim.simulation import simulate
from sim.units import MS, SECOND, MiB

ROOT = Path(__file__).parents[2]
CHUNK = 4 * MiB
CLASSES = "/memory/classes/"


@cache
@cache
def run(config: str, *sets: str) -> Result:
    """Simulated once, however many tests look at it."""
    return simulate(load(ROOT / "configs" / f"{config}.yaml", sets))


def held(result: Result) -> pd.Series:
    samples = result.samples
    return samples[f"{CLASSES}total:bytes"] - samples[f"{CLASSES}heap/released:bytes"]


def test_a_limit_far_above_the_heap_has_no_effect():
    limited = run("limit-far", "duration=1s")
    free = run("limit-far", "duration=1s", "GOMEMLIMIT=off")
    assert limited.cycles.equals(free.cycles)


def test_a_limit_near_the_heap_is_kept_by_collecting_more_often():
    near, far = run("limit-near", "duration=1s"), run("limit-far", "duration=1s")
    assert len(near.cycles) > 1.5 * len(far.cycles)
    assert held(far).max() > 180 * MiB
    filled, limit = held(near).iloc[20:], 120 * MiB  # from 200 ms on
    assert filled.quantile(0.98) <= limit
    # It is soft: a heap that passes its goal before the cycle ends, passes the limit by as much.
    passed = near.cycles["heap_end"] - near.cycles["heap_goal"]
    assert filled.max() <= limit + max(passed.max(), 0)
    assert near.cycles["limit_goal"].iloc[-20:].all()


@pytest.mark.slow
def test_a_limit_below_the_live_heap_costs_half_of_the_cpu_and_is_passed():
    result = run("limit-below-live", "duration=9s")
    cycles, kinds = result.cycles, ["dedicated_ns", "fractional_ns", "assist_ns", "stw_cpu_ns"]
    # The bucket holds a CPU second per P: it is full after some seconds of more than a half.
    limited = cycles[cycles["limiting"]]["start_ns"]
    full = int(limited.min()) + SECOND
    assert full < 8 * SECOND
    assert result.samples["/gc/limiter/last-enabled:gc-cycle"].iloc[-1] > 0
    before, after = cycles[cycles["start_ns"] < limited.min()], cycles[cycles["start_ns"] >= full]
    assert before[kinds].sum().sum() > 0.52 * 2 * limited.min()
    marking = after[kinds].sum().sum()
    assert 0.4 < marking / (2 * (9 * SECOND - full)) < 0.6
    assert held(result).iloc[-1] > 80 * MiB
    assert thrashing(cycles) > 5 * SECOND


def test_a_slow_leak_thrashes_at_the_limit_until_the_kill():
    steps = (
        "[{work: {cpu: 1ms, allocate: 512KiB, of: json}},"
        " {work: {cpu: 5us, allocate: 128KiB, of: listener, into: listeners}}]"
    )
    result = run(
        "leak-at-limit",
        f"workload.goroutines.handler.steps={steps}",
        "workload.load.api.arrivals.poisson=200/s",
        "duration=10s",
    )
    assert result.run["status"] == Status.OOM_KILLED
    leak = 25 * MiB  # a second
    assert result.end_ns == pytest.approx((128 - 40) * MiB / leak * SECOND, rel=0.3)
    assert result.samples["sim:rss:bytes"].iloc[-1] > 128 * MiB
    assert 0 < thrashing(result.cycles) < 2 * SECOND
    assert result.summary()["thrashing"].value == thrashing(result.cycles)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    config=st.sampled_from(["limit-near", "shrink", "quickstart", "steady-leak", "deep-stacks"]),
    gogc=st.sampled_from(["25", "100", "off"]),
    limit=st.sampled_from(["off", "40MiB", "90MiB"]),
    huge_pages=st.sampled_from(["never", "always"]),
    scavenger=st.sampled_from(["on", "off"]),
)
def test_all_memory_is_in_exactly_one_class_at_every_sample(
    config, gogc, limit, huge_pages, scavenger
):
    samples = run(
        config,
        "duration=150ms",
        f"GOGC={gogc}",
        f"GOMEMLIMIT={limit}",
        f"os.huge_pages={huge_pages}",
        f"model.scavenger={scavenger}",
    ).samples
    classes = samples[[name for name in samples if str(name).startswith(CLASSES)]]
    assert len(classes.columns) == 14
    parts = classes.drop(columns=f"{CLASSES}total:bytes")
    assert (parts >= 0).all(axis=None)
    assert (parts.sum(axis=1) == classes[f"{CLASSES}total:bytes"]).all()
    # Independent of the sum: pages of spans, stacks, free and released are whole chunks together.
    heap = parts[[name for name in parts if "/heap/" in name]].sum(axis=1)
    assert (heap % CHUNK == 0).all()
    rss = samples["sim:rss:bytes"] - heap + parts[f"{CLASSES}heap/released:bytes"]
    assert (rss > 0).all()  # what is not returned is resident


def test_a_large_executable_is_resident_too():
    """RSS of a service would be too low by tens of MiB."""
    small, large = (
        run("quickstart", "duration=50ms", f"workload.file={file}").samples["sim:rss:bytes"]
        for file in ("2MiB", "22MiB")
    )
    assert (large - small == 20 * MiB).all()


def test_memory_that_is_no_longer_needed_goes_back_slowly_and_comes_back_at_the_cost_of_faults():
    result = run("shrink", "duration=10s")
    heap = heap_over_time(result.samples)
    assert (heap["in_use"] + heap["idle"] == heap["mapped"]).all()
    at = heap.set_index(result.samples["at_ns"])
    grown, dropped = at.loc[: 4 * SECOND].iloc[-1], at.loc[4500 * MS :].iloc[0]
    assert dropped["in_use"] < 0.3 * grown["in_use"]
    assert dropped["rss"] > 0.8 * grown["rss"]  # RSS lags
    assert at["rss"].iloc[-1] < 0.5 * grown["rss"]
    assert at["released"].is_monotonic_increasing or at["released"].iloc[-1] > 50 * MiB
    assert result.samples["/cpu/classes/scavenge/background:cpu-seconds"].iloc[-1] > 0


def test_the_scavenger_can_be_switched_off():
    result = run("shrink", "duration=8s", "model.scavenger=off")
    heap = heap_over_time(result.samples)
    assert heap["rss"].iloc[-1] > 0.95 * heap["rss"].max()


def test_huge_pages_make_rss_larger_than_what_go_counts():
    small = run("shrink", "duration=8s")
    huge = run("shrink", "duration=8s", "os.huge_pages=always")
    ours, theirs = (
        (result.samples["sim:rss:bytes"] - held(result)).max() for result in (small, huge)
    )
    assert theirs > ours + MiB


def test_fragmentation_is_told_within_spans_by_class_and_between_them():
    result = run("limit-near", "duration=1s")
    by_class = fragmentation(result.spans, by=["at_ns", "span_class"])
    whole = fragmentation(result.spans)
    assert by_class["free"].groupby("at_ns").sum().equals(whole["free"])
    free = free_memory(result.free_runs)
    last = result.samples.iloc[-1]
    heap = last[
        [f"{CLASSES}heap/{part}:bytes" for part in ("free", "released", "objects", "unused")]
    ]
    in_spans = result.spans.groupby("at_ns")["span_bytes"].sum()
    assert free["free_bytes"].iloc[-1] + in_spans.iloc[-1] == heap.sum()
    assert (free["longest"] <= free["free_bytes"]).all()


def test_what_is_reachable_is_told_while_a_cycle_begins_too():
    reachable = run("limit-far", "duration=300ms", "record.samples=20us").samples[
        "sim:heap/reachable:bytes"
    ]
    first = int((reachable > 0).argmax())
    assert (reachable.iloc[first:] > 0).all()
