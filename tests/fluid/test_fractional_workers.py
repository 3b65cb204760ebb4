"""Fractional workers on Ps that idle, and on one that a goroutine computes on."""

from __future__ import annotations

import pytest

from sim.fluid.fractional_workers import (
    Schedule,
    ScheduledP,
    after_a_slice,
    at_intervals,
    by_chance,
)
from sim.fluid.recount import Recount
from sim.go.sysmon import WHOLE_SLICE
from sim.units import MS

SHARE, POLL, PIECE = 0.25, 0.01 * MS, 0.5 * MS
EVERY_MS = at_intervals(1.0 * MS, 0.5 * MS)
SLICE_END = after_a_slice(0.0)


def schedules(*processors: ScheduledP) -> Schedule:
    return Schedule(SHARE, POLL, 1.1, processors, SLICE_END)


def idle() -> ScheduledP:
    return ScheduledP(EVERY_MS, 0.1 * MS, taken=False)


@pytest.mark.parametrize("ms", [5, 20, 80])
def test_a_p_that_schedules_often_has_its_share_and_a_fifth_more_at_most(ms: int) -> None:
    marked = schedules(idle()).marked(ms * MS)
    # The last look may be one ms ago.
    assert SHARE * (ms - 1) * MS <= marked <= 1.2 * SHARE * ms * MS + POLL


def test_the_goroutine_changes_places_at_the_end_of_its_time_slice() -> None:
    busy = ScheduledP(EVERY_MS, 6.0 * MS, taken=True)
    other = idle()
    both = schedules(busy, other)
    both.marked(5.9 * MS)
    assert busy.marked == 0
    both.marked(9.0 * MS)
    assert busy.marked >= 1.2 * SHARE * 6 * MS
    assert other.taken
    assert not busy.taken


def test_alone_on_its_p_it_goes_on_after_the_worker() -> None:
    busy = ScheduledP(EVERY_MS, 6.0 * MS, taken=True)
    only = schedules(busy)
    only.marked(10.0 * MS)
    assert busy.taken
    assert busy.next == pytest.approx(WHOLE_SLICE)  # of looks every 10.1 ms, the second one


def test_a_p_marks_from_when_its_goroutine_blocks() -> None:
    busy = ScheduledP(EVERY_MS, 9.0 * MS, taken=True)
    only = schedules(busy)
    only.marked(4.0 * MS)
    only.run(0, 4.0 * MS, POLL, PIECE)
    assert only.marked(8.0 * MS) >= 1.2 * SHARE * 4 * MS


def test_a_goroutine_that_begins_finds_a_p() -> None:
    processor = idle()
    only = schedules(processor)
    only.run(1, 2.0 * MS, POLL, PIECE)
    only.marked(4.0 * MS)
    assert processor.taken


def test_a_spell_is_made_of_whole_pieces() -> None:
    processor = ScheduledP(SLICE_END, 2.4 * MS, taken=False)
    long = Schedule(SHARE, 0.4 * MS, 1.0, [processor], SLICE_END)
    # Three tenths of the time are 0.96 ms after two pieces, and 1.08 ms after three.
    assert long.marked(9.0 * MS) == pytest.approx(1.2 * MS)


def test_who_ends_a_piece_meanwhile_finds_what_a_worker_leaves_in_the_queue() -> None:
    first = ScheduledP(EVERY_MS, 8.0 * MS, taken=False)
    near = ScheduledP(SLICE_END, 20.0 * MS, taken=False, piece_left=0.5)
    far = ScheduledP(SLICE_END, 20.0 * MS, taken=False)
    three = schedules(first, near, far)
    three.run(0, 0.0, POLL, PIECE)
    three.marked(9.0 * MS)
    assert first.marked > 0
    assert near.marked > 0
    assert far.marked == 0


def test_looks_by_chance_are_parts_of_an_exponential_time() -> None:
    waits = [by_chance(1.0 * MS, (i + 0.5) / 100)(0.0) for i in range(100)]
    assert sum(waits) / 100 == pytest.approx(1.0 * MS, rel=0.02)


def test_what_changes_little_does_not_matter() -> None:
    change = Recount(0.05)
    assert change.matters([1000.0], [0.5])
    assert not change.matters([1040.0], [0.52])
    assert change.matters([1060.0], [0.5])
    assert not change.matters([1020.0], [0.5])
    assert change.matters([1060.0, 1.0], [0.5])
