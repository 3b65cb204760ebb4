"""A comparison tells a real difference from noise, and refuses runs that are no pairs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sim.errors import UserError
from sim.record.facts import Pause
from sim.results.compare import (
    bootstrap_difference,
    compare,
    mean_interval,
    paired_difference,
    paired_ratio,
)
from sim.streams import Streams


def test_the_interval_is_students() -> None:
    mean = mean_interval([1.0, 2.0, 3.0, 4.0])
    assert mean.value == 2.5
    assert mean.high - mean.value == pytest.approx(3.182446 * 1.290994 / 2, rel=1e-6)
    assert math.isnan(mean_interval([1.0]).low)


def test_pairs_show_differences_smaller_than_the_noise() -> None:
    before = [10.0, 200.0, 3000.0]
    difference = paired_difference(before, [value + 1 for value in before])
    assert difference.value == pytest.approx(1)
    assert difference.low > 0
    ratio = paired_ratio(before, [value * 1.1 for value in before])
    assert ratio == pytest.approx((1.1, 1.1, 1.1))


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    generator = Streams(1)["test"]
    hits = {"t": 0, "bootstrap": 0}
    for _ in range(400):
        before, noise = generator.normal(size=(2, 20))
        after = before + 0.3 + noise
        student = paired_difference(before.tolist(), after.tolist())
        resampled = bootstrap_difference(before.tolist(), after.tolist(), generator, resamples=400)
        hits["t"] += student.low <= 0.3 <= student.high
        hits["bootstrap"] += resampled.low <= 0.3 <= resampled.high
    assert 0.92 < hits["t"] / 400 < 0.98  # four standard errors are 0.04
    assert 0.88 < hits["bootstrap"] / 400 < 0.97  # 20 pairs make it a little narrow


def test_runs_are_paired_by_seed(run_of: Any) -> None:
    def runs(*pauses: int) -> list[Any]:
        return [run_of([Pause(0, "x", 0, ns, 0)], seed=s, end_ns=99) for s, ns in enumerate(pauses)]

    table = compare(runs(10, 20), reversed(runs(13, 24)))
    row = table.loc["longest_pause"]
    assert row[["before", "after", "difference", "unit"]].tolist() == [15, 18.5, 3.5, "ns"]
    assert row["change"] == pytest.approx(3.5 / 15)
    assert row["low"] < 3.5 < row["high"]


def test_what_is_no_pair_is_refused(run_of: Any) -> None:
    with pytest.raises(UserError, match="same seeds, got \\[1\\] before and \\[2\\] after"):
        compare([run_of(seed=1)], [run_of(seed=2)])
    with pytest.raises(UserError, match="one run per seed"):
        compare([run_of(seed=1), run_of(seed=1)], [run_of(seed=1)])
    with pytest.raises(UserError, match="expected pairs, got 2 values before and 1 after"):
        paired_difference([1, 2], [1])
    with pytest.raises(UserError, match="positive"):
        paired_ratio([0], [1])
