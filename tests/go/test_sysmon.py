"""When time slices end: latencies under load hang on it, and when fractional workers run."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sim.go.sysmon import PERIOD, WHOLE_SLICE, Sysmon, TimeSlice
from sim.units import MS

INSTANTS = st.integers(0, 10**12)


@given(INSTANTS)
def test_the_second_look_ends_a_slice(begin: int) -> None:
    mine = TimeSlice(Sysmon())
    mine.begin(begin)
    assert mine.end % PERIOD == 0
    assert PERIOD < mine.end - begin <= WHOLE_SLICE


def test_behind_another_one_a_slice_is_as_long_as_can_be() -> None:
    mine = TimeSlice(Sysmon())
    mine.begin(3 * MS)
    first = mine.end
    mine.begin(first)
    assert mine.end == first + WHOLE_SLICE


def test_who_shares_a_slice_that_was_seen_already_has_until_the_next_look() -> None:
    mine = TimeSlice(Sysmon())
    mine.begin(PERIOD - 1 * MS)
    mine.go_on(PERIOD + 1 * MS)
    assert mine.end == 2 * PERIOD


def test_who_shares_one_that_nobody_has_seen_has_until_the_second_look() -> None:
    mine = TimeSlice(Sysmon())
    mine.begin(1 * MS)
    mine.go_on(2 * MS)
    assert mine.end == 2 * PERIOD


def test_long_after_it_should_have_ended_a_shared_slice_ends_with_the_next_look() -> None:
    """Goroutines that wake each other share one until a look finds one of them running."""
    mine = TimeSlice(Sysmon())
    mine.begin(0)
    for ms in range(0, 100, 3):
        mine.go_on(ms * MS)
    assert mine.end == 10 * PERIOD


def test_a_p_that_idles_is_passed_over() -> None:
    mine = TimeSlice(Sysmon())
    mine.begin(1 * MS)
    mine.rest(2 * MS)
    mine.resume(PERIOD + 1 * MS)
    mine.go_on(PERIOD + 1 * MS)
    assert mine.end == 3 * PERIOD


def test_looks_begin_anew_when_the_first_p_wakes_up() -> None:
    sysmon = Sysmon()
    sysmon.wake(4 * MS, 47 * MS)
    assert sysmon.next_look(47 * MS) == 47 * MS + PERIOD


def test_a_short_rest_goes_unnoticed() -> None:
    sysmon = Sysmon()
    sysmon.wake(4 * MS, 5 * MS)
    assert sysmon.next_look(5 * MS) == PERIOD
