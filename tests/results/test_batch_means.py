"""The interval of a run's mean holds it as often as it says, though its values hang together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.results.batch_means import half_width
from sim.streams import Streams

TRIALS = 300


def alike(length: int, likeness: float, trial: int) -> np.ndarray:
    """An autoregressive series with the mean 10; neighbours correlate by `likeness`."""
    from scipy.signal import lfilter

    noise = Streams(trial)["test"].normal(size=length + 1000)
    return 10 + lfilter([1.0], [1.0, -likeness], noise)[1000:]


@pytest.mark.parametrize("likeness", [0.0, 0.5, 0.9])
def test_intervals_of_long_series_hold_the_mean(likeness: float) -> None:
    """95 % of them, less what a wrong length of the batches takes."""
    series = [alike(4000, likeness, trial) for trial in range(TRIALS)]
    told = [(s.mean(), half_width(s)) for s in series]
    known = [(mean, width) for mean, width in told if math.isfinite(width)]
    assert len(known) > 0.85 * TRIALS
    held = np.mean([abs(mean - 10) <= width * abs(mean) for mean, width in known])
    assert held > 0.90


@pytest.mark.parametrize("likeness", [0.0, 0.9])
def test_a_series_that_is_looked_at_again_and_again_holds_it_nearly_as_often(
    likeness: float,
) -> None:
    """The looks of a run, until the half width is 5 %."""
    held = []
    for trial in range(TRIALS):
        series, length = alike(20_000, likeness, trial), 100
        while half_width(series[:length]) > 0.05 / 1.05 and length < len(series):
            length = min(length * 5 // 4, len(series))
        held.append(abs(series[:length].mean() - 10) <= 0.05 * 10)
    print(likeness, np.mean(held))  # noqa: T201  shown by pytest -s
    assert np.mean(held) > 0.85


def test_what_is_too_short_or_drifts_is_not_known() -> None:
    assert half_width(np.arange(19.0)) == math.inf
    assert half_width(np.linspace(1, 2, 1000)) == math.inf


def test_what_never_changes_is_known() -> None:
    assert half_width(np.full(40, 3.0)) == 0
