"""How long requests took, and where the time of the slowest went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from sim.units import Fraction

CAUSES: Final = (
    "on_cpu",
    "alloc",
    "assist",
    "assist_wait",
    "queue",
    "blocked",
    "lock_wait",
    "stw",
    "gc_slowdown",
    "throttled",
)
"""The parts of a request's time."""

QUANTILES: Final = (0.5, 0.9, 0.99, 0.999)


def latency(requests: pd.DataFrame, quantiles: Sequence[Fraction] = QUANTILES) -> pd.DataFrame:
    """Latency from arrival to end in ns, by load and kind: count, mean, percentiles, maximum.

    A percentile is a latency that occurred: the smallest that this share of requests kept to.
    """
    groups = requests.assign(latency=_latency(requests)).groupby(["load", "kind"])["latency"]
    columns = {"count": groups.count(), "mean": groups.mean()}
    for q in quantiles:
        columns[f"p{100 * q:g}"] = groups.agg(quantile, q=q)
    return pd.DataFrame({**columns, "max": groups.max()})


def quantile(values: pd.Series[int], q: Fraction) -> float:
    """The smallest value that a share `q` of the values does not exceed; NaN of none."""
    if not len(values):
        return float("nan")
    return float(np.quantile(values.to_numpy(), q, method="inverted_cdf"))


def tail_causes(requests: pd.DataFrame, q: Fraction = 0.99) -> pd.DataFrame:
    """Where the time of the slowest went: of requests that took as long as the quantile, or longer.

    By cause, in ns per request: `all`, `tail`, and `extra`, what the slow ones had more of;
    `share` is its part of the extra latency. Empty without requests.
    """
    took = _latency(requests)
    slow = requests[took >= quantile(took, q)]
    means = pd.DataFrame(
        {
            "all": requests[list(CAUSES)].mean(),
            "tail": slow[list(CAUSES)].mean(),
        }
    ).dropna()
    extra = means["tail"] - means["all"]
    return means.assign(extra=extra, share=extra / extra.sum() if extra.sum() else 0.0)


def _latency(requests: pd.DataFrame) -> pd.Series[int]:
    return requests["end_ns"] - requests["arrival_ns"]
