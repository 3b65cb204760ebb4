"""What a pacer is judged by, from a run; less is better in all of it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from sim.results.result import Result
from sim.units import SECOND

MEASURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "overshoot": "fraction",
        "cycles": "per_second",
        "gc_cpu": "fraction",
        "assist_cpu": "fraction",
        "peak_heap": "bytes",
        "latency_p99": "ns",
        "limiter": "fraction",
        "trigger_swing": "fraction",
        "goal_swing": "fraction",
    }
)
"""Unit by name. `overshoot`: mean of the heap beyond its goal when marking ends, relative to the
goal; `cycles`: GC cycles per second; `limiter`: share of the cycles under the CPU limiter;
`*_swing`: mean change from one cycle to the next, relative to the mean."""
SHARES: Final = frozenset({"overshoot", "assist_cpu", "limiter", "trigger_swing", "goal_swing"})
"""Often zero: they are compared by their difference, the others by their ratio."""


def measure(run: Result) -> dict[str, float]:
    """The measures of a run's service; those that it does not tell are left out."""
    figures, cycles = run.summary().numbers(), run.service("cycles")
    found = {name: figures[name] for name in MEASURES if name in figures}
    elapsed = max(run.end_ns - run.service_ns, 1)
    return {**found, "cycles": len(cycles) * SECOND / elapsed, **_of_cycles(cycles)}


def _of_cycles(cycles: pd.DataFrame) -> dict[str, float]:
    by_heap = cycles[cycles["reason"] == "heap"]
    if len(by_heap) < 2:  # noqa: PLR2004  one cycle does not swing
        return {}
    beyond = by_heap["heap_end"] / by_heap["heap_goal"] - 1
    return {
        "overshoot": float(beyond.clip(lower=0).mean()),
        "limiter": float(cycles["limiting"].mean()),
        "trigger_swing": _swing(by_heap["trigger"]),
        "goal_swing": _swing(by_heap["heap_goal"]),
    }


def _swing(values: pd.Series[int]) -> float:
    numbers = values.to_numpy(dtype=float)
    return float(np.abs(np.diff(numbers)).mean() / numbers.mean())
