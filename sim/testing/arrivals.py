"""What an arrival process promises."""

from __future__ import annotations

import math
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.streams import Streams
from sim.testing.promise import checker
from sim.units import SECOND, PerSecond
from sim.workload.arrivals import Arrivals

BLOCKS: Final = 20
STANDARD_ERRORS: Final = 5
"""A count this far from its expectation happens once in a million processes that are right."""


def check_arrivals(arrivals: Arrivals, rate: PerSecond | None = None) -> None:
    """AssertionError unless the process keeps `sim.workload.arrivals.Arrivals`.

    Instants are whole ns from 0 on in ascending order and depend on nothing but the stream. With a
    `rate`, the long-run number of arrivals fits it, for processes no more erratic than Poisson's.
    """
    promise = checker(arrivals)
    blocks = _blocks(arrivals, seed=1)
    for block in blocks:
        promise(
            isinstance(block, np.ndarray) and block.dtype == np.int64 and block.ndim == 1,
            f"times gives blocks of int64, got {getattr(block, 'dtype', type(block).__name__)}",
        )
    at = np.concatenate([np.empty(0, dtype=np.int64), *blocks])
    promise(bool(len(at)), "somebody arrives")
    promise(bool(at[0] >= 0), f"nobody arrives before the start of the load, got {at[0]}")
    backwards = np.flatnonzero(np.diff(at) < 0)
    promise(
        not len(backwards),
        f"instants ascend, within and between blocks, got {at[backwards[:1] + 1]} after"
        f" {at[backwards[:1]]}",
    )
    _check_chance(arrivals, at)
    if rate is not None:
        _check_rate(arrivals, at, rate)


def _blocks(arrivals: Arrivals, seed: int) -> list[NDArray[np.int64]]:
    return list(islice(arrivals.times(Streams(seed)["conformance"]), BLOCKS))


def _check_chance(arrivals: Arrivals, at: NDArray[np.int64]) -> None:
    """Two loads with one process do not disturb each other; the stream alone decides."""
    promise = checker(arrivals)
    first = arrivals.times(Streams(1)["conformance"])
    second = arrivals.times(Streams(2)["conformance"])
    pairs = islice(zip(first, second, strict=False), BLOCKS)
    again = np.concatenate([np.empty(0, dtype=np.int64), *(block for block, _ in pairs)])
    promise(
        bool(np.array_equal(again, at[: len(again)])),
        "the same stream gives the same instants, whatever other loads draw in between",
    )


def _check_rate(arrivals: Arrivals, at: NDArray[np.int64], rate: PerSecond) -> None:
    """The count within the time that was drawn, against Poisson's standard deviation."""
    expected = rate * float(at[-1]) / SECOND
    slack = STANDARD_ERRORS * math.sqrt(expected) + 1
    checker(arrivals)(
        abs(len(at) - expected) <= slack,
        f"{rate:g} a second are {expected:.0f} +- {slack:.0f} arrivals in"
        f" {float(at[-1]) / SECOND:.3g} s, got {len(at)}",
    )
