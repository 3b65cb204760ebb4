"""A program of many runs, such as a notebook or one process of a sweep, must not grow with them."""

from __future__ import annotations

import gc

import pytest

from sim.config import load
from sim.simulation import simulate


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_what_a_run_leaves_goes_before_the_next(detail: str) -> None:
    config = load("cache", ["duration=20ms", f"model.detail={detail}"])
    there = []
    for _ in range(4):
        simulate(config)
        there.append(len(gc.get_objects()))
    assert there[3] - there[1] < 100  # objects; a run leaves a thousand
