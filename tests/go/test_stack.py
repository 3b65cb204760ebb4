"""Stacks: their memory counts in the heap goal, and growing them costs copies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import ModelError
from sim.go.stack import (
    FIXED_STACK,
    STACK_GUARD,
    grown_stack,
    shrunk_stack,
    stack_order,
    stack_span_pages,
    starting_stack_size,
)
from sim.units import KiB, MiB

GOLDEN = Path(__file__).parents[1] / "golden" / "scavenge.jsonl"
STACKS = st.integers(11, 28).map(lambda log: 1 << log)


def test_starting_sizes_are_those_of_the_real_runtime():
    for row in map(json.loads, GOLDEN.read_text().splitlines()):
        if row["kind"] == "stack":
            ours = starting_stack_size(row["scanned_bytes"], row["scanned_stacks"])
            assert ours == row["size"], row


def test_small_stacks_share_spans_and_large_ones_have_their_own():
    sizes = [2 * KiB, 4 * KiB, 8 * KiB, 16 * KiB, 32 * KiB, MiB]
    assert [stack_order(size) for size in sizes] == [0, 1, 2, 3, None, None]
    assert [stack_span_pages(size) for size in sizes] == [4, 4, 4, 4, 4, 128]
    with pytest.raises(ModelError, match="power of two"):
        stack_order(3000)


@given(STACKS, st.integers(0, 1 << 20))
def test_a_grown_stack_has_room_for_the_frame(size, frame):
    used = size - STACK_GUARD
    grown = grown_stack(size, used, frame)
    assert grown >= 2 * size
    assert grown - used >= frame + STACK_GUARD
    assert grown == 2 * size or grown // 2 - used < frame + STACK_GUARD


def test_a_stack_beyond_a_billion_bytes_ends_the_program():
    with pytest.raises(ModelError, match="exceeds"):
        grown_stack(512 * MiB, used=0)


@given(STACKS, st.floats(0, 1))
def test_only_a_stack_used_by_less_than_a_quarter_shrinks_and_only_by_half(size, share):
    used = int(size * share)
    shrunk = shrunk_stack(size, used)
    assert shrunk == (size // 2 if size > FIXED_STACK and used + 800 < size // 4 else size)


@given(st.integers(0, 1 << 29), st.integers(1, 10_000))
def test_new_stacks_hold_the_mean_and_at_most_double_it(scanned, stacks):
    size = starting_stack_size(scanned, stacks)
    mean = scanned // stacks + STACK_GUARD
    assert size >= FIXED_STACK
    assert mean <= size < 2 * max(mean, FIXED_STACK)
