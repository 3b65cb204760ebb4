"""How fast the simulator is, beside SimPy alone and beside a loop that simulates every object.

Times are CPU times of this process. Figures of one run compare with each other; absolute ones
depend on the machine.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from growth import bare_events_per_second
from per_object import simulate as per_object
from services import service

from sim.config import load
from sim.simulation import simulate

QUICKSTART = Path(__file__).parents[1] / "configs/quickstart.yaml"
pytestmark = [pytest.mark.bench, pytest.mark.benchmark(timer=time.process_time)]


def test_the_quickstart(benchmark) -> None:
    config = load(QUICKSTART, ["duration=2s"])
    result = benchmark.pedantic(simulate, (config,), rounds=3)
    rate = result.run["events"] / benchmark.stats["median"]
    benchmark.extra_info["events per second"] = rate
    benchmark.extra_info["of SimPy alone"] = rate / bare_events_per_second()
    benchmark.extra_info["simulated seconds per second"] = 2 / benchmark.stats["median"]


def test_a_service_on_eight_processors(benchmark) -> None:
    result = benchmark.pedantic(simulate, (service(8),), rounds=3)
    benchmark.extra_info["simulated seconds per second"] = 2 / benchmark.stats["median"]
    # Requests come as soon as the store is full.
    requests = len(result.requests)
    expected = 2000 * (result.end_ns - result.requests["arrival_ns"].min()) / 1e9
    assert abs(requests - expected) < 5 * expected**0.5 + 20, "requests that nobody served"


def test_the_same_service_as_a_fluid(benchmark) -> None:
    run = service(8, duration="500s")
    fluid = replace(run, model=replace(run.model, detail="fluid"))
    benchmark.pedantic(simulate, (fluid,), rounds=3)
    benchmark.extra_info["simulated seconds per second"] = 500 / benchmark.stats["median"]


def test_it_beats_the_loop_over_objects_by_far(benchmark) -> None:
    """A sixteenth of the load of the service above, and still slower."""
    begun = time.process_time()
    per_object(8, 2**30 / 16, 2**26, 0.1)
    slow = (time.process_time() - begun) * 16 / 0.1
    benchmark.pedantic(simulate, (service(8),), rounds=1)
    ratio = slow / (benchmark.stats["median"] / 2)
    benchmark.extra_info["times faster than object by object"] = ratio
    assert ratio > 5
