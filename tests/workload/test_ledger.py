"""What is reachable follows from the owners, and survivors have the right law."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim.streams import Streams
from sim.workload.ledger import Law, Ledger, spread

counts = st.lists(st.integers(0, 500), min_size=1, max_size=40)


@given(counts, st.floats(0, 1), st.floats(0, 0.999999))
def test_spreading_keeps_the_sum_and_the_capacity(
    taken: list[int], share: float, offset: float
) -> None:
    room = np.array(taken)
    wanted = int(room.sum() * share)
    if not room.sum():
        return
    part = spread(room, wanted, offset)
    assert part.sum() == wanted
    assert (part >= 0).all()
    assert (part <= room).all()


def test_spreading_prefers_no_span() -> None:
    room = np.array([10, 30, 60])
    offsets = (np.arange(1000) + 0.5) / 1000
    mean = np.mean([spread(room, 7, u) for u in offsets], axis=0)
    np.testing.assert_allclose(mean, [0.7, 2.1, 4.2], atol=0.02)


def test_what_a_goroutine_kept_dies_with_it() -> None:
    ledger = Ledger()
    mine, other = ledger.add_owner(Law.ENDS), ledger.add_owner(Law.ENDS)
    ledger.add(np.array([0, 1]), 0, mine, np.array([5, 7]))
    ledger.add(np.array([1]), 0, other, np.array([2]))
    ledger.end_owner(mine)
    assert ledger.expected_counts().sum() == 2
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


def test_a_window_keeps_the_youngest_bytes() -> None:
    ledger = Ledger()
    store = ledger.add_owner(Law.WINDOW, capacity=30.0)
    for span in range(10):
        ledger.add(np.array([span]), 0, store, np.array([10]))
        ledger.advance(store, 10.0)
    ledger.bury(Streams(1)["test"])
    assert np.flatnonzero(ledger.per_span(10)).tolist() == [8, 9]


def test_thinning_a_pool_kills_the_share_that_was_dropped() -> None:
    ledger = Ledger()
    pool = ledger.add_owner(Law.HAZARD)
    ledger.add(np.array([0]), 0, pool, np.array([100_000]))
    ledger.thin(pool, 0.25)
    ledger.bury(Streams(3)["test"])
    assert abs(ledger.per_kind(1)[0] - 75_000) < 4 * np.sqrt(100_000 * 0.25 * 0.75)
