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
@pytest.mark.parametrize(
    ("gogc", "bound"),
    [pytest.param("off", 1.5, id="nothing swept"), pytest.param(100, 4, id="spans swept in vain")],
)
def test_batches_and_single_refills_agree_on_one_hot_class(gogc: str | int, bound: float) -> None:
    """How often it is contended, and waits per acquisition.

    After a collection refills sweep 512 spans in vain that a full store fills. One by one they do
    so at once; batches come to it when the background sweeper has been at some.
    """
    batched, exact = (lock_frame(hot(mode, gogc)).loc["all"] for mode in ("batched", "refill"))
    print(gogc, dict(batched), dict(exact))  # noqa: T201  shown by pytest -s
    assert 1 / bound < exact["contended"] / batched["contended"] < bound
    assert 1 / bound < exact["mean_wait_ns"] / batched["mean_wait_ns"] < 2 * bound


def hot(resolution: str, gogc: str | int) -> Result:
    """Two workers a P that allocate one class, beside a store of it that is full."""
    return run(
        {
            "name": "hot",
            "mixes": {"node": [{"size": "64B"}]},
            "stores": {"live": {"size": "4MiB", "of": "node"}},
            "goroutines": {
                "job": {
                    "steps": [
                        {
                            "work": {
                                "cpu": {"exponential": "10us"},
                                "allocate": "64KiB",
                                "of": "node",
                            }
                        }
                    ]
                }
            },
            "load": {"jobs": {"goroutine": "job", "workers": 16}},
        },
        GOMAXPROCS=8,
        GOGC=gogc,
        duration="15ms",
        model={"resolution": resolution},
        record={"samples": 0, "warmup": "1ms"},
    )


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
