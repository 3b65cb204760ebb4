"""How fast the simulator is, beside SimPy alone and beside a loop that simulates every object.

Times are CPU times of this process. Figures of one run compare with each other; absolute ones
depend on the machine. `growth.py` measures the sizes that take longer.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from growth import SWEEP
from measure import bare_events_per_second, objects_per_second
from services import leak, service

from sim.config import load
from sim.config.run import RunConfig
from sim.results.result import Result
from sim.simulation import simulate

GIB = 2**30
pytestmark = [pytest.mark.bench, pytest.mark.benchmark(timer=time.process_time)]


def measured(benchmark: Any, config: RunConfig, rounds: int = 1) -> Result:
    """Simulate; keep how fast that was, and how fast beside SimPy's own events."""
    result = benchmark.pedantic(simulate, (config,), rounds=rounds)
    rate = result.run["events"] / benchmark.stats["median"]
    benchmark.extra_info["events per second"] = rate
    benchmark.extra_info["of SimPy alone"] = rate / bare_events_per_second()
    benchmark.extra_info["simulated seconds per second"] = (
        result.end_ns / 1e9 / benchmark.stats["median"]
    )
    return result


def test_the_quickstart(benchmark) -> None:
    measured(benchmark, load("configs/quickstart.yaml", ["duration=2s"]), rounds=3)


def test_a_service_on_eight_processors(benchmark) -> None:
    result = measured(benchmark, service(8), rounds=3)
    # Requests come as soon as the store is full.
    requests = len(result.requests)
    expected = 2000 * (result.end_ns - result.requests["arrival_ns"].min()) / 1e9
    assert abs(requests - expected) < 5 * expected**0.5 + 20, "requests that nobody served"


def test_the_same_service_as_a_fluid(benchmark) -> None:
    run = service(8, duration="500s")
    fluid = replace(run, model=replace(run.model, detail="fluid"))
    benchmark.pedantic(simulate, (fluid,), rounds=3)
    benchmark.extra_info["simulated seconds per second"] = 500 / benchmark.stats["median"]


def test_a_service_on_64_processors(benchmark) -> None:
    """4 GiB/s, 16,000 requests/s and a store of 1 GiB; `growth.py` has 16 GiB/s and 16 GiB."""
    result = measured(benchmark, service(64, "64MiB", "16MiB"))
    assert len(result.requests) > 5000


def test_a_minute_of_a_leak(benchmark) -> None:
    result = measured(benchmark, leak("60s"))
    assert result.cycles["heap_marked"].iloc[-1] > 55 * 2**20


def test_a_sweep_of_settings(benchmark) -> None:
    """Every sixth of the 60 settings of `growth.py`, for a tenth of the time."""
    configs = [
        load("configs/quickstart.yaml", ["duration=200ms", *(f"{k}={v}" for k, v in some.items())])
        for some in SWEEP[::6]
    ]
    results = benchmark.pedantic(lambda: [simulate(config) for config in configs], rounds=1)
    benchmark.extra_info["seconds per setting"] = benchmark.stats["median"] / len(results)
    assert all(not result.cycles.empty for result in results)


def test_it_beats_the_loop_over_objects_by_far(benchmark) -> None:
    """The loop over objects gets a sixteenth of the load of the service, times 16."""
    slow = objects_per_second(8, GIB)
    result = measured(benchmark, service(8))
    ratio = slow * (result.end_ns / 1e9) / benchmark.stats["median"]
    benchmark.extra_info["times faster than object by object"] = ratio
    assert ratio > 5
