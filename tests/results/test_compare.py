"""A comparison tells a real difference from noise, and refuses runs that are no pairs."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sim.errors import UserError
from sim.record.facts import Pause
from sim.results.compare import compare
from sim.results.statistics import holm, mean_interval, paired_difference, variance_saved
from sim.streams import Streams


def test_the_interval_is_students() -> None:
    mean = mean_interval([1.0, 2.0, 3.0, 4.0])
    assert mean.value == 2.5
    assert mean.high - mean.value == pytest.approx(3.182446 * 1.290994 / 2, rel=1e-6)
    assert math.isnan(mean_interval([1.0]).low)


def test_pairs_show_differences_smaller_than_the_noise() -> None:
    before = [10.0, 200.0, 3000.0]
    difference = paired_difference(before, [value + 1 for value in before])
    assert difference.mean.value == pytest.approx(1)
    assert difference.mean.low > 0
    assert difference.p < 0.001


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    generator = Streams(1)["test"]
    hits = 0
    for _ in range(400):
        before, noise = generator.normal(size=(2, 20))
        mean = paired_difference(before.tolist(), (before + 0.3 + noise).tolist()).mean
        hits += mean.low <= 0.3 <= mean.high
    assert 0.92 < hits / 400 < 0.98  # four standard errors are 0.04


def test_equal_pairs_are_certain_and_a_single_pair_tells_nothing() -> None:
    assert paired_difference([1.0, 2.0], [1.0, 2.0]).p == 1.0
    assert paired_difference([0.1, 0.2], [0.4, 0.5]).p == 0.0
    assert math.isnan(paired_difference([1.0], [2.0]).p)
    tiny = paired_difference([1e9, 1e9, 1e9], [1e9 + 1, 1e9 + 2, 1e9 + 1.5])
    assert tiny.mean.low < 1.5 < tiny.mean.high


def test_holm_counts_what_is_known() -> None:
    assert holm([0.01, 0.04, math.nan, 0.03])[:2] == pytest.approx([0.03, 0.06])
    assert math.isnan(holm([0.01, math.nan])[1])


def test_independent_runs_save_nothing_by_pairing() -> None:
    first, second = Streams(1)["test"].normal(size=(2, 4000))
    assert variance_saved(first.tolist(), second.tolist()) == pytest.approx(1.0, abs=0.1)


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
