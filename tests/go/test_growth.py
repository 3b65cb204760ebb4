"""Slices and maps that grow have the arrays that Go's have."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from sim.go.growth import map_arrays, slice_arrays
from sim.go.sizeclass import size_classes
from sim.truth.toolchain import OFFLINE, find_go

PROGRAM = Path(__file__).parent / "growth" / "main.go"
GOLDEN = Path(__file__).parent.parent / "golden" / "growth.json"
"""What the program prints with Go 1.27.3."""
TABLE = size_classes("1.27")


@pytest.fixture(scope="module")
def recorded() -> dict[str, list[list[int]]]:
    found: dict[str, list[list[int]]] = json.loads(GOLDEN.read_text("utf-8"))
    return found


def test_a_slice_has_the_capacities_of_a_real_one(recorded: dict[str, list[list[int]]]) -> None:
    for size, pointers, *capacities in recorded["slices"]:
        arrays = slice_arrays(capacities[-1], size, TABLE, noscan=not pointers)
        assert [each.capacity for each in arrays] == capacities


HEADER, TABLE_AND_DIRECTORY = 48, 32 + 16
"""Bytes that a map has beside its groups, and at most for each of its tables (maps: Map, table)."""


def test_a_map_has_the_groups_of_a_real_one(recorded: dict[str, list[list[int]]]) -> None:
    for slot, entries, allocated in recorded["maps"]:
        arrays = map_arrays(entries, slot)
        groups = sum(each.number * TABLE.usable_size(each.size, noscan=True) for each in arrays)
        tables = sum(each.number for each in arrays)
        assert HEADER <= allocated - groups <= HEADER + TABLE_AND_DIRECTORY * tables, entries


@pytest.mark.realgo
def test_the_recording_is_that_of_this_go(recorded: dict[str, list[list[int]]]) -> None:
    done = subprocess.run(
        [find_go(), "run", PROGRAM],
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    assert found["slices"] == recorded["slices"]
    for now, then in zip(found["maps"], recorded["maps"], strict=True):
        assert now == pytest.approx(then, rel=0.03)
