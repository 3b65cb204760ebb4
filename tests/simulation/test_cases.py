"""Programs that people described in public, as they behave in the simulator."""

from __future__ import annotations

from pathlib import Path

from sim.config import load
from sim.results.result import Result
from sim.simulation import simulate
from sim.units import GiB, MiB

CASES = Path(__file__).parents[1] / "golden" / "cases"


def run(case: str, *sets: str) -> Result:
    (config,) = CASES.glob(f"{case}-*-config.yaml")
    return simulate(load(config, sets))


def test_case_21_a_ballast_of_two_objects_is_there_beside_requests() -> None:
    heap = run("21", "duration=1s").samples["/memory/classes/heap/objects:bytes"]
    assert 2 * GiB <= heap.iloc[-1] < 2.6 * GiB


def test_case_23_a_buffer_and_its_successor_do_not_fit_and_no_limit_helps() -> None:
    result = run("23")
    assert result.summary()["peak_heap"].value > 152 * MiB
    killed = result.diagnose()[0]
    assert killed.name == "OOM-killed"
    assert "GOMEMLIMIT is 140MiB" in killed.remedy


def test_case_24_an_idle_program_collects_every_two_minutes_and_says_so() -> None:
    lines = run("24").gctrace().splitlines()
    forced = [k for k, line in enumerate(lines) if line == "GC forced"]
    assert [lines[k + 1].split("@")[1].split(".")[0] for k in forced] == ["121", "241"]
