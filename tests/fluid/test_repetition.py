"""Long runs as rates: cycles that are repeated are those that would have come, and it is said."""

from __future__ import annotations

from typing import Any

import pytest

from sim.config import load
from sim.fluid import repetition
from sim.results.result import Result
from sim.simulation import simulate
from tests.worlds import looks_inside

pytestmark = looks_inside

STEADY = ["duration=30s", "model.detail=fluid", "GOMAXPROCS=2"]
BLOCK = 150
COUNTERS = (
    "/gc/heap/allocs:bytes",
    "/gc/heap/allocs:objects",
    "/gc/heap/frees:bytes",
    "/gc/cycles/total:gc-cycles",
    "/cpu/classes/idle:cpu-seconds",
    "/cpu/classes/gc/total:cpu-seconds",
    "/cpu/classes/user:cpu-seconds",
)


def run(monkeypatch: pytest.MonkeyPatch, block: int, *sets: str) -> Result:
    monkeypatch.setattr(repetition, "BLOCK", block)
    return simulate(load("grpc-fanout", [*STEADY, *sets]))


@pytest.fixture(scope="module")
def both() -> dict[str, Result]:
    """The same run, with cycles that are repeated and with all simulated."""
    with pytest.MonkeyPatch.context() as patched:
        repeated = run(patched, BLOCK)
        return {"repeated": repeated, "simulated": run(patched, 10**9)}


def test_a_run_that_repeats_cycles_says_which(both: dict[str, Result]) -> None:
    assert "times again" in both["repeated"].run["reason"]
    assert "times again" in both["repeated"].summary().verdict
    assert both["simulated"].run["reason"] == ""


def test_means_are_those_of_a_run_that_simulates_all(both: dict[str, Result]) -> None:
    """Cycles scatter by a fifth: the mean of a block has a standard deviation of 1.6 %."""
    ends = {name: result.samples.iloc[-1] for name, result in both.items()}
    for column in COUNTERS:
        assert ends["repeated"][column] == pytest.approx(ends["simulated"][column], rel=0.05)


def test_counters_and_cycles_go_on_without_a_gap(both: dict[str, Result]) -> None:
    result = both["repeated"]
    cycles, last = result.cycles, result.samples.iloc[-1]
    assert (cycles["number"].diff().iloc[1:] == 1).all()
    assert (cycles["start_ns"].iloc[1:].to_numpy() >= cycles["end_ns"].iloc[:-1].to_numpy()).all()
    assert last["/gc/cycles/total:gc-cycles"] == len(cycles)
    assert (result.samples[list(COUNTERS)].diff().iloc[1:] >= 0).all(axis=None)
    live = last["/gc/heap/allocs:bytes"] - last["/gc/heap/frees:bytes"]
    assert live == pytest.approx(last["/memory/classes/heap/objects:bytes"], abs=1)
    classes: Any = last.filter(like="/cpu/classes/")
    assert classes["/cpu/classes/total:cpu-seconds"] == pytest.approx(30 * 2, rel=1e-9)
    assert cycles["gc_cpu_fraction"].iloc[-1] == pytest.approx(
        both["simulated"].cycles["gc_cpu_fraction"].iloc[-1], rel=0.05
    )


PERIOD_NS = 2 * 10**9
BURSTS = "{bursts: {rate: 99/s, burst: 999/s, period: 2s, lasting: 1s}}"
VARYING = "{varying: {rates: [900/s, 99/s], every: 1s}}"


@pytest.mark.parametrize("load", [BURSTS, VARYING], ids=["bursts", "varying"])
def test_of_a_load_that_comes_again_whole_periods_are_repeated(
    monkeypatch: pytest.MonkeyPatch, load: str
) -> None:
    """Each cycle comes again at the same point of a later period, as often as without."""
    sets = (f"workload.load.calls.arrivals={load}", "duration=40s")
    repeated, simulated = (run(monkeypatch, block, *sets) for block in (100, 10**9))
    assert "but the load, each 2s" in repeated.run["reason"]
    assert len(repeated.cycles) == pytest.approx(len(simulated.cycles), rel=0.05)
    starts = repeated.cycles["start_ns"]
    burst = starts % PERIOD_NS < PERIOD_NS // 2
    others = simulated.cycles["start_ns"] % PERIOD_NS < PERIOD_NS // 2
    assert burst.mean() == pytest.approx(others.mean(), abs=0.02)
    assert (starts.iloc[1:].to_numpy() >= repeated.cycles["end_ns"].iloc[:-1].to_numpy()).all()


def test_a_store_that_nobody_fills_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repetition, "BLOCK", 20)
    result = simulate(load("small-proxy", ["duration=20s", "model.detail=fluid"]))
    assert "times again" in result.run["reason"]


@pytest.mark.parametrize(
    "change",
    [
        "workload.load.calls.arrivals={bursts: {rate: 9/s, burst: 999/s, period: 7s, lasting: 1s}}",
        "workload.load.calls.arrivals.poisson=9000/s",
    ],
    ids=["load that does not come again", "load that is too much"],
)
def test_what_changes_is_simulated_to_its_end(monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    result = run(monkeypatch, 20, "duration=5s", change)
    assert "times again" not in result.run["reason"]


def test_a_leak_is_simulated_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repetition, "BLOCK", 10)
    result = simulate(load("slow-leak", ["duration=100s", "model.detail=fluid"]))
    assert "times again" not in result.run["reason"]
