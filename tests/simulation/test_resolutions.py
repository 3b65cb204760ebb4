"""Refills in batches tell the same story as refills one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.worlds import run

PROGRAM: dict[str, Any] = {
    "name": "resolutions",
    "mixes": {"node": [{"size": "512B", "pointers": "all"}, {"size": "4KiB", "share": 0.2}]},
    "stores": {"live": {"size": "2MiB", "of": "node"}},
    "goroutines": {
        "job": {
            "steps": [
                {"work": {"cpu": {"exponential": "150us"}, "allocate": "64KiB", "of": "node"}},
                {"work": {"cpu": "10us", "allocate": "2KiB", "of": "node", "into": "live"}},
                {"wait": {"exponential": "200us"}},
            ]
        }
    },
    "load": {"jobs": {"goroutine": "job", "workers": 4}},
}
SEEDS = range(6)


def figures(resolution: str, seed: int) -> dict[str, float]:
    """What a user compares: cycles, heap, GC CPU and the parts of latency."""
    result = run(PROGRAM, seed=seed, duration="100ms", model={"resolution": resolution})
    cycles, requests = result.cycles, result.requests
    marking = cycles[["dedicated_ns", "fractional_ns", "idle_ns", "assist_ns"]]
    return {
        "cycles": len(cycles),
        "peak heap": cycles["heap_end"].max(),
        "marked heap": cycles["heap_marked"].iloc[3:].mean(),
        "marking": marking.sum().sum(),
        "requests": len(requests),
        "latency": (requests["end_ns"] - requests["arrival_ns"]).mean(),
        **{part: requests[part].mean() for part in ("on_cpu", "alloc", "assist", "queue")},
    }


@pytest.mark.slow
def test_batches_and_single_refills_agree() -> None:
    batched, refill = (
        pd.DataFrame([figures(resolution, seed) for seed in SEEDS])
        for resolution in ("batched", "refill")
    )
    table = pd.DataFrame({"batched": batched.mean(), "refill": refill.mean()})
    differences = refill - batched
    half = stats.t.ppf(0.995, len(SEEDS) - 1) * differences.sem()
    table["difference"], table["interval"] = differences.mean(), half
    relative = np.abs(table["difference"]) - table["interval"]
    assert (relative <= 0.05 * table["batched"]).all(), table.round(1).to_string()
