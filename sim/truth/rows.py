"""Rows that the Go benchmarks (`sim/truth/go/bench`) print, and what is worked out from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Row]
Costs: TypeAlias = dict[str, float]
"""By field of a section of the profile."""


def solve(steps: ArrayLike, took: ArrayLike, unit: ArrayLike | None = None) -> list[float]:
    """Costs per step, none negative, that explain best how long counted steps took.

    Errors count in relation to `unit`; without it, to what was measured.
    """
    counted, measured = np.asarray(steps, dtype=float), np.asarray(took, dtype=float)
    scale = measured if unit is None else np.asarray(unit, dtype=float)
    costs, _ = nnls(counted / scale[:, None], measured / scale)
    return [float(cost) for cost in costs]


def merged(rounds: Sequence[Mapping[str, Rows]]) -> dict[str, Rows]:
    """One set of rows: means of numbers, samples joined.

    A machine is in turn faster and slower, and what a simulated program does many times takes the
    mean.
    """
    return {
        name: [_merged_row(same) for same in zip(*(found[name] for found in rounds), strict=True)]
        for name in rounds[0]
    }


def _merged_row(same: Rows) -> Row:
    return {key: _merged_value([row[key] for row in same]) for key in same[0]}


def _merged_value(values: Sequence[Any]) -> Any:
    if all(value == values[0] for value in values):
        return values[0]
    if isinstance(values[0], list):
        return [item for sample in values for item in sample]
    return mean(values)


def ns_of(rows: Rows) -> list[float]:
    """What each of them took."""
    return [row["ns"] for row in rows]


def mean(values: Iterable[float]) -> float:
    """Their mean."""
    return float(np.mean(list(values)))
