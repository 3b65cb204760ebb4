"""Quantiles of the normal distribution are scipy's, to the last bit: tables depend on them."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from sim.workload.normal import normal_quantile


def test_quantiles_are_those_of_scipy() -> None:
    evenly = np.linspace(0, 1, 100_003)[1:-1]
    tails = 10.0 ** -np.linspace(0.1, 300, 10_001)
    below_one = 1 - 10.0 ** -np.linspace(0.1, 15, 10_001)
    u = np.concatenate([evenly, tails, below_one, [2.0**-54, 1 - 2.0**-53]])
    assert np.array_equal(normal_quantile(u), ndtri(u))
