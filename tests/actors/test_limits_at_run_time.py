"""debug.SetGCPercent and debug.SetMemoryLimit hold from the moment they are called."""

from __future__ import annotations

from typing import Any

import pytest

from sim.results.result import Result
from sim.units import MAX_INT64, MiB
from tests.worlds import run

LEAST: dict[str, Any] = {
    "name": "changing",
    "mixes": {"node": [{"size": "256B", "pointers": 4}]},
    "stores": {"cache": {"size": "20MiB", "of": "node"}},
    "goroutines": {
        "job": {"steps": [{"work": {"cpu": "100us", "allocate": "128KiB", "of": "node"}}]},
    },
    "load": {"jobs": {"goroutine": "job", "count": 6000, "parallel": 2}},
}


def changed(step: dict[str, Any], detail: str, **keys: Any) -> Result:
    """A run in which a goroutine takes a step after 200 ms, and then some.

    It waits for the network, so that it lies in the global queue before it starts and once more
    before the step, while two chains of jobs share their time slices. Each turn of a fractional
    worker begins a new one for them (schedtick), so that sysmon seldom finds the same one twice.
    """
    setter = {"steps": [{"wait": "200ms"}, step]}
    workload = {
        **LEAST,
        "goroutines": {**LEAST["goroutines"], "setter": setter},
        "load": {**LEAST["load"], "once": {"goroutine": "setter", "count": 1}},
    }
    return run(workload, duration="10s", model={"detail": detail}, **keys)


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_another_gogc_moves_the_goals_that_follow(detail: str) -> None:
    result = changed({"setgcpercent": 400}, detail)
    cycles = result.cycles
    growth = cycles["heap_goal"] / cycles["heap_marked"].shift()
    assert growth[cycles["end_ns"] < 200e6].median() == pytest.approx(2, rel=0.03)
    percent = result.samples.set_index("at_ns")["/gc/gogc:percent"]
    assert set(percent) == {100, 400}
    since = percent.index[percent == 400].min()
    assert growth[cycles["start_ns"] > since].median() == pytest.approx(5, rel=0.03)


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_nothing_is_collected_any_more_once_gogc_is_off(detail: str) -> None:
    result = changed({"setgcpercent": "off"}, detail)
    assert 2 < len(result.cycles) < 30
    assert result.cycles["end_ns"].max() < 400e6


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_a_memory_limit_holds_from_the_moment_it_is_set(detail: str) -> None:
    """Without one, GOGC=off would have grown the heap for the whole run."""
    result = changed({"setmemorylimit": "64MiB"}, detail, GOGC="off")
    cycles = result.cycles
    assert len(cycles) > 3
    assert cycles["start_ns"].min() > 200e6
    assert cycles["heap_goal"].iloc[1:].median() < 64 * MiB
    assert set(result.samples["/gc/gomemlimit:bytes"]) == {MAX_INT64, 64 * MiB}
