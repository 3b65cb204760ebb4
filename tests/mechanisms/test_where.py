"""Where an object of a size goes, as Go's own table and rounding say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sim.cli import main
from sim.config.machine import load_profile
from sim.go.sizeclass import size_classes
from sim.mechanisms.where import path_of, rounding

TABLE, MACHINE = size_classes(), load_profile("default-x86-64")
GOLDEN = Path(__file__).parents[1] / "golden/usable_sizes.json"


@pytest.mark.parametrize(
    ("size", "pointers", "path", "slot", "slots"),
    [
        (1000, False, "small", 1024, 8),
        (1000, True, "small", 1024, 8),
        (1024, True, "small", 1152, 7),
        (8, False, "tiny", 16, 504),
        (8, True, "small", 8, 1008),
        (32760, False, "small", 32768, 1),
        (32768, False, "large", 32768, 1),
    ],
)
def test_the_slot_and_its_span(size: int, pointers: bool, path: str, slot: int, slots: int) -> None:
    found = path_of(size, pointers, TABLE, MACHINE)
    assert (found.path, found.slot, found.slots) == (path, slot, slots)


def test_a_header_is_told_where_a_type_stands_in_front_of_the_object() -> None:
    headers = [path_of(size, True, TABLE, MACHINE).header for size in (512, 513, 40000)]
    assert headers == [0, 8, 0]


@pytest.mark.parametrize("kind", ["noscan", "scan"])
def test_every_recorded_size_gets_the_slot_that_go_gave_it(kind: str) -> None:
    recorded = json.loads(GOLDEN.read_text(encoding="utf-8"))[kind]
    usable = {int(size): slot for size, slot in recorded.items() if int(size) >= 16}
    paths = {size: path_of(size, kind == "scan", TABLE, MACHINE) for size in usable}
    assert {size: path.slot - path.header for size, path in paths.items()} == usable


@pytest.mark.parametrize("size", [1, 1000, 30_000, 100_000])
def test_a_later_step_takes_what_an_earlier_one_cannot_give(size: int) -> None:
    steps = path_of(size, False, TABLE, MACHINE).steps
    assert steps[-1].function.startswith("mheap.go: grow")
    assert steps[-1].cost_ns == max(step.cost_ns for step in steps)
    cached = [step for step in steps if step.function.startswith("mpagecache.go")]
    assert bool(cached) == (size < 16 * 8192)


def test_rounding_of_two_sizes_is_the_mean_of_both() -> None:
    found = rounding(np.array([24.0, 1000.0]), pointers=False, table=TABLE, machine=MACHINE)
    assert (found.requested, found.slot) == (512.0, 524.0)
    assert found.classes == {24: (0.5, 0.0), 1024: (0.5, 12.0)}


def test_tiny_objects_share_a_block() -> None:
    found = rounding(np.array([5.0, 5.0]), pointers=False, table=TABLE, machine=MACHINE)
    assert found.slot == pytest.approx(16 / 3)
    assert path_of(5, False, TABLE, MACHINE).slot_waste == 1


def test_where_prints_slot_span_locks_and_functions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["where", "1000B", "--pointers"])
    out = capsys.readouterr().out
    assert not done.value.code
    for words in (
        "slot        1024 B",
        "span class 64 (scan)",
        "8 slots",
        "heap lock",
        "nextFreeFast",
    ):
        assert words in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["1000"], "expected a size with one of the units"),
        (["10B", "--go", "1.3"], "expected a Go version from 1.18 on"),
        (["lognormul: [1B, 2B]"], "did you mean 'lognormal'?"),
    ],
)
def test_mistakes_are_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main(["where", *arguments])
    err = capsys.readouterr().err
    assert done.value.code == 2
    assert sentence in err
    assert err.count("\n") == 1
