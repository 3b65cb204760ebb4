"""A grid has every combination once, under names that tell its runs apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sim.errors import UserError
from sim.experiment.design import design, values
from sim.experiment.grid import points
from sim.experiment.point import Point


def test_every_combination_comes_in_the_order_typed() -> None:
    found = design("grid", ["GOGC=50, off", "model.assists=true,false"])
    assert [tuple(chosen.values()) for chosen in found] == [
        ("50", "true"),
        ("50", "false"),
        ("off", "true"),
        ("off", "false"),
    ]
    assert design("grid", []) == [{}]


def test_a_comma_in_braces_is_part_of_the_value() -> None:
    assert values("{uniform: {low: 1, high: 2}},3") == ["{uniform: {low: 1, high: 2}}", "3"]
    assert values("{a: b, c: {d: 1}},{a: 2}") == ["{a: b, c: {d: 1}}", "{a: 2}"]


@pytest.mark.parametrize(
    ("axes", "sentence"),
    [
        (["GOGC"], "expected key.path=value,value"),
        (["GOGC=,"], "expected a value on both sides of every comma, got ','"),
        (["GOGC=50,50"], "GOGC is to be 50 twice"),
        (["GOGC=50", "GOGC=100"], "the key GOGC is varied twice"),
    ],
)
def test_mistakes_in_a_grid_are_sentences(axes: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        design("grid", axes)


def test_a_typo_in_a_key_is_found_before_anything_runs(tiny: Path) -> None:
    with pytest.raises(UserError, match=r"GOGCC.*did you mean 'GOGC'"):
        points(tiny, design("grid", ["GOGCC=50,100"]), 2)


def test_settings_meet_the_same_seeds(tiny: Path) -> None:
    found = points(tiny, design("grid", ["GOGC=50,100"]), 3, ["seed=7"])
    assert [point.seed for point in found] == [7, 8, 9, 7, 8, 9]
    assert all(point.config["seed"] == point.seed for point in found)


def test_the_name_changes_with_whatever_the_run_depends_on(tiny: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "own.py"
    plugin.write_text("", encoding="utf-8")

    def name(*sets: str) -> str:
        return points(tiny, design("grid", ["GOGC=50"]), 1, [f"plugins=[{plugin}]", *sets])[0].name

    plain = name()
    assert plain.startswith("GOGC=50/seed=1/run=")
    assert name() == plain
    assert name("duration=30ms") != plain
    plugin.write_text("X = 1\n", encoding="utf-8")
    assert name() != plain


def test_names_fit_every_file_system_and_stay_apart() -> None:
    long = Point({"key": "v/:*|" * 200}, 1, {"machine": "m", "plugins": []}, "")
    other = replace(long, settings={"key": "v/:*|" * 201})
    parts = long.name.split("/")
    assert [part.partition("=")[0] for part in parts] == ["key", "seed", "run"]
    assert all(len(part) < 256 and not set(part) & set('<>:"\\|?*') for part in parts)
    assert long.name.split("/")[0] != other.name.split("/")[0]


def test_a_set_without_a_value_is_a_sentence() -> None:
    with pytest.raises(UserError, match=r"expected key\.path=value, got 'duration'"):
        points(Path("quickstart"), [{}], 1, ["duration"])
