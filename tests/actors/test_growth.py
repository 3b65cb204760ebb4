"""Slices and maps that grow leave their former arrays behind as garbage, and keep the last."""

from __future__ import annotations

from typing import Any

import pytest

from sim.go.growth import map_arrays, slice_arrays
from sim.go.sizeclass import size_classes
from sim.units import KiB
from tests.worlds import run

ELEMENTS = 100_000
JOBS = 40
TABLE = size_classes("1.27")
SLICE = slice_arrays(ELEMENTS, 8, TABLE, noscan=True)
MAP = map_arrays(ELEMENTS, 16)


def grow(step: dict[str, Any], detail: str) -> Any:
    """Jobs, one after the other, that let something grow, wait, and end."""
    workload = {
        "name": "growing",
        "goroutines": {"job": {"steps": [step, {"wait": "5ms"}]}},
        "load": {"jobs": {"goroutine": "job", "count": JOBS, "parallel": 1}},
    }
    return run(workload, duration="10s", model={"detail": detail}, GOGC=50)


@pytest.mark.parametrize("detail", ["events", "fluid"])
@pytest.mark.parametrize("step", ["append", "insert"])
def test_all_arrays_are_allocated_and_the_last_is_alive(step: str, detail: str) -> None:
    arrays = {"append": SLICE, "insert": MAP}[step]
    count = {"append": "elements", "insert": "entries"}[step]
    result = grow({step: {count: ELEMENTS, "cpu": "2ms"}}, detail)
    total = sum(each.number * TABLE.usable_size(each.size, noscan=True) for each in arrays)
    allocated = result.samples["/gc/heap/allocs:bytes"].iloc[-1]
    assert allocated == pytest.approx(JOBS * total, rel=0.03)
    last = arrays[-1].number * arrays[-1].size
    marked = result.cycles["heap_marked"]
    assert 0.9 * last <= marked.max() < total + 64 * KiB


def test_computing_is_shared_out_by_elements() -> None:
    (row,) = (
        grow({"append": {"elements": ELEMENTS, "cpu": "3ms"}}, "events")
        .requests.head(1)
        .to_dict("records")
    )
    assert row["on_cpu"] == pytest.approx(3e6, rel=1e-3)
