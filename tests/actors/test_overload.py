"""A program that is offered more than it can do does not take the machine's memory with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.actors import overload
from sim.config import load
from sim.record.facts import Status
from sim.simulation import simulate
from tests.worlds import looks_inside

CONFIG = Path(__file__).parents[2] / "configs" / "quickstart.yaml"


@looks_inside
def test_a_queue_that_grows_without_end_ends_the_run_and_what_it_had_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(overload, "MOST_GOROUTINES", 1000)
    config = load(CONFIG, ["duration=600ms", "workload.load.api.arrivals.poisson=20000/s"])
    result = simulate(config, out=tmp_path / "run")
    assert result.run["status"] == Status.OVERLOADED
    assert not result.partial
    assert 0 < result.end_ns < config.duration
    assert "more than 1,000 goroutines exist at the same time" in result.run["reason"]
    assert result.diagnose()[0].name == "overloaded"
    assert len(result.requests) > 0
    assert result.samples["at_ns"].iloc[-1] == result.end_ns  # with the last batch in it
    assert result.samples["at_ns"].is_unique
