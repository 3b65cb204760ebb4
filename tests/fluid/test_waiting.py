"""What waits for Ps: in which order it is served, what it holds, and for how long it waits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.config import load
from sim.fluid.fractional_workers import Schedule, ScheduledP, after_a_slice, at_intervals
from sim.fluid.loads import ClosedFlow
from sim.fluid.run_queue import RunQueue, turns
from sim.fluid.visit import Visit, VisitPrices
from sim.go.sysmon import TIME_SLICE
from sim.simulation import simulate
from sim.units import MS


def two_runs(first: float, second: float, scatter: float = 0.0) -> Visit:
    """A visit of two runs of so many ns, with a wait between them."""
    whole = first + second
    visit = Visit(weight=whole, weight_variance=scatter * whole**2)
    visit.prices = VisitPrices(ns=whole)
    visit.own = first
    visit.note()
    visit.blocked = 5.0 * MS
    visit.note()
    visit.own = whole
    visit.note()
    return visit


def test_a_visit_comes_to_its_second_run_when_all_have_had_the_first() -> None:
    queue = RunQueue(two_runs(3.0 * MS, 1.0 * MS))
    queue.pass_time(100, 0)
    assert queue.counts() == pytest.approx([100, 0])
    for _ in range(75):
        queue.pass_time(0, 1)
    assert queue.counts() == pytest.approx([0, 100], abs=1e-6)
    for _ in range(25):
        queue.pass_time(0, 1)
    assert queue.counts() == pytest.approx([0, 0], abs=1e-6)


def test_who_waits_for_a_p_has_allocated_before_marking_began() -> None:
    """The longer goroutines wait for a P, the longer all of them need new credit."""
    visit = Visit(runs=1.0)
    visit.prices = VisitPrices(ns=1.0 * MS)
    visit.kept_credit = {(2.0 * MS, 1e12): 1.0}
    flow = ClosedFlow(visit, 0.0, 8, 2.0 * MS)
    flow.speed = 1e-6
    assert flow.credit_keepers(2.0 * MS) == pytest.approx(1e-6 * np.exp(-1), rel=1e-3)
    flow.backlog = 3.0  # at one a ms, each has waited for 3 ms
    assert flow.credit_keepers(2.0 * MS) == pytest.approx(1e-6, rel=1e-3)
    assert flow.credit_keepers(5.0 * MS) == pytest.approx(1e-6 * np.exp(-1), rel=1e-2)


def test_ps_whose_goroutines_are_parked_for_credit_need_not_be_stopped() -> None:
    """Where all clients want credit in the end, the last stop is shorter than the first."""
    sets = ["GOMAXPROCS=2", "model.detail=fluid", "duration=2s"]
    cycles = simulate(load({"workload": "workloads/stream-pool.yaml"}, sets)).cycles
    first, last = cycles["stw_start_stopping_ns"].mean(), cycles["stw_end_stopping_ns"].mean()
    assert 0.3 < last / first < 0.9


@given(
    steps=st.lists(st.tuples(st.floats(0, 50), st.floats(0, 1)), min_size=1, max_size=20),
    second=st.floats(0.1, 40),
    scatter=st.floats(0, 2),
)
def test_work_that_waits_is_what_came_less_what_was_done(
    steps: list[tuple[float, float]], second: float, scatter: float
) -> None:
    visit = two_runs(1.0 * MS, second * MS, scatter)
    queue, left = RunQueue(visit), 0.0
    for come, part in steps:
        left += come
        queue.pass_time(come, part * left)
        left -= part * left
    assert float(queue.counts() @ work_to_come(visit)) == pytest.approx(left, rel=1e-6, abs=1e-6)


def work_to_come(visit: Visit) -> np.ndarray[Any, Any]:
    """Of a visit that waits for each of its turns, the part of its work that is left."""
    found = turns(visit)
    size = len(found.work)
    left = np.zeros(size + 1)
    for turn in reversed(range(size)):
        on, over = left[turn + 1], left[found.next_run[turn]]
        left[turn] = found.work[turn] + found.goes_on[turn] * on
        left[turn] += (1 - found.goes_on[turn]) * over
    return left[:-1]


def test_a_run_that_is_longer_than_a_time_slice_takes_several_turns() -> None:
    short, long = turns(two_runs(1.0 * MS, 1.0 * MS)), turns(two_runs(4.0 * TIME_SLICE, 1.0 * MS))
    assert len(short.work) == 2
    assert len(long.work) == 5
    assert long.work @ long.chance == pytest.approx(1)
    assert long.next_run == [4, 4, 4, 4, 5]
    assert np.diff(long.begins[:4]) == pytest.approx(TIME_SLICE)


@pytest.mark.parametrize("ps", [1.0, 3.0])
def test_late_workers_are_as_many_after_one_long_step_as_after_many_short_ones(ps: float) -> None:
    found = []
    for steps in (1, 400):
        flow = ClosedFlow(
            Visit(cpu=1.0 * MS, blocked=9.0 * MS, runs=2.0, prices=VisitPrices(ns=1.0 * MS)),
            0.0,
            workers=20,
        )
        flow.backlog = 4.0
        for step in range(steps):
            flow.plan(0.0, 4)
            flow.advance(step, 6.0 * MS / steps, ps / MS)
        found.append(flow.backlog)
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_a_goroutine_waits_for_the_piece_and_the_turn_of_a_worker_elsewhere() -> None:
    every_ms = at_intervals(1.0 * MS, 0.5 * MS)
    busy = ScheduledP(every_ms, 6.0 * MS, taken=True)
    other = ScheduledP(every_ms, 0.1 * MS, taken=False)
    both = Schedule(0.25, 0.01 * MS, 1.1, [busy, other], after_a_slice(0.0))
    both.marked(9.0 * MS)
    assert both.waited(6.0 * MS) == 0
    assert 0 < both.waited(9.0 * MS) < 3.0 * MS
    assert other.taken


def test_credit_that_is_kept_in_a_wait_is_counted_by_what_was_before_it_and_comes_after() -> None:
    visit = Visit()
    for waits in (2.0 * MS, 6.0 * MS):
        visit.allocates = True
        visit.blocked += waits
        visit.end_run(waits)
    visit.allocates = True
    visit.end()
    assert visit.allocating_runs == 3
    # Two of its runs end in a wait; of 8 ms, 6 follow each on average.
    assert visit.kept_credit == {(np.inf, 6.0 * MS): 1, (2.0 * MS, 6.0 * MS): 1}


def test_a_call_of_gc_while_a_cycle_runs_waits_for_the_next_one() -> None:
    """So the load begins, and with it the run ends, after the second (runtime/mgc.go: GC)."""
    workload = {
        "name": "two collectors",
        "mixes": {"m": [{"size": "1KiB", "pointers": "all"}]},
        "goroutines": {
            "first": {"steps": [{"collect": {}}, {"wait": "1h"}]},
            "second": {"steps": [{"wait": "200us"}, {"collect": {}}]},
            "rest": {"steps": [{"spin": "10us"}]},
        },
        "main": [
            {"work": {"cpu": "1ms", "allocate": "64MiB", "of": "m", "lives": "forever"}},
            {"spawn": {"goroutine": "first", "wait": False}},
            {"spawn": {"goroutine": "second"}},
        ],
        "load": {"rest": {"goroutine": "rest", "count": 1}},
    }
    config = {"workload": workload, "GOMAXPROCS": 2, "GOGC": "off", "duration": "1s"}
    for mode in ("events", "fluid"):
        result = simulate(load(config, [f"model.detail={mode}"]))
        assert list(result.cycles["reason"]) == ["forced", "forced"], mode
        assert result.end_ns > result.cycles["end_ns"].iloc[1], mode


def test_a_visit_that_allocates_first_has_most_of_its_time_left_at_any_of_its_bytes() -> None:
    early, even = Visit(own=10.0), Visit(own=10.0)
    early.spots = [(0.5, 100.0), (1.5, 100.0)]
    even.spots = [(5.0, 100.0)]
    assert early.rest_share == pytest.approx(0.9)
    assert even.rest_share == pytest.approx(0.5)
    assert Visit(own=10.0).rest_share == 0
