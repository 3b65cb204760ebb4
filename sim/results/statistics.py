"""Intervals and tests for figures of runs: few values, often in pairs.

Random streams have names, so two runs with one seed meet the same arrivals and sizes: the
difference of a pair varies less than the runs do (common random numbers).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.units import Fraction

CONFIDENCE: Final[Fraction] = 0.95


class Interval(NamedTuple):
    """An estimate, and bounds that hold the true value with the stated confidence.

    The bounds are NaN where there are too few values to tell.
    """

    value: float
    low: float
    high: float


class Difference(NamedTuple):
    """The mean difference of pairs, and how likely one as large comes by chance alone."""

    mean: Interval
    p: float
    """Of Student's paired t test; NaN of a single pair."""


class Change(NamedTuple):
    """How a figure changed over pairs, and how likely as much comes by chance alone."""

    mean: Interval
    p: float
    relative: bool
    """Whether it is the geometric mean of the ratios, less one; else the mean difference."""


MOST_LOG: Final = 700.0
"""Of a ratio; a float holds no more."""
UNKNOWN: Final = Difference(Interval(math.nan, math.nan, math.nan), math.nan)


def mean_interval(values: Sequence[float], confidence: Fraction = CONFIDENCE) -> Interval:
    """The mean of independent values, with Student's t interval."""
    return _students(np.asarray(values, dtype=float), confidence).mean


def paired_difference(
    before: Sequence[float], after: Sequence[float], confidence: Fraction = CONFIDENCE
) -> Difference:
    """Mean of after - before over pairs. Raises UserError if they are not pairs."""
    if len(before) != len(after) or not len(before):
        raise UserError(f"expected pairs, got {len(before)} values before and {len(after)} after")
    return _students(np.subtract(after, before, dtype=float), confidence)


def paired_change(before: Sequence[float], after: Sequence[float]) -> Change:
    """The mean ratio of pairs, less one, with its interval; a ratio is never below -100 %.

    Where a value is zero or less there is no ratio, and it is the mean difference. Raises UserError
    if they are not pairs. Source: ratios as means of logarithms, as benchstat has them.
    """
    if min(*before, *after) <= 0:
        return Change(*paired_difference(before, after), relative=False)
    return of_logs(np.log(before).tolist(), np.log(after).tolist())


def of_logs(before: Sequence[float], after: Sequence[float]) -> Change:
    """The mean ratio of pairs of which there are the logarithms."""
    mean, p = paired_difference(before, after)
    bounds = (math.expm1(min(part, MOST_LOG)) for part in mean)
    return Change(Interval(*bounds), p, relative=True)


def paired_chances(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """p of Student's paired t test of many differences at once; the last axis has the pairs.

    As `paired_difference` has it. Differences of at least two pairs.
    """
    from scipy.special import stdtr

    count = differences.shape[-1]
    mean, spread = differences.mean(axis=-1), np.ptp(differences, axis=-1)
    alike = spread <= np.finfo(float).eps * np.abs(differences).max(axis=-1)
    error = np.where(alike, 1.0, differences.std(axis=-1, ddof=1) / math.sqrt(count))
    p = 2 * stdtr(count - 1, -np.abs(mean / error))
    return np.where(alike, np.where(mean == 0, 1.0, 0.0), p)


def _students(values: NDArray[np.float64], confidence: Fraction) -> Difference:
    """Mean, t interval and the t test of a mean of zero.

    Values that are all the same have no spread: their mean is certain, and the test, too.
    """
    mean, count = float(values.mean()), len(values)
    if count == 1:
        return Difference(Interval(mean, math.nan, math.nan), math.nan)
    if np.ptp(values) <= np.finfo(float).eps * np.abs(values).max():
        return Difference(Interval(mean, mean, mean), 0.0 if mean else 1.0)
    from scipy.stats import ttest_1samp

    # Scaled by their spread: scipy warns of a loss of precision where the spread is small.
    test = ttest_1samp((values - mean) / np.ptp(values), -mean / np.ptp(values))
    bounds = test.confidence_interval(confidence)
    low, high = (mean + float(bound) * float(np.ptp(values)) for bound in bounds)
    return Difference(Interval(mean, low, high), float(test.pvalue))


def median_interval(values: Sequence[float]) -> tuple[Interval, Fraction]:
    """The median, bounds among the values, and the confidence with which they hold the true one.

    The narrowest pair of order statistics that reaches CONFIDENCE; below six values the extremes,
    with less. No distribution is assumed.

    Source: Hahn and Meeker, "Statistical Intervals", 1991, chapter 5.
    """
    from scipy.stats import binom

    ordered = np.sort(np.asarray(values, dtype=float))
    count = len(ordered)
    # With the k smallest and k largest left out, the true median is missed with 2 P(X <= k).
    misses = 2 * binom.cdf(np.arange((count + 1) // 2), count, 0.5)
    k = int(np.count_nonzero(misses <= 1 - CONFIDENCE) or 1) - 1
    value = float(np.median(ordered))
    if count == 1:
        return Interval(value, math.nan, math.nan), 0.0
    bounds = Interval(value, float(ordered[k]), float(ordered[count - 1 - k]))
    return bounds, 1 - float(misses[k])


def holm(p: Sequence[float]) -> list[float]:
    """p values corrected for their number: below 5 % of all of them, 5 % of whole tables err.

    NaN stays NaN and does not count. Source: Holm, "A simple sequentially rejective multiple test
    procedure", 1979.
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values)[: np.count_nonzero(~np.isnan(values))]  # NaN is sorted last
    times = np.arange(len(order), 0, -1)
    values[order] = np.minimum(np.maximum.accumulate(values[order] * times), 1.0)
    return [float(value) for value in values]


def variance_saved(before: Sequence[float], after: Sequence[float]) -> float:
    """How many times more the difference of means would vary if the runs were no pairs.

    NaN where the pairs all differ by the same.
    """
    together = float(np.var(np.subtract(after, before, dtype=float), ddof=1))
    apart = float(np.var(before, ddof=1) + np.var(after, ddof=1))
    return apart / together if together else math.nan
