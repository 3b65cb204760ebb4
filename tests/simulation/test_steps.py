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
    assert took.max() == pytest.approx(120e6, rel=0.02)  # a second one starts 20 ms later
    assert result.requests["on_cpu"].sum() == pytest.approx(120e6, rel=0.05)


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


@pytest.mark.parametrize(("via", "arrival"), [("network", 5e6), ("timer", 9e6)])
def test_a_busy_program_looks_at_its_timers_late(via: str, arrival: float) -> None:
    """A request from outside is there when it comes; one from inside when a P schedules."""
    load = {
        "long": {"goroutine": "long", "count": 1},
        "jobs": {"goroutine": "job", "arrivals": {"regular": "200/s"}, "via": via},
    }
    goroutines = {
        "job": {"steps": [{"work": {"cpu": "1us"}}]},
        "long": {"steps": [{"spin": "9ms"}]},
    }
    requests = run([], "duration=9900us", load=load, goroutines=goroutines).requests
    job = requests[requests["kind"] == "job"].iloc[0]
    assert job["arrival_ns"] == pytest.approx(arrival, rel=0.1)
    assert job["start_ns"] == pytest.approx(9e6, rel=0.1)


@pytest.mark.parametrize(("via", "mean"), [("timer", 0.5e6), ("network", 10.1e6)])
def test_beside_a_chain_a_timer_wakes_for_the_next_turn_and_the_network_for_a_time_slice(
    via: str, mean: float
) -> None:
    """Each goroutine of the chain starts the next one, which runs next and in the same time slice.

    One that a timer wakes runs next as well (goready): it waits for half of a goroutine of the
    chain on average. What comes from the network lies in the global queue until a slice is over,
    which here begins and ends as sysmon looks: for half of twice 10.1 ms.
    """
    wait = {"time": {"uniform": {"low": "5ms", "high": "45ms"}}, "via": via}
    load = {
        "chain": {"goroutine": "job", "count": 1000, "parallel": 1},
        "sleepers": {"goroutine": "sleeper", "count": 1},
    }
    goroutines = {
        "job": {"steps": [{"work": {"cpu": "1ms"}}]},
        "sleeper": {"steps": [{"repeat": {"times": 20, "steps": [{"wait": wait}]}}]},
    }
    requests = run([], load=load, goroutines=goroutines).requests
    sleeper = requests[requests["kind"] == "sleeper"].iloc[0]
    waited = sleeper["queue"] - (sleeper["start_ns"] - sleeper["arrival_ns"])
    assert waited / 20 == pytest.approx(mean, rel=0.3)  # 20 draws scatter by 13 %
