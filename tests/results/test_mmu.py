"""MMU finds the worst window there is, as Go's trace tool does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.record.facts import Cycle, Pause
from sim.results.mmu import Utilization, mmu, utilization

END = 100


def test_a_pause_takes_everything(frame_of: Any) -> None:
    pauses = frame_of(Pause, {"at_ns": 40, "total_ns": 10})
    used = utilization(frame_of(Cycle), pauses, END)
    assert mmu(used, [5, 10, 20, 100, 1000]).tolist() == pytest.approx([0, 0, 0.5, 0.9, 0.9])


def test_the_worst_window_may_hold_two_pauses(frame_of: Any) -> None:
    pauses = frame_of(Pause, {"at_ns": 40, "total_ns": 5}, {"at_ns": 50, "total_ns": 5})
    used = utilization(frame_of(Cycle), pauses, END)
    assert mmu(used, [15]).iloc[0] == pytest.approx(1 / 3)


def test_marking_takes_its_share_of_the_processors(frame_of: Any) -> None:
    cycle = {"mark_ns": 20, "mark_term_ns": 60, "procs": 4, "dedicated_ns": 40, "idle_ns": 99}
    used = utilization(frame_of(Cycle, cycle), frame_of(Pause), END)
    assert mmu(used, [10]).iloc[0] == pytest.approx(0.75)


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(0, 4)), min_size=1, max_size=12),
    st.integers(1, 120),
)
def test_no_window_is_worse(steps: list[tuple[int, int]], window: int) -> None:
    at = np.cumsum([0, *(length for length, _ in steps)])
    share = np.array([quarter / 4 for _, quarter in steps])
    by_instant = np.repeat(share, np.diff(at))
    length = min(window, len(by_instant))
    worst = min(
        by_instant[start : start + length].mean() for start in range(len(by_instant) - length + 1)
    )
    assert mmu(Utilization(at, share), [window]).iloc[0] == pytest.approx(worst)


def test_a_run_without_time_has_no_utilisation(frame_of: Any) -> None:
    assert mmu(utilization(frame_of(Cycle), frame_of(Pause), 0), [10]).tolist() == [0.0]
