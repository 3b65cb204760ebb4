"""Time slices and sleeps beside real Go: latencies under load hang on them, and who marks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.config import load
from sim.results.result import Result
from sim.simulation import simulate
from sim.truth.toolchain import OFFLINE, find_go

PROGRAM = Path(__file__).parent / "time_slices" / "main.go"
MS = 1e6
MAIN = {"main": {"goroutine": "main", "count": 1}}
BOTH_DONE = {"wait": {"time": "70ms", "via": "timer"}}
SPINNER = {"steps": [{"spin": "60ms"}]}


def simulated(goroutines: dict[str, Any], **load_of: Any) -> Result:
    workload = {"name": "slices", "goroutines": goroutines, "load": load_of or MAIN}
    return simulate(
        load(
            {
                "workload": workload,
                "GOMAXPROCS": 1,
                "duration": "100s",
                "record": {"timeline": True},
            }
        )
    )


def first_slices(wait: list[Any]) -> list[float]:
    """For how long the main goroutine runs, beside another one, from when its wait is over."""
    steps = [*wait, {"spawn": {"goroutine": "spinner", "wait": False}}, {"spin": "60ms"}]
    again = {"repeat": {"times": 300, "steps": [*steps, BOTH_DONE]}}
    turn = simulated({"main": {"steps": [again]}, "spinner": SPINNER}).slices
    waited = turn["start_ns"] > turn["end_ns"].shift()
    first = turn[waited & (turn["name"] == "main") & (turn["name"].shift(-1) == "spinner")]
    return list((first["end_ns"] - first["start_ns"]) / MS)


@pytest.fixture(scope="module")
def real() -> dict[str, list[float]]:
    done = subprocess.run(
        [find_go(), "run", PROGRAM],
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


@pytest.mark.realgo
def test_goroutines_that_compute_on_and_on_change_as_often(real: dict[str, list[float]]) -> None:
    three = {"three": {"goroutine": "job", "count": 3, "parallel": 3}}
    slices = simulated({"job": {"steps": [{"work": {"cpu": "1s"}}]}}, **three).slices
    ours = (slices["end_ns"] - slices["start_ns"]) / MS
    assert ours.median() == pytest.approx(np.median(real["turns"]), rel=0.02)


TO_REST = {"wait": {"time": {"uniform": ["25ms", "35ms"]}, "via": "timer"}}
TO_BUSTLE = {
    "repeat": {
        "times": 40,
        "steps": [
            {"spin": {"uniform": ["0ms", "6ms"]}},
            {"wait": {"time": "20us", "via": "timer"}},
        ],
    }
}


@pytest.mark.realgo
def test_who_wakes_up_while_all_ps_idle_is_looked_at_twice(real: dict[str, list[float]]) -> None:
    """sysmon wakes up by the same timer, and mostly before the P."""
    assert np.median(first_slices([TO_REST])) == pytest.approx(np.median(real["rest"]), abs=2)


@pytest.mark.realgo
def test_who_wakes_up_on_a_busy_p_inherits_its_time_slice(real: dict[str, list[float]]) -> None:
    """A goroutine that sleeps and wakes again and again may be preempted at once."""
    ours, theirs = (np.array(some) for some in (first_slices([TO_BUSTLE]), real["bustle"]))
    undisturbed = theirs[theirs < 21]  # beyond are times in which other programs had the CPU
    assert ours.mean() == pytest.approx(undisturbed.mean(), abs=3)
    assert (ours < 10).mean() == pytest.approx((undisturbed < 10).mean(), abs=0.25)


@pytest.mark.realgo
def test_who_sleeps_in_an_idle_program_wakes_up_on_whole_milliseconds(
    real: dict[str, list[float]],
) -> None:
    for asked, theirs in zip(
        ("20us", "200us", "900us", "1500us", "5300us"), real["slept"], strict=True
    ):
        steps = [{"wait": {"time": asked, "via": "timer"}}, {"spin": "300us"}]
        again = {"repeat": {"times": 100, "steps": steps}}
        (took,) = simulated({"main": {"steps": [again]}}).requests["end_ns"]
        assert took / 100 / MS - 0.3 == pytest.approx(theirs, rel=0.15), asked
