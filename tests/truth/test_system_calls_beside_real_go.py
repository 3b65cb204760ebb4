"""System calls beside real Go: for how long they keep their P from others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sim.config import load
from sim.simulation import simulate
from sim.truth import twin
from sim.truth.toolchain import find_go

CALLS = 60


def took(call: str, others: int, folder: Path) -> tuple[float, float]:
    """What sixty calls take on one P, beside others that compute (ms): real, and simulated."""
    step = {"steps": [{"syscall": call}, {"work": {"cpu": "100us"}}]}
    workload: dict[str, Any] = {
        "name": "calls",
        "goroutines": {
            "caller": {"steps": [{"repeat": {"times": CALLS, **step}}]},
            "busy": {"steps": [{"work": {"cpu": "5s"}}]},
        },
        "load": {"caller": {"goroutine": "caller", "count": 1}},
    }
    if others:
        workload["load"]["busy"] = {"goroutine": "busy", "workers": others}
    config = load({"workload": workload, "duration": "2s", "GOMAXPROCS": 1})
    log = folder / "calls.p1.gogc100.limnone.r0.gctrace"
    twin.run_twin(twin.build_twin(find_go()), config, log)
    real = json.loads(log.with_suffix(".json").read_text())["latency_ns"]["100"]
    rows = simulate(config).requests
    mine = rows[rows["kind"] == "caller"]
    return real / 1e6, float((mine["end_ns"] - mine["arrival_ns"]).iloc[0] / 1e6)


@pytest.mark.realgo
@pytest.mark.parametrize(("call", "others"), [("5ms", 0), ("5ms", 1)])
def test_calls_take_as_long_as_those_of_a_real_program(
    call: str, others: int, tmp_path: Path
) -> None:
    """Generous bounds: the monitor thread is late on a busy machine."""
    real, ours = took(call, others, tmp_path)
    assert 0.5 * real < ours < 1.6 * real
