"""What a step of a goroutine means: a workload must do what its words say."""

from __future__ import annotations

from typing import Any

import pytest

from sim.config import load
from sim.results.result import Result
from sim.simulation import simulate

CONFIG = "configs/hbsteady.yaml"


def run(steps: list[Any], *sets: str, **program: Any) -> Result:
    """Simulate goroutines of one kind on ordinary settings."""
    workload = {
        "mixes": {"node": [{"size": "512B", "pointers": "all"}]},
        "goroutines": {"job": {"steps": steps}},
        "load": {"jobs": {"goroutine": "job", "count": 50, "parallel": 1}},
        **program,
    }
    config = load({"workload": {"name": "steps", **workload}, "duration": "20s"}, sets)
    return simulate(config)


def test_a_spin_counts_the_time_for_which_it_was_preempted() -> None:
    jobs = {"jobs": {"goroutine": "job", "count": 2, "parallel": 2}}
    result = run([{"spin": "100ms"}], load=jobs)
    took = result.requests["end_ns"] - result.requests["arrival_ns"]
    assert took.max() == pytest.approx(110e6, rel=0.02)  # a second one starts 10 ms later
    assert result.requests["on_cpu"].sum() == pytest.approx(110e6, rel=0.05)


def test_work_that_is_preempted_is_made_up_for() -> None:
    jobs = {"jobs": {"goroutine": "job", "count": 2, "parallel": 2}}
    result = run([{"work": {"cpu": "100ms"}}], load=jobs)
    assert result.end_ns == pytest.approx(200e6, rel=0.02)


@pytest.mark.parametrize("replacement", ["oldest", "random"])
def test_a_full_store_drops_whole_entries(replacement: str) -> None:
    steps = [
        {"work": {"cpu": "1ms", "allocate": "1MiB", "of": "node"}},
        {"publish": "cache"},
        {"collect": {}},
    ]
    stores = {"cache": {"size": "8MiB", "of": "node", "replacement": replacement, "filled": False}}
    marked = run(steps, stores=stores).cycles["heap_marked"]
    assert marked.iloc[-20:].mean() == pytest.approx(8 << 20, rel=0.02)
    assert marked.iloc[:7].is_monotonic_increasing


def test_a_store_without_replacement_leaks_what_is_published() -> None:
    steps = [
        {"work": {"cpu": "1ms", "allocate": "1MiB", "of": "node"}},
        {"publish": "leak"},
    ]
    stores = {"leak": {"size": "1MiB", "of": "node", "replacement": "none", "filled": False}}
    marked = run([*steps, {"collect": {}}], stores=stores).cycles["heap_marked"]
    assert marked.iloc[-1] == pytest.approx(50 << 20, rel=0.02)


def test_what_is_not_published_dies_with_its_goroutine() -> None:
    steps = [{"work": {"cpu": "1ms", "allocate": "1MiB", "of": "node"}}, {"collect": {}}]
    marked = run(steps).cycles["heap_marked"]
    assert marked.max() < 2 << 20


def test_a_batch_can_be_sized_by_gomaxprocs() -> None:
    jobs = {"jobs": {"goroutine": "job", "count": 12, "parallel_per_p": 2}}
    result = run([{"wait": "10ms"}], "GOMAXPROCS=3", load=jobs)
    assert result.end_ns == pytest.approx(20e6, rel=0.05)


def test_goroutines_that_start_each_other_share_a_time_slice() -> None:
    """Otherwise a chain of short ones would starve or favour whoever was preempted."""
    load = {
        "chain": {"goroutine": "job", "count": 30, "parallel": 1},
        "long": {"goroutine": "long", "count": 1},
    }
    goroutines = {
        "job": {"steps": [{"work": {"cpu": "3ms"}}]},
        "long": {"steps": [{"work": {"cpu": "40ms"}}]},
    }
    requests = run([], load=load, goroutines=goroutines).requests
    long = requests[requests["kind"] == "long"].iloc[0]
    assert long["end_ns"] - long["arrival_ns"] == pytest.approx(85e6, rel=0.1)  # half of the P


def test_a_busy_program_looks_at_its_timers_late() -> None:
    """Requests from inside wait for a P to schedule; those from outside are in the queue at once,
    and both wait equally long in truth."""
    goroutines = {"job": {"steps": [{"spin": "5ms"}]}}
    latency = {}
    for via in ("network", "timer"):
        load = {"jobs": {"goroutine": "job", "arrivals": {"poisson": "180/s"}, "via": via}}
        requests = run([], "duration=5s", load=load, goroutines=goroutines).requests
        latency[via] = (requests["end_ns"] - requests["arrival_ns"]).mean()
    assert latency["timer"] < 0.8 * latency["network"]
