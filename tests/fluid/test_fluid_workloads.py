"""`model.detail: fluid`: any config as rates, in a fraction of the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config import load
from sim.config.run import RunConfig
from sim.results.summary import summary
from sim.simulation import simulate

ROOT = Path(__file__).parents[2]
WORKLOADS = sorted((ROOT / "workloads").glob("*.yaml"))


def fluid(workload: str, *sets: str) -> RunConfig:
    path = str(ROOT / "workloads" / f"{workload}.yaml")
    return load({"workload": path}, ["model.detail=fluid", "GOMAXPROCS=4", *sets])


@pytest.mark.parametrize("path", WORKLOADS, ids=lambda path: path.stem)
def test_every_shipped_workload_runs_as_a_fluid(path: Path) -> None:
    result = simulate(fluid(path.stem, "duration=2s"))
    figures = summary(result).numbers()
    assert result.end_ns == 2_000_000_000
    assert figures["allocation"] > 0
    assert result.gctrace().count("\n") == figures["gc_cycles"]


def test_a_fluid_run_repeats_exactly() -> None:
    first, again = (simulate(fluid("json-api", "duration=2s")) for _ in range(2))
    assert first.cycles.equals(again.cycles)
    assert first.samples.equals(again.samples)
