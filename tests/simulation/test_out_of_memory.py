"""A heap that only grows ends the run with a sentence, before the simulator itself runs out."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config import load
from sim.record.facts import Status
from sim.runtime import memory
from sim.simulation import simulate
from sim.units import MiB
from tests.worlds import looks_inside

LEAK = {
    "workload": {
        "name": "leak",
        "mixes": {"small": [{"size": "64B", "share": 1}]},
        "goroutines": {
            "h": {
                "steps": [
                    {"work": {"cpu": "10us", "allocate": "1MiB", "of": "small", "lives": "forever"}}
                ]
            }
        },
        "load": {"api": {"goroutine": "h", "workers": 2}},
    },
    "GOMAXPROCS": 2,
    "duration": "1h",
}


@looks_inside
@pytest.mark.parametrize("detail", ["events", "fluid"])
@pytest.mark.parametrize("gogc", ["100", "off"])
def test_a_heap_larger_than_a_run_holds_ends_it(
    detail: str, gogc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LARGEST_HEAP", 256 * MiB)
    result = simulate(load(LEAK, [f"model.detail={detail}", f"GOGC={gogc}"]), out=tmp_path / "run")
    assert result.run["status"] == Status.OUT_OF_MEMORY
    assert not result.partial
    assert "the heap is larger than 256MiB" in result.run["reason"]
    assert result.diagnose()[0].name == "out of memory"
    assert result.samples["at_ns"].iloc[-1] <= result.end_ns
    assert result.requests is not None


@looks_inside
def test_so_do_more_spans_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "MOST_SPANS", 10_000)
    result = simulate(load(LEAK))
    assert result.run["status"] == Status.OUT_OF_MEMORY
    assert "more than 10,000 spans" in result.run["reason"]
