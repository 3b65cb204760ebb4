"""Two settings side by side: pairs of runs with the same seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sim.errors import UserError
from sim.results.statistics import paired_difference
from sim.results.summary import Summary, summary
from sim.units import Figure

if TYPE_CHECKING:
    from sim.results.result import Result


def compare(before: Iterable[Result], after: Iterable[Result]) -> pd.DataFrame:
    """Headline figures of two settings, paired by seed: means, difference, its bounds and p.

    `change` is the difference relative to `before`; `p` is of Student's paired t test, each figure
    for itself. Raises UserError if the seeds of both sides are not the same, or occur twice.
    """
    first, second = _by_seed(before), _by_seed(after)
    if first.keys() != second.keys():
        raise UserError(
            f"the runs must come in pairs with the same seeds, got {sorted(first)} before and"
            f" {sorted(second)} after"
        )
    names = [
        name
        for name in next(iter(first.values()))
        if all(name in figures for side in (first, second) for figures in side.values())
    ]
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
        "difference": difference.mean.value,
        "low": difference.mean.low,
        "high": difference.mean.high,
        "change": difference.mean.value / base if base else math.nan,
        "p": difference.p,
        "unit": before[0].unit,
    }


def _by_seed(runs: Iterable[Result]) -> dict[int, Summary]:
    listed = list(runs)
    by_seed = {run.run["seed"]: summary(run) for run in listed}
    if not by_seed or len(by_seed) < len(listed):
        raise UserError("a side of a comparison needs one run per seed, and at least one")
    return by_seed
