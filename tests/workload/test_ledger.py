"""What is reachable follows from the owners, and survivors have the right law."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.streams import Streams
from sim.workload.layout import Room, lay_out
from sim.workload.ledger import Law, Ledger


def lay(
    slots: np.ndarray, objects: list[int], bursts: list[int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All of it in one group of spans."""
    room = Room(np.arange(len(slots)), slots, np.array([len(slots)]))
    group = np.zeros(len(objects), dtype=np.int64)
    return lay_out(room, np.array(objects), np.array(bursts), group, rng)


counts = st.lists(st.integers(0, 500), min_size=1, max_size=40)


@given(counts, st.lists(st.tuples(st.floats(0, 1), st.integers(1, 60)), min_size=1, max_size=5))
def test_laying_out_keeps_sums_and_capacities(
    taken: list[int], shares: list[tuple[float, int]]
) -> None:
    room = np.array(taken)
    objects = [max(int(room.sum() * share / len(shares)), 1) for share, _ in shares]
    if room.sum() < sum(objects):
        return
    bursts = [min(count, number) for count, (_, number) in zip(objects, shares, strict=True)]
    where, which, count = lay(room, objects, bursts, Streams(1)["test"])
    assert np.bincount(which, weights=count, minlength=len(objects)).tolist() == objects
    assert (np.bincount(where, weights=count, minlength=len(room)) <= room).all()
    assert (count > 0).all()


def test_objects_of_one_burst_lie_side_by_side() -> None:
    room = np.full(100, 10)
    burst, _, _ = lay(room, [200], [1], Streams(1)["test"])
    singles, _, _ = lay(room, [100], [100], Streams(1)["test"])
    assert len(burst) <= 21
    assert len(singles) == 100


def test_laying_out_prefers_no_span() -> None:
    room, rng = np.array([100, 300, 600]), Streams(1)["test"]
    mean = np.zeros(3)
    for _ in range(1000):
        where, _, count = lay(room, [70], [70], rng)
        mean[where] += count / 1000
    np.testing.assert_allclose(mean, [7, 21, 42], rtol=0.02)


def test_what_a_goroutine_kept_dies_with_it() -> None:
    ledger = Ledger()
    mine, other = ledger.add_owner(Law.ENDS), ledger.add_owner(Law.ENDS)
    ledger.add(np.array([0, 1]), 0, mine, np.array([5, 7]))
    ledger.add(np.array([1]), 0, other, np.array([2]))
    ledger.end_owner(mine)
    assert ledger.expected_per_span(3).tolist() == [0, 2, 0]
    ledger.bury(Streams(1)["test"])
    assert ledger.per_span(3).tolist() == [0, 2, 0]


def test_an_ended_owners_number_is_used_again_only_when_its_rows_are_gone() -> None:
    ledger = Ledger()
    first = ledger.add_owner(Law.ENDS)
    ledger.add(np.array([0]), 0, first, np.array([5]))
    ledger.end_owner(first)
    second = ledger.add_owner(Law.ENDS)
    assert second != first
    ledger.bury(Streams(1)["test"])
    assert ledger.add_owner(Law.ENDS) == first


def test_memoryless_objects_survive_as_the_exponential_says() -> None:
    ledger = Ledger()
    owner = ledger.add_owner(Law.HAZARD)
    n = 1_000_000
    ledger.add(np.arange(1000), 0, owner, np.full(1000, n // 1000))
    rng = Streams(7)["test"]
    for _ in range(4):
        ledger.advance(owner, 0.25)
        ledger.bury(rng)
    expected = n * np.exp(-1.0)
    error = abs(ledger.per_kind(1)[0] - expected)
    assert error < 4 * np.sqrt(n * np.exp(-1) * (1 - np.exp(-1)))  # four standard deviations


def test_survivors_of_random_deaths_lie_apart() -> None:
    """What was replaced at random is found in no order, and costs more to mark."""
    ledger = Ledger()
    table, log = ledger.add_owner(Law.HAZARD), ledger.add_owner(Law.ENDS)
    ledger.add(np.arange(2), np.array([0, 1]), np.array([table, log]), np.array([1000, 1000]))
    assert ledger.scattered_per_kind(2).tolist() == [0, 0]
    ledger.advance(table, math.log(2))
    assert ledger.scattered_per_kind(2) == pytest.approx([750, 0])


def test_a_window_keeps_the_youngest_bytes() -> None:
    ledger = Ledger()
    store = ledger.add_owner(Law.WINDOW, capacity=30.0)
    for span in range(10):
        ledger.advance(store, 10.0)
        ledger.add(np.array([span]), 0, store, np.array([10]))
        ledger.close_batch()
    ledger.bury(Streams(1)["test"])
    assert np.flatnonzero(ledger.per_span(10)).tolist() == [7, 8, 9]


def test_a_window_drops_what_came_first_in_a_batch_of_more_than_it_holds() -> None:
    ledger = Ledger()
    store = ledger.add_owner(Law.WINDOW, capacity=30.0)
    ledger.advance(store, 90.0)
    ledger.add(np.arange(10), 0, store, np.full(10, 3))
    ledger.close_batch()
    ledger.advance(store, 10.0)
    ledger.bury(Streams(1)["test"])
    assert np.flatnonzero(ledger.per_span(10)).tolist() == [3, 4, 5, 6, 7, 8, 9]


def test_thinning_a_pool_kills_the_share_that_was_dropped() -> None:
    ledger = Ledger()
    pool = ledger.add_owner(Law.HAZARD)
    ledger.add(np.array([0]), 0, pool, np.array([100_000]))
    ledger.thin(pool, 0.25)
    ledger.bury(Streams(3)["test"])
    assert abs(ledger.per_kind(1)[0] - 75_000) < 4 * np.sqrt(100_000 * 0.25 * 0.75)
