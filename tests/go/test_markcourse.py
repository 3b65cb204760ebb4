"""Work that is done first costs what it costs, and the whole cycle what all parts cost."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.go.markcourse import MarkCourse, MarkStretch
from sim.go.markwork import DRAIN_CHECK

STRETCHES = st.lists(
    st.builds(MarkStretch, st.integers(0, 10**9), st.floats(0, 1e10)), min_size=1, max_size=4
)


@given(STRETCHES, st.lists(st.floats(0, 1), max_size=5))
def test_all_of_a_cycle_costs_what_its_parts_cost(
    stretches: list[MarkStretch], cuts: list[float]
) -> None:
    """However it is divided; what has no work is paid with what comes next."""
    course, work = MarkCourse(stretches), sum(stretch.work for stretch in stretches)
    points = [0.0, *sorted(cut * work for cut in cuts), float(work)]
    parts = sum(course.ns(begin, end) for begin, end in pairwise(points))
    wanted = sum(stretch.ns for stretch in stretches) if work else 0.0
    assert parts == pytest.approx(wanted, rel=1e-6, abs=1e-3)


def test_a_table_costs_more_by_the_byte_and_is_scanned_in_large_parts() -> None:
    course = MarkCourse(
        [MarkStretch(100, 10.0), MarkStretch(800, 8000.0, 256), MarkStretch(0, 9.0)]
    )
    assert course.rate(0) == pytest.approx(0.1)
    assert course.rate(100) == pytest.approx(8009 / 800)  # what is left over is paid at the end
    assert (course.grain(99), course.grain(100)) == (0, 256)
    assert (course.end(0), course.end(100), course.end(900)) == (100, 900, 900)


def test_a_worker_looks_after_each_root_and_so_often_while_it_scans_the_heap() -> None:
    roots, heap = MarkStretch(12_000, 9e3, 4_000), MarkStretch(4 * DRAIN_CHECK, 2e5)
    course = MarkCourse([roots, heap])
    assert (course.poll(0), course.poll(12_000), course.poll(10**9)) == (4_000, *[DRAIN_CHECK] * 2)
    assert (course.pieces(0), course.pieces(6_000)) == (7.0, 5.5)
    # The last of a kind is in one hand.
    assert (course.pieces(11_000), course.pieces(12_000 + 3.5 * DRAIN_CHECK)) == (5.0, 1.0)
    # One takes the last of the roots, and two a part of the heap each.
    assert course.next_poll_ns(8_000, 3) == pytest.approx((3e3 + 2 * 5e4) / 3)
    assert course.poll_ns == pytest.approx((9e3 * 3e3 + 2e5 * 5e4) / 209e3)
    assert MarkCourse([MarkStretch(70, 7.0)]).poll(0) == 70


def test_a_list_keeps_one_marker_busy_and_only_the_list() -> None:
    course = MarkCourse(
        [MarkStretch(4 * DRAIN_CHECK, 2e5), MarkStretch(8 * DRAIN_CHECK, 4e6, at_a_time=1.0)]
    )
    begin = 4 * DRAIN_CHECK
    assert (course.at_a_time(begin - 1), course.at_a_time(begin)) == (math.inf, 1.0)
    assert (course.pieces(0), course.pieces(begin)) == (5.0, 1.0)
    assert course.at_a_time(12 * DRAIN_CHECK) == math.inf


def test_work_that_takes_no_time_is_done_with_what_comes_next() -> None:
    course = MarkCourse(
        [MarkStretch(10, 5.0), MarkStretch(1, 0.0), MarkStretch(9, 5.0), MarkStretch(2, 0.0)]
    )
    assert [course.rate(10), course.rate(21)] == pytest.approx([5 / 12, 5 / 12])
    assert course.end(10) == 22
    assert course.ns(0, 22) == pytest.approx(10)
