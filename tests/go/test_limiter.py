"""The limiter is Go's: otherwise a thrashing program would get another share of the CPU."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest

from sim.errors import ModelError
from sim.go.limiter import GCCPULimiter

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "golden" / "limiter.jsonl").read_text().splitlines()
]
SEQUENCES = {seq: list(rows) for seq, rows in groupby(ROWS, key=lambda row: row["seq"])}
PROCS = [1, 2, 4, 8, 14, 64]


def apply(limiter: GCCPULimiter, row: dict) -> None:
    now, argument = row["now"], row["arg"]
    match row["op"]:
        case "toggle_gc":
            limiter.start_gc_transition(enable_gc=row["gc"], now=now - argument)
            limiter.finish_gc_transition(now)
        case "assist_then_update":
            limiter.add_assist_time(argument)
            limiter.update(now)
        case "update":
            limiter.update(now)
        case "reset_capacity":
            limiter.reset_capacity(now, argument)
        case other:
            pytest.fail(f"unknown operation {other}")


@pytest.mark.parametrize("seq", SEQUENCES)
def test_every_recorded_sequence_is_reproduced_exactly(seq: int) -> None:
    limiter = GCCPULimiter(PROCS[seq % 6])
    for row in SEQUENCES[seq]:
        apply(limiter, row)
        got = (limiter.fill, limiter.capacity, limiter.overflow, limiter.limiting)
        assert got == (row["fill"], row["capacity"], row["overflow"], row["limiting"]), row


def test_idle_time_counts_for_nobody() -> None:
    limiter = GCCPULimiter(2)
    limiter.add_idle_time(20)
    limiter.update(10)
    assert limiter.fill == 0


def test_a_transition_within_a_transition_is_an_error() -> None:
    limiter = GCCPULimiter(1)
    limiter.start_gc_transition(enable_gc=True, now=5)
    with pytest.raises(ModelError):
        limiter.start_gc_transition(enable_gc=False, now=6)
