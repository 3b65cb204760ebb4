"""Where what is kept lies: how many spans a cycle visits, and how many it frees, hangs on it."""

from __future__ import annotations

import numpy as np
import pytest

from sim.fluid.retention import Memoryless, OldestStore, RandomStore, Retained
from sim.fluid.spans import occupied_spans

NELEMS, SPANS = 128, 400


def simulated(runs: int, length: int, left: float) -> float:
    """Spans with a survivor, of so many runs that begin anywhere."""
    rng = np.random.Generator(np.random.PCG64(7))
    found = []
    for _ in range(40):
        first = rng.integers(0, SPANS * NELEMS - length, runs)
        slots = first[:, np.newaxis] + np.arange(length)
        found.append(len(np.unique(slots[rng.random(slots.shape) < left] // NELEMS)))
    return float(np.mean(found))


def expected(runs: int, length: int, left: float) -> float:
    column = np.array([[1.0]])
    return float(
        occupied_spans(
            column * runs * length * left,
            column * length,
            column * left,
            np.array([NELEMS]),
            np.array([NELEMS]),
            np.array([SPANS]),
        )[0]
    )


@pytest.mark.parametrize(
    ("runs", "length", "left"),
    [
        (300, 1, 1.0),
        (300, 20, 1.0),
        (300, 20, 0.1),
        (40, 100, 0.02),
        (3, 1000, 1.0),
        (1, 5000, 0.01),
    ],
)
def test_spans_with_survivors_are_those_of_a_simulation(
    runs: int, length: int, left: float
) -> None:
    assert expected(runs, length, left) == pytest.approx(simulated(runs, length, left), rel=0.06)


def test_a_store_that_has_turned_over_holds_what_is_young_and_thin_remains_of_the_old() -> None:
    store = RandomStore(0, 1000.0)
    store.allocate_at_once(1000.0)
    store.allocate_at_once(10.0)
    store.add(1000.0)
    store.add(3000.0)
    first, *others = store.runs()
    assert first.left == pytest.approx(np.exp(-3))
    assert first.slots == pytest.approx(1000 * np.exp(-3))
    assert sum(run.slots for run in others) == pytest.approx(1000 * (1 - np.exp(-3)))
    assert {run.length for run in others} == {10.0}
    assert [run.left for run in others] == sorted((run.left for run in others), reverse=True)


def test_what_has_just_been_allocated_is_whole() -> None:
    holder = Memoryless(0, 1e9)
    holder.allocate_at_once(5.0)
    holder.add(100.0)
    (run,) = holder.runs()
    assert run.slots == pytest.approx(100)
    assert run.left == pytest.approx(1)
    leak = Retained(0)
    leak.add(7.0)
    assert leak.runs()[0].left == 1


def test_a_store_of_what_came_last_keeps_whole_entries_however_often_it_is_told() -> None:
    store = OldestStore(0, 1120.0)
    for _ in range(3):
        store.take_entries(1120.0 / 3.1)
    store.add(5000.0)
    assert store.slots == pytest.approx(1120.0 / 3.1 * 3)


def test_a_full_store_keeps_its_size_and_fills_up_as_entries_replace_empty_ones() -> None:
    """R <- C - (C - R) exp(-x / C), when x slots are inserted into a store that has been filled."""
    store = RandomStore(0, 1000.0)
    store.add(1000.0)
    assert store.slots == 1000.0
    store.add(700.0)
    assert store.slots == pytest.approx(1000.0)
    at_once = RandomStore(0, 1000.0)
    at_once.add(400.0)
    at_once.add(1200.0)  # 600 fill it, and of the others each replaces any
    assert at_once.slots == pytest.approx(1000.0)
    store.slots = 500.0  # half of it has been dropped
    store.add(500.0)
    assert store.slots == pytest.approx(1000.0 - 500.0 * np.exp(-0.5))
