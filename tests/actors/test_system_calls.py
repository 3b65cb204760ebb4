"""System calls keep their P until somebody takes it away: others wait for it, stops do not."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sim.config import load
from sim.go.sysmon import LATE, LOOKS_AT_CALLS, PREEMPT, QUICK, Sysmon
from sim.simulation import simulate
from sim.units import MS
from tests.worlds import run

FILE_SERVER = Path(__file__).parents[2] / "workloads" / "file-server.yaml"

COMPUTES: dict[str, Any] = {"steps": [{"work": {"cpu": "30ms"}}]}


def ended(call: str, *others: str, procs: int = 1) -> dict[str, float]:
    """When goroutines have ended, ms: one that makes a call, and others that compute."""
    goroutines: dict[str, Any] = {"caller": {"steps": [{"syscall": call}]}}
    goroutines.update(dict.fromkeys(others, COMPUTES))
    load = {name: {"goroutine": name, "count": 1} for name in goroutines}
    workload = {"name": "calls", "goroutines": goroutines, "load": load}
    rows = run(workload, duration="1s", GOMAXPROCS=procs).requests
    return dict(zip(rows["kind"], rows["end_ns"] / MS, strict=True))


def test_who_needs_the_p_waits_until_sysmon_finds_the_call_twice() -> None:
    quick = 2 * (QUICK + LATE) / MS
    alone, beside = ended("5ms"), ended("5ms", "other")
    assert alone["caller"] == 5
    assert 30 + quick < beside["other"] + 10 < 30 + 10 + 1  # the thread that takes over wakes up
    assert beside["caller"] > 10  # its P has gone, and the other has a time slice


def test_a_call_that_is_over_before_the_second_look_keeps_its_p() -> None:
    assert ended("100us", "other") == pytest.approx({"caller": 0.1, "other": 30.1}, abs=0.05)


def test_nobody_wants_the_p_where_others_idle() -> None:
    times = ended("5ms", "other", procs=4)
    assert times == pytest.approx({"caller": 5, "other": 30}, abs=0.15)


def test_sysmon_gets_slower_the_longer_it_takes_no_p() -> None:
    looks = [b - a for a, b in pairwise(LOOKS_AT_CALLS)]
    assert looks[:49] == [QUICK + LATE] * 49
    assert looks[-1] == PREEMPT + LATE
    assert looks == sorted(looks)
    sysmon = Sysmon()
    sysmon.retook(MS)
    assert sysmon.next_look_at_calls(MS) == MS + QUICK + LATE
    assert sysmon.slice_end(MS) > MS + QUICK + LATE + PREEMPT


def test_calls_that_return_while_another_thread_takes_over_go_on_once() -> None:
    """That takes longer than what is left of many of these calls."""
    config = load({"workload": str(FILE_SERVER)}, ["duration=1s", "GOMAXPROCS=2"])
    rows = simulate(config).requests
    assert len(rows) > 700
    assert (rows["blocked"] > 0).all()


COLLECTING: dict[str, Any] = {
    "name": "calling",
    "mixes": {"node": [{"size": "256B", "pointers": 4}]},
    "stores": {"cache": {"size": "8MiB", "of": "node"}},
    "goroutines": {
        "allocating": {"steps": [{"work": {"cpu": "200us", "allocate": "256KiB", "of": "node"}}]},
        "calling": {"steps": [{"syscall": "3ms"}]},
        "computing": {"steps": [{"work": {"cpu": "3ms"}}]},
    },
}


def pause(others: str) -> float:
    """Mean pause (us) on four Ps that run one goroutine that allocates, and three others."""
    load = {
        "one": {"goroutine": "allocating", "workers": 1},
        "three": {"goroutine": others, "workers": 3},
    }
    result = run({**COLLECTING, "load": load}, GOMAXPROCS=4, duration="400ms")
    return float(result.cycles["stw_start_stopping_ns"].mean() / 1e3)


def test_a_stop_takes_ps_from_calls_at_once_and_signals_those_that_compute() -> None:
    assert pause("calling") < 0.8 * pause("computing")
