"""A program of many runs, such as a notebook or one process of a sweep, must not grow with them."""

from __future__ import annotations

import gc

import pytest

from sim.config import load
from sim.python_gc import SELDOM
from sim.simulation import simulate

SHORT = ("duration=20ms",)


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_what_a_run_leaves_goes_before_the_next(detail: str) -> None:
    """In a command, whose collector goes so seldom that it would not come to it for many runs."""
    config, there, usual = load("cache", [*SHORT, f"model.detail={detail}"]), [], gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        for _ in range(4):
            simulate(config)
            there.append(len(gc.get_objects()))
    finally:
        gc.set_threshold(*usual)
    assert there[3] - there[1] < 100  # objects; a run leaves a thousand


def test_what_else_a_program_holds_is_not_gone_through_for_a_run() -> None:
    """A notebook with a million objects would pay a tenth of a second for each short run."""
    config = load("cache", SHORT)
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
