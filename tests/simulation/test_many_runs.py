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


def test_what_else_a_program_holds_is_not_gone_through_for_a_run() -> None:
    """A notebook with a million objects would pay a tenth of a second for each short run."""
    config = load("cache", ["duration=20ms"])
    simulate(config)
    collected = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            collected.append(info["generation"])

    gc.callbacks.append(note)
    try:
        simulate(config)
    finally:
        gc.callbacks.remove(note)
    assert collected
    assert max(collected) < 2
