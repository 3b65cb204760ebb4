"""Waits for a lock are those of queueing theory for holds that all take equally long."""

from __future__ import annotations

import pytest

from sim.engine.queueing import seen_by_arrivals, waiting_for_servers

HOLD = 10.0


def test_a_single_customer_never_waits() -> None:
    seen = seen_by_arrivals(HOLD, 50, 1000, 1)
    assert seen.busy == seen.wait == 0


@pytest.mark.parametrize("load", [0.01, 0.3, 0.6])
def test_many_rare_customers_wait_as_in_an_open_queue(load: float) -> None:
    """Pollaczek and Khinchine: the wait is load / (1 - load) of half a hold."""
    seen = seen_by_arrivals(HOLD, load * 1000 / HOLD, 1000, 3000)
    assert seen.busy == pytest.approx(load, rel=0.01)
    assert seen.wait == pytest.approx(load / (1 - load) * HOLD / 2, rel=0.02)


def test_customers_who_never_think_wait_for_all_others() -> None:
    """The formula takes half a hold off the one that is met."""
    seen = seen_by_arrivals(HOLD, 800, 1000, 8)
    assert seen.busy == pytest.approx(1, rel=0.05)
    assert 6 * HOLD < seen.wait <= 7 * HOLD


def test_of_two_customers_one_meets_what_is_left_of_the_others_hold() -> None:
    """Each holds the lock a hundredth of the time."""
    seen = seen_by_arrivals(HOLD, 2, 1000, 2)
    assert seen.busy == pytest.approx(0.01, rel=0.02)
    assert seen.wait == pytest.approx(0.01 * HOLD / 2, rel=0.02)


def test_who_is_there_for_a_part_of_the_time_is_met_in_that_part() -> None:
    """Each of them thinks as long as the others, however many there are."""
    two, three = (seen_by_arrivals(HOLD, n, 1000, n) for n in (2, 3))
    between = seen_by_arrivals(HOLD, 2.25, 1000, 2.25)
    assert between.busy == pytest.approx(0.75 * two.busy + 0.25 * three.busy)
    assert between.wait == pytest.approx(0.75 * two.wait + 0.25 * three.wait)


def test_nobody_waits_where_each_has_a_server() -> None:
    assert waiting_for_servers(4, 4, HOLD, 1.0) == 0


def test_two_that_share_a_server_wait_as_the_textbook_says() -> None:
    """M/M/1//2 with r = service / think: both are there with the chance 2r² / (1 + 2r + 2r²)."""
    r = HOLD / 40
    both = 2 * r**2 / (1 + 2 * r + 2 * r**2)
    assert waiting_for_servers(2, 1, HOLD, 40) == pytest.approx(both)


def test_of_far_too_many_all_wait_but_those_that_servers_keep_busy() -> None:
    there = 500 - 3 * (HOLD + 40) / HOLD
    assert waiting_for_servers(500, 3, HOLD, 40) == pytest.approx(there, rel=1e-6)
