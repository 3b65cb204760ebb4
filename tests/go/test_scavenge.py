"""Scavenger pacing: RSS after a load peak, and the CPU that returning memory costs."""

from __future__ import annotations

import json
import math
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.go.scavenge import (
    COOLDOWN,
    QUANTUM,
    STARTING_SLEEP_RATIO,
    BackgroundScavenger,
    ScavengeGoals,
    gc_percent_goal,
    growth_overage,
    limit_overage,
    memory_limit_goal,
    sleep_controller,
)
from sim.units import MS, GiB, MiB

GOLDEN = Path(__file__).parents[1] / "golden" / "scavenge.jsonl"
ROWS = [json.loads(line) for line in GOLDEN.read_text().splitlines()]
NO_GOAL = 2**64 - 1  # how the runtime writes "nothing to do"
SIZES = st.integers(0, 64 * GiB)


def sequences(kind: str):
    rows = [row for row in ROWS if row["kind"] == kind]
    return [list(group) for _, group in groupby(rows, key=lambda row: row["seq"])]


def test_goals_are_those_of_the_real_runtime():
    for row in (row for row in ROWS if row["kind"] == "pace"):
        percent = gc_percent_goal(
            heap_goal=row["heap_goal"],
            last_heap_goal=row["last_heap_goal"],
            last_heap_in_use=row["last_heap_in_use"],
            heap_retained=row["heap_in_use"] + row["heap_free"],
        )
        limit = memory_limit_goal(row["memory_limit"], row["mapped_ready"])
        ours = [NO_GOAL if goal is None else goal for goal in (percent, limit)]
        assert ours == [row["gc_percent_goal"], row["memory_limit_goal"]], row


@pytest.mark.parametrize("rows", sequences("pi"), ids=lambda rows: rows[0]["seq"])
def test_the_controller_gives_the_outputs_of_the_real_one(rows):
    controller = sleep_controller()
    for row in rows:
        output = controller.next(row["input"], 0.01, row["period"])
        assert output == (row["output"] if row["ok"] else None), row


@pytest.mark.parametrize("rows", sequences("loop"), ids=lambda rows: rows[0]["seq"])
def test_the_background_scavenger_asks_for_the_sleeps_of_the_real_one(rows):
    scavenger = BackgroundScavenger()
    for row in rows:
        calls = iter(row["calls"])

        def scavenge(nbytes, calls=calls):
            assert nbytes == QUANTUM
            call = next(calls)
            return call["got"], call["took"]

        _, worked = scavenger.run(scavenge, reached=lambda: False)
        assert next(calls, None) is None
        assert scavenger.sleep_time(worked) == row["asked"]
        scavenger.woke(worked, row["slept"], row["gomaxprocs"])


@pytest.mark.parametrize("gomaxprocs", [1, 2, 8])
def test_returning_memory_takes_one_percent_of_the_cpus(gomaxprocs):
    scavenger, worked_total, slept_total = BackgroundScavenger(), 0, 0
    for _ in range(2000):
        _, worked = scavenger.run(lambda nbytes: (nbytes, 160_000), reached=lambda: False)
        slept = scavenger.sleep_time(worked)
        scavenger.woke(worked, slept, gomaxprocs)
        worked_total += worked
        slept_total += slept
    share = worked_total / (gomaxprocs * (worked_total + slept_total))
    assert share == pytest.approx(0.01, abs=0.005)


def test_after_a_controller_failure_it_sleeps_long_for_five_seconds():
    scavenger = BackgroundScavenger(sleep_ratio=0.5)
    scavenger.controller.error_integral = math.inf
    scavenger.woke(MS, MS, gomaxprocs=1)
    assert (scavenger.cooldown, scavenger.sleep_ratio) == (COOLDOWN, STARTING_SLEEP_RATIO)
    scavenger.woke(MS, 1000 * MS, gomaxprocs=1)
    assert scavenger.sleep_ratio == STARTING_SLEEP_RATIO
    scavenger.woke(MS, COOLDOWN, gomaxprocs=1)
    assert scavenger.cooldown == 0


def test_it_parks_when_a_goal_is_reached_or_nothing_is_left():
    scavenger = BackgroundScavenger()
    assert scavenger.run(lambda nbytes: (nbytes, 1), reached=lambda: True) == (0, 0)
    assert scavenger.run(lambda nbytes: (0, 700), reached=lambda: False) == (0, 700)


@given(SIZES, SIZES, SIZES)
def test_what_is_beyond_the_memory_limit_is_forced_out(scav_bytes, mapped_ready, limit):
    nbytes, force = limit_overage(scav_bytes, mapped_ready, limit)
    assert nbytes == max(0, scav_bytes + mapped_ready - limit)
    assert force == (nbytes > 0)


@given(SIZES, SIZES, st.none() | SIZES)
def test_growth_is_paid_back_at_most_once_and_not_below_the_goal(growth, retained, goal):
    owed = growth_overage(growth, retained, goal)
    assert 0 <= owed <= growth
    if goal is None or retained + growth <= goal:
        assert owed == 0
    elif owed < growth:
        assert retained + growth - owed == goal


@given(SIZES, SIZES)
def test_without_goals_there_is_nothing_to_do(retained, mapped):
    assert ScavengeGoals().reached(retained, mapped)
    assert ScavengeGoals(gc_percent=retained, memory_limit=mapped).reached(retained, mapped)
    assert not ScavengeGoals(gc_percent=retained).reached(retained + 1, mapped)
    assert not ScavengeGoals(memory_limit=mapped).reached(retained, mapped + 1)


def test_before_the_first_cycle_has_ended_nothing_is_returned_for_the_percentage():
    goal = gc_percent_goal(
        heap_goal=4 * MiB, last_heap_goal=0, last_heap_in_use=MiB, heap_retained=GiB
    )
    assert goal is None
