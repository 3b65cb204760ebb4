"""A run of open length ends when it knows enough, or at its limit, and says which."""

from __future__ import annotations

from typing import Any

from sim.results.result import Result
from tests.worlds import run

PROGRAM: dict[str, Any] = {
    "name": "steady",
    "mixes": {"node": [{"size": "512B", "pointers": 4}]},
    "goroutines": {
        "job": {
            "steps": [
                {"work": {"cpu": {"exponential": "50us"}, "allocate": "128KiB", "of": "node"}}
            ]
        }
    },
    "load": {"web": {"goroutine": "job", "arrivals": {"poisson": "2000/s"}}},
}


def ended(*sets: str, **more: Any) -> Result:
    return run(PROGRAM, "duration=auto", *sets, GOMAXPROCS=2, **more)


def test_it_ends_when_the_means_are_known_and_says_how_well() -> None:
    result = ended("precision.relative=20%", "precision.limit=10s")
    assert result.end_ns < 5e9
    assert result.run["status"] == "complete"
    assert "means known to 20.0% each: live heap" in str(result.summary())


def test_more_precision_takes_longer() -> None:
    loose, tight = (
        ended(f"precision.relative={share}", "precision.figures=[latency]", "precision.limit=20s")
        for share in ("20%", "3%")
    )
    assert loose.end_ns < tight.end_ns


def test_the_limit_ends_it_and_is_said() -> None:
    result = ended("precision.relative=0.1%", "precision.limit=300ms")
    assert result.end_ns == 300_000_000
    assert "300ms are too short for means known to 0.1% each" in result.run["reason"]


def test_batches_end_by_themselves() -> None:
    batch = {**PROGRAM, "load": {"all": {"goroutine": "job", "count": 10}}}
    result = run(batch, "duration=auto", "precision.limit=10s", GOMAXPROCS=1)
    assert result.end_ns < 1e9
    assert not result.run["reason"]


def test_rates_are_looked_at_as_well() -> None:
    result = ended("model.detail=fluid", "precision.relative=10%", "precision.limit=20s")
    assert result.end_ns < 20e9
    assert "GC CPU" in result.run["reason"]


def test_it_does_not_end_before_its_first_cycle() -> None:
    sets = ("precision.relative=50%", "precision.limit=40ms")
    result = ended(*sets, GOGC=10_000)
    assert result.cycles.empty
    assert result.end_ns == 40_000_000
    assert "GC CPU unknown" in result.run["reason"]
    without = ended(*sets, GOGC="off")
    assert without.end_ns < 40_000_000
    assert "each: latency" in without.run["reason"]
