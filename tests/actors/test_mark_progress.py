"""White, grey and black bytes while the collector marks, recorded only when asked for."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from sim.results.result import Result
from tests.worlds import EVERYTHING, run


@pytest.fixture(scope="module")
def told() -> Result:
    """A run that tells how marking goes on."""
    return run(EVERYTHING, GOMAXPROCS=2, duration="60ms", record={"timeline": True})


def by_cycle(result: Result) -> list[tuple[int, pd.DataFrame]]:
    """The rows of each cycle."""
    return [(int(number), rows) for number, rows in result.marking.groupby("cycle")]


def test_black_grows_and_work_is_used_up_in_every_cycle(told: Result) -> None:
    assert len(by_cycle(told)) >= 2
    for _, rows in by_cycle(told):
        assert rows["black"].is_monotonic_increasing
        assert rows["work_left"].iloc[-1] < rows["work_left"].iloc[0]
        assert (rows[["white", "grey", "black", "work_left"]] >= 0).all(axis=None)


def test_the_last_row_of_a_cycle_has_everything_scanned_and_garbage_white(told: Result) -> None:
    cycles = told.cycles.set_index("number")
    for number, rows in by_cycle(told):
        if number not in cycles.index:
            continue
        last, cycle = rows.iloc[-1], cycles.loc[number]
        assert (last["grey"], last["work_left"]) == (0, 0)
        marked_before = cycle["heap_marked"] - cycle["allocated_black"]
        assert last["black"] - last["black_new"] == pytest.approx(marked_before, rel=0.02)


def test_nothing_is_told_unless_asked_for() -> None:
    keys: dict[str, Any] = {"GOMAXPROCS": 2, "duration": "20ms"}
    assert run(EVERYTHING, **keys).marking.empty
