"""Is a difference between two settings real? Pairs of runs with the same seeds answer best.

Random streams have names, so two runs with one seed meet the same arrivals and sizes: the
difference of a pair varies less than the runs do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from sim.errors import UserError
from sim.results.summary import Figure, Summary, summary
from sim.units import Fraction

if TYPE_CHECKING:
    from sim.results.result import Result

CONFIDENCE: Fraction = 0.95


class Interval(NamedTuple):
    """An estimate, and bounds that hold the true value with the stated confidence.

    The bounds are NaN where there are too few values to tell.
    """

    value: float
    low: float
    high: float


def mean_interval(values: Sequence[float], confidence: Fraction = CONFIDENCE) -> Interval:
    """The mean of independent values, with Student's t interval."""
    numbers = np.asarray(values, dtype=float)
    mean, count = float(numbers.mean()), len(numbers)
    if count < 2:  # noqa: PLR2004  one value has no spread
        return Interval(mean, math.nan, math.nan)
    error = float(numbers.std(ddof=1)) / math.sqrt(count)
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * error
    return Interval(mean, mean - half, mean + half)


def paired_difference(
    before: Sequence[float], after: Sequence[float], confidence: Fraction = CONFIDENCE
) -> Interval:
    """Mean of after - before over pairs. Raises UserError if they are not pairs."""
    first, second = _pairs(before, after)
    return mean_interval((second - first).tolist(), confidence)


def paired_ratio(
    before: Sequence[float], after: Sequence[float], confidence: Fraction = CONFIDENCE
) -> Interval:
    """Geometric mean of after / before over pairs of positive numbers.

    Raises UserError if they are not pairs, or not positive.
    """
    first, second = _pairs(before, after)
    if (first <= 0).any() or (second <= 0).any():
        raise UserError("a ratio of runs needs positive figures on both sides")
    return Interval(*np.exp(mean_interval(np.log(second / first).tolist(), confidence)).tolist())


def bootstrap_difference(
    before: Sequence[float],
    after: Sequence[float],
    generator: np.random.Generator,
    confidence: Fraction = CONFIDENCE,
    resamples: int = 2000,
) -> Interval:
    """Mean of after - before over pairs, with the bootstrap's percentile interval.

    Assumes no normal distribution, but needs ten pairs or so. Raises UserError if they are not
    pairs.
    """
    first, second = _pairs(before, after)
    differences = second - first
    drawn = generator.integers(len(differences), size=(resamples, len(differences)))
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(differences[drawn].mean(axis=1), tails).tolist()
    return Interval(float(differences.mean()), low, high)


def compare(before: Iterable[Result], after: Iterable[Result]) -> pd.DataFrame:
    """Headline figures of two settings, paired by seed: means, difference and its bounds.

    `change` is the difference relative to `before`. Raises UserError if the seeds of both sides
    are not the same, or occur twice.
    """
    first, second = _by_seed(before), _by_seed(after)
    if first.keys() != second.keys():
        raise UserError(
            f"the runs must come in pairs with the same seeds, got {sorted(first)} before and"
            f" {sorted(second)} after"
        )
    names = [
        name for name in next(iter(first.values()))
        if all(name in figures for side in (first, second) for figures in side.values())
    ]  # fmt: skip
    rows = {
        name: _row([first[seed][name] for seed in first], [second[seed][name] for seed in first])
        for name in names
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _row(before: list[Figure], after: list[Figure]) -> dict[str, float | str]:
    first, second = [f.value for f in before], [f.value for f in after]
    difference = paired_difference(first, second)
    base = float(np.mean(first))
    return {
        "before": base,
        "after": float(np.mean(second)),
        "difference": difference.value,
        "low": difference.low,
        "high": difference.high,
        "change": difference.value / base if base else math.nan,
        "unit": before[0].unit,
    }


def _by_seed(runs: Iterable[Result]) -> dict[int, Summary]:
    listed = list(runs)
    by_seed = {run.run["seed"]: summary(run) for run in listed}
    if not by_seed or len(by_seed) < len(listed):
        raise UserError("a side of a comparison needs one run per seed, and at least one")
    return by_seed


def _pairs(
    before: Sequence[float], after: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(before) != len(after) or not len(before):
        raise UserError(f"expected pairs, got {len(before)} values before and {len(after)} after")
    return np.asarray(before, dtype=float), np.asarray(after, dtype=float)
