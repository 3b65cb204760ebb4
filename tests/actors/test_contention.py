"""Waiting for locks grows with GOMAXPROCS, and queueing theory sees what queueing shows."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.results.result import Result
from tests.worlds import run

HEAVY: dict[str, Any] = {
    "name": "heavy",
    "mixes": {"node": [{"size": "2KiB"}, {"size": "8KiB", "share": 0.3, "pointers": 4}]},
    "goroutines": {
        "job": {
            "steps": [
                {"work": {"cpu": {"exponential": "10us"}, "allocate": "128KiB", "of": "node"}}
            ]
        }
    },
}


@cache
def heavy(procs: int, resolution: str, seed: int, duration: str) -> Result:
    """Two workers a P that do little but allocate."""
    workload = {**HEAVY, "load": {"jobs": {"goroutine": "job", "workers": 2 * procs}}}
    return run(
        workload, GOMAXPROCS=procs, GOGC="off", duration=duration, seed=seed,
        model={"resolution": resolution}, record={"samples": 0},
    )  # fmt: skip


def wait(result: Result, lock: str) -> float:
    """Mean wait per acquisition in ns."""
    use = result.locks[result.locks["lock"].str.startswith(lock)]
    return float(use["wait_ns"].sum() / use["acquisitions"].sum())


@pytest.mark.parametrize("lock", ["mcentral", "mheap"])
def test_waiting_grows_with_gomaxprocs_from_nothing(lock: str) -> None:
    waits = [wait(heavy(procs, "batched", 1, "20ms"), lock) for procs in (1, 2, 4, 8, 16)]
    assert waits[0] == 0
    assert np.all(np.diff(waits) > 0)
    assert waits[-1] > 4 * waits[1]


def test_one_p_waits_for_nobody_where_every_refill_is_an_event() -> None:
    result = heavy(1, "refill", 1, "2ms")
    assert result.locks["acquisitions"].sum() > 100
    assert result.locks["wait_ns"].sum() == 0
    assert result.requests["lock_wait"].sum() == 0


@pytest.mark.slow
def test_the_queueing_formula_predicts_what_queueing_shows() -> None:
    """For the heap lock, over eight seeds, with the interval of a t distribution.

    The formula takes holds of exponential length; those of the events are all equal, for which the
    wait is half as long. Real ones lie between.
    """
    predicted = np.mean([wait(heavy(16, "batched", s, "20ms"), "mheap") for s in range(8)])
    queued = np.array([wait(heavy(16, "refill", s, "2ms"), "mheap") for s in range(8)])
    low, high = stats.t.interval(0.99, len(queued) - 1, queued.mean(), stats.sem(queued))
    assert low <= predicted
    assert predicted / 2 <= high
