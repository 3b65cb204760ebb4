"""The mcentrals as Go locked them: lists behind a lock up to Go 1.14, span sets since."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.actors.locks import HEAP_LOCK
from sim.go.mcache import Taken
from sim.go.refill import no_refills
from tests.worlds import config_of, run, world_of

ALLOCATES: dict[str, Any] = {
    "name": "allocates",
    "mixes": {"node": [{"size": "1KiB", "pointers": 4}]},
    "goroutines": {
        "request": {"steps": [{"work": {"cpu": "20us", "allocate": "256KiB", "of": "node"}}]}
    },
    "load": {"clients": {"goroutine": "request", "workers": 64, "think": "0ns"}},
}
"""Everybody refills one span class, all of the time."""


@cache
def mcentrals(mcentral: str, gomaxprocs: int, resolution: str) -> pd.Series:
    """The locks table of a run: sums over all mcentrals, and waiting per acquisition."""
    locks = run(
        ALLOCATES,
        f"model.mcentral={mcentral}",
        f"model.resolution={resolution}",
        GOMAXPROCS=gomaxprocs,
        duration="4ms",
    ).locks
    assert HEAP_LOCK in set(locks.lock)
    sums = locks[locks.lock != HEAP_LOCK].sum(numeric_only=True)
    sums["wait"] = sums.wait_ns / sums.acquisitions
    return sums


@pytest.mark.parametrize("resolution", ["batched", "refill"])
@pytest.mark.parametrize("mcentral", ["go1.27", "go1.14"])
def test_waiting_grows_with_gomaxprocs(mcentral: str, resolution: str) -> None:
    alone, few, many = (mcentrals(mcentral, procs, resolution) for procs in (1, 2, 8))
    assert alone.wait == alone.contended == 0
    assert 0 < few.wait < many.wait
    assert few.contended / few.acquisitions < many.contended / many.acquisitions


@pytest.mark.parametrize("resolution", ["batched", "refill"])
def test_the_lock_of_go_1_14_is_held_and_waited_for_longer(resolution: str) -> None:
    today, then = (mcentrals(mcentral, 8, resolution) for mcentral in ("go1.27", "go1.14"))
    assert then.hold_ns / then.acquisitions > 2 * today.hold_ns / today.acquisitions
    assert then.wait > today.wait
    assert then.max_wait_ns > 1.5 * today.max_wait_ns


@pytest.mark.parametrize(
    ("mcentral", "span_class", "spans", "times"),
    [
        ("go1.27", 30, (3, 2, 1), [6, 5]),
        ("go1.27", 0, (0, 0, 1), [1, 0]),
        ("go1.14", 30, (3, 2, 1), [7]),
        ("go1.14", 0, (0, 0, 1), [0]),
    ],
)
def test_how_often_refills_touch_their_mcentral(
    mcentral: str, span_class: int, spans: tuple[int, int, int], times: list[int]
) -> None:
    """A span in, and one out of a set if it is not fresh; moves under the lock, two if it is."""
    world = world_of(config_of(ALLOCATES, f"model.mcentral={mcentral}"))
    counts = no_refills(1)
    counts.partial[0], counts.swept[0], counts.fresh[0] = spans
    holds = world.locks.central_holds(np.array([span_class]), counts)
    assert [float(hold.times[0]) for hold in holds] == times


def test_a_span_that_is_swept_in_vain_costs_a_sweep_and_no_refill() -> None:
    world = world_of(config_of(ALLOCATES))
    span_class = np.array([30])

    def price(in_vain: int) -> float:
        counts = no_refills(1)
        counts.swept[0], counts.in_vain[0] = 10, in_vain
        nothing = np.zeros(1, dtype=np.int64)
        taken = Taken(span_class, nothing, nothing[:0], nothing[:0], nothing, counts)
        return float(world.refill_costs.bill(taken, np.ones(1, dtype=np.int64)).ns.sum())

    swept = 10 * world.runtime.machine.sweep.span_ns
    assert price(in_vain=10) == pytest.approx(swept)
    assert price(in_vain=4) == pytest.approx(
        swept + 6 * world.runtime.machine.alloc.refill_partial_ns
    )
