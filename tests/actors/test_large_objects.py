"""Objects that are allocated one by one because each is large: they come as many as asked for."""

from __future__ import annotations

from typing import Any

import pytest

from sim.config import load
from sim.results.result import Result
from sim.simulation import simulate
from sim.units import GiB, MiB


def run(size: str, count: int, arrivals: str, duration: str = "1500ms") -> Result:
    """One goroutine allocates so many large objects that live on, beside short requests."""
    workload: dict[str, Any] = {
        "name": "large",
        "mixes": {"object": [{"size": "256B", "pointers": 2}], "large": [{"size": size}]},
        "goroutines": {
            "main": {
                "steps": [
                    {
                        "repeat": {
                            "times": count,
                            "steps": [
                                {
                                    "work": {
                                        "cpu": "1us",
                                        "allocate": size,
                                        "of": "large",
                                        "lives": "forever",
                                    }
                                }
                            ],
                        }
                    },
                    {"wait": "1h"},
                ]
            },
            "request": {
                "steps": [{"work": {"cpu": "100us", "allocate": "128KiB", "of": "object"}}]
            },
        },
        "load": {
            "main": {"goroutine": "main", "count": 1},
            "requests": {"goroutine": "request", "arrivals": {"poisson": arrivals}},
        },
    }
    return simulate(load({"workload": workload, "GOMAXPROCS": 8, "duration": duration}))


@pytest.mark.parametrize("arrivals", ["200/s", "2000/s"])
@pytest.mark.parametrize(
    ("size", "count"), [("48KiB", 500), ("1MiB", 100), ("32MiB", 10), ("1GiB", 2)]
)
def test_large_objects_arrive_in_the_number_asked_for(size: str, count: int, arrivals: str) -> None:
    """Cycles of other goroutines' making fall into their allocation."""
    result = run(size, count, arrivals)
    live = result.samples["/gc/heap/objects:objects"].iloc[-1]
    unit, number = size[-3:], int(size[:-3])
    expected = count * number * {"KiB": 1024, "MiB": MiB, "GiB": GiB}[unit]
    heap = result.samples["/memory/classes/heap/objects:bytes"].iloc[-1]
    assert live >= count
    assert expected <= heap < 2 * expected + 60 * MiB


def test_a_long_allocation_leaves_the_p_to_others_every_slice() -> None:
    """Zeroing a GiB takes a fifth of a second and more; others on the P do not wait that long."""
    result = run("1GiB", 2, "2000/s")
    assert result.requests["end_ns"].max() > 0
    latency = (result.requests["end_ns"] - result.requests["arrival_ns"]) / 1e6
    assert latency.quantile(0.99) < 60
