"""Small worlds to look into: programs of few size classes, and runs that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from typing import Any

import pytest

from sim.actors import processor
from sim.build import build
from sim.build_events import Events
from sim.config import load
from sim.config.run import RunConfig
from sim.results.result import Result
from sim.simulation import simulate

COMPILED = processor.__file__.endswith(tuple(EXTENSION_SUFFIXES))
"""Whether the simulator under test is compiled."""
looks_inside = pytest.mark.skipif(
    COMPILED,
    reason="methods and constants of native classes cannot be replaced",
)
"""Of tests that watch the simulator at work by replacing a part of it."""

EVERYTHING: dict[str, Any] = {
    "name": "everything",
    "mixes": {
        "node": [{"size": "64B", "pointers": 4}, {"size": "256B", "share": 0.5}],
        "block": [{"size": "2KiB", "pointers": "all"}, {"size": "48KiB", "share": 0.1}],
    },
    "stores": {
        "cache": {"size": "1MiB", "of": "node"},
        "ring": {"size": "512KiB", "of": "block", "replacement": "oldest"},
        "table": {"size": "512KiB", "of": "node", "filled": False},
    },
    "pools": {"buffers": {"size": "8KiB"}},
    "goroutines": {
        "request": {
            "stack": "8KiB",
            "steps": [
                {"borrow": "buffers"},
                {"work": {"cpu": {"exponential": "100us"}, "allocate": "64KiB", "of": "node"}},
                {"wait": {"exponential": "300us"}},
                {"spawn": {"goroutine": "part", "count": 2}},
                {"publish": "table"},
                {"work": {"cpu": "20us", "allocate": "16KiB", "of": "block", "into": "ring"}},
            ],
        },
        "part": {
            "steps": [
                {"work": {"cpu": "50us", "allocate": "32KiB", "of": "block", "lives": "2ms"}},
                {"work": {"cpu": "10us", "allocate": "4KiB", "of": "node", "into": "cache"}},
                {"spin": "5us"},
            ]
        },
    },
    "load": {"clients": {"goroutine": "request", "arrivals": {"poisson": "4000/s"}}},
}
"""Every kind of step but a call of runtime.GC, every kind of owner."""


def config_of(workload: dict[str, Any], *sets: str, **keys: Any) -> RunConfig:
    """The run of a workload; 100 ms on two Ps where nothing else is said."""
    return load({"workload": workload, "GOMAXPROCS": 2, "duration": "100ms", **keys}, sets)


def run(workload: dict[str, Any], *sets: str, **keys: Any) -> Result:
    """Simulate a workload, tables in memory."""
    return simulate(config_of(workload, *sets, **keys))


def world_of(config: RunConfig, emit: Callable[[Any], None] = lambda _: None) -> Events:
    """A run in the detailed mode that has not begun, with all its parts; facts go to `emit`."""
    mode = build(config, emit).mode
    assert isinstance(mode, Events)
    return mode


def instants(world: Events, every: int) -> Iterator[int]:
    """Run a world to its end, and stop at regular instants of its time in ns."""
    while (
        world.runtime.clock.now < world.runtime.settings.duration
        and not world.runtime.finished.triggered
    ):
        world.runtime.clock.run(until=world.runtime.clock.now + every)
        yield world.runtime.clock.now
