"""What a distribution promises."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.streams import Streams
from sim.testing.promise import checker
from sim.workload.distributions import Distribution, Floats

POINTS: Final = 20_001
LAST_BITS: Final = 53
"""1 - 2**-53 is the largest float below 1."""
ROUNDING: Final = 1e-9


def check_distribution(distribution: Distribution) -> None:
    """AssertionError unless the distribution keeps `sim.workload.distributions.Distribution`.

    Quantiles are finite, non-negative, ascending, and depend on nothing but the probabilities; the
    declared mean lies between bounds that follow from the quantiles, with certainty.
    """
    _check_quantiles(distribution)
    _check_draws(distribution)
    _check_mean(distribution)


def _grid() -> Floats:
    """Probabilities from 0 to the last float below 1, ever denser towards 1."""
    return np.asarray(1.0 - np.exp2(-np.linspace(0, LAST_BITS, POINTS)))


def _check_quantiles(distribution: Distribution) -> None:
    promise, u = checker(distribution), _grid()
    values = distribution.quantile(u)
    promise(
        isinstance(values, np.ndarray) and values.shape == u.shape,
        f"quantile gives one value for every probability, got {np.shape(values)} for {u.shape}",
    )
    for bad, what in (
        (~np.isfinite(values), "finite"),
        (values < 0, "not negative"),
        (np.diff(values, prepend=values[0]) < -ROUNDING * np.abs(values), "ascending"),
    ):
        first = int(np.argmax(bad))
        promise(not bad.any(), f"quantiles are {what}, got {values[first]} at {u[first]}")
    promise(distribution.quantile(np.empty(0)).shape == (0,), "no probability, no value")


def _check_draws(distribution: Distribution) -> None:
    promise = checker(distribution)
    u = Streams(1)["conformance"].random(1000)
    given = u.copy()
    values = distribution.quantile(u)
    promise(bool(np.array_equal(u, given)), "quantile leaves the probabilities as they are")
    promise(
        bool(np.array_equal(values, distribution.quantile(u))),
        "the same probabilities give the same values: all chance comes from the stream",
    )
    one_by_one = np.concatenate([distribution.quantile(u[i : i + 1]) for i in range(len(u))])
    promise(
        bool(np.allclose(values, one_by_one, rtol=ROUNDING)),
        "values drawn one by one are those drawn together",
    )


def _check_mean(distribution: Distribution) -> None:
    """The integral of an ascending function lies between its sums from the left and the right."""
    promise, u, mean = checker(distribution), _grid(), distribution.mean()
    promise(math.isfinite(mean) and mean >= 0, f"the mean is finite and not negative, got {mean!r}")
    values, width = distribution.quantile(u), np.diff(u)
    low, high = float(np.dot(values[:-1], width)), float(np.dot(values[1:], width))
    promise(
        low * (1 - ROUNDING) <= mean <= high * (1 + ROUNDING),
        f"the mean is that of the values: between {low:.6g} and {high:.6g}, got {mean:.6g}",
    )
