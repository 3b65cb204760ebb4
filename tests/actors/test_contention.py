"""Waiting for locks grows with GOMAXPROCS, and queueing theory sees what queueing shows."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from sim.experiment.contention import lock_frame
from sim.results.memory import lock_contention
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
        workload,
        GOMAXPROCS=procs,
        GOGC="off",
        duration=duration,
        seed=seed,
        model={"resolution": resolution},
        record={"samples": 0},
    )


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
    """How often the heap lock is found taken, which does not hang on the law of its holds.

    Over eight seeds some five hundred acquisitions find it taken a few times: an exact binomial
    test, which a formula fails that is wrong by a factor of four.
    """
    predicted = [heap_lock(heavy(16, "batched", seed, "20ms")) for seed in range(8)]
    queued = [heap_lock(heavy(16, "refill", seed, "2ms")) for seed in range(8)]
    taken, times = np.sum(predicted, axis=0)
    found, tries = (int(total) for total in np.sum(queued, axis=0))
    assert stats.binomtest(found, tries, taken / times).pvalue > 0.01
    for wrong in (4, 1 / 4):
        expected = round(tries * taken / times)
        assert stats.binomtest(expected, tries, wrong * taken / times).pvalue < 0.01


def heap_lock(result: Result) -> tuple[float, float]:
    """How often the lock was found taken, and how often it was taken."""
    use = result.locks[result.locks["lock"] == "mheap"]
    return float(use["contended"].sum()), float(use["acquisitions"].sum())


@pytest.mark.slow
def test_batches_and_single_refills_agree_on_what_waiting_costs() -> None:
    """How often locks are contended within a factor of two, waits per acquisition within three.

    Batches take holds for exponential, single refills take them as constant, which halves waits;
    some twenty of four thousand acquisitions are contended in the short exact run.
    """
    batched, exact = (
        lock_frame(heavy(8, mode, 1, time)).loc["all"]
        for mode, time in (("batched", "20ms"), ("refill", "4ms"))
    )
    assert 1 / 2 < exact["contended"] / batched["contended"] < 2
    assert 1 / 3 < exact["mean_wait_ns"] / batched["mean_wait_ns"] < 3


def test_locks_are_named_by_the_size_of_their_objects() -> None:
    """8 KiB with a header of eight bytes go into slots of 9472."""
    names = set(heavy(4, "batched", 1, "20ms").locks["lock"])
    assert names == {"mheap", "mcentral[2048B noscan]", "mcentral[9472B]"}


def test_the_longest_wait_of_a_lock_is_no_shorter_than_its_percentiles() -> None:
    found = lock_contention(heavy(16, "batched", 1, "20ms").locks)
    waited = found[found["p99_wait_ns"] > 0]
    assert len(waited)
    assert (waited["max_wait_ns"] >= waited["mean_wait_ns"]).all()
    assert (waited["max_wait_ns"] > 0).all()
