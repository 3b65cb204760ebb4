"""The timeline books every instant of a P once, and agrees with the accounts of the cycles."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config import load
from sim.results import Result
from sim.simulation import simulate

CONFIG = Path(__file__).parents[2] / "configs" / "hbsteady.yaml"


@pytest.fixture(scope="module")
def run() -> Result:
    """220 ms of hbsteady, at the end of which no cycle is under way."""
    return simulate(load(CONFIG, ["duration=220ms", "record.timeline=true"]))


def test_a_p_does_one_thing_at_a_time_and_assists_lie_within_goroutines(run: Result) -> None:
    for _, mine in run.slices.groupby("processor"):
        outer = mine[mine["kind"] != "assist"].sort_values("start_ns")
        assert (outer["start_ns"].to_numpy()[1:] >= outer["end_ns"].to_numpy()[:-1]).all()
        running = outer[outer["kind"] == "goroutine"]
        for assist in mine[mine["kind"] == "assist"].itertuples():
            within = (running["start_ns"] <= assist.start_ns) & (running["end_ns"] >= assist.end_ns)
            assert within.sum() == 1


def test_mark_work_on_the_timeline_is_that_of_the_cycles(run: Result) -> None:
    slices, cycles = run.slices, run.cycles
    spent = (slices["end_ns"] - slices["start_ns"]).groupby(slices["kind"]).sum()
    ended = cycles["end_ns"].max()
    assert (slices[slices["kind"] == "stw"]["end_ns"] <= ended).all()
    for kind in ("assist", "dedicated", "idle"):
        told = cycles[f"{kind}_ns"].sum()
        assert spent.get(kind, 0) == pytest.approx(told, rel=0.02), kind


def test_nobody_asked_nothing_told() -> None:
    assert simulate(load(CONFIG, ["duration=20ms"])).slices.empty
