"""The table of a comparison marks what is significant and what is worth having, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sim.errors import UserError
from sim.experiment import table as module
from sim.experiment.grid import grid
from sim.experiment.point import Point, Settings
from sim.experiment.table import compare_settings, find_baseline, median_interval
from sim.experiment.told import markdown
from sim.results.summary import Figure, Summary
from sim.streams import Streams


class Run:
    """A stored run, as far as a comparison looks at it."""

    def __init__(self, figures: Mapping[str, float], seed: int, status: str) -> None:
        units = {"peak_rss": "bytes", "gc_cpu": "fraction", "latency_p99": "ns"}
        self.figures = Summary((name, Figure(v, units[name])) for name, v in figures.items())
        self.run = {"seed": seed, "status": status}


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`compared({"50": [(rss, gc_cpu, p99), ...one per seed]}, killed="50")`."""

    def compare(runs: Mapping[str, list[tuple[float, float, float]]], killed: str = "") -> Any:
        found, points = {}, []
        for gogc, seeds in runs.items():
            for seed, figures in enumerate(seeds):
                point = Point({"GOGC": gogc}, seed, {"x": gogc}, "")
                points.append(point)
                named = dict(zip(("peak_rss", "gc_cpu", "latency_p99"), figures, strict=True))
                status = "oom-killed" if gogc == killed else "complete"
                found[point.name] = Run(named, seed, status)
        monkeypatch.setattr(module, "is_sealed", lambda path: path.name in found)
        monkeypatch.setattr(module, "load_run", lambda path: found[path.name])
        monkeypatch.setattr(module, "summary", lambda run: run.figures)
        return compare_settings(points, Path(), points[0].settings)

    return compare


def test_paired_seeds_tell_a_small_difference_from_chance(compared: Any) -> None:
    table = compared(
        {
            "50": [(10.0, 0.1, 5.0), (200.0, 0.1, 5.0), (3000.0, 0.1, 5.0)],
            "100": [(11.0, 0.3, 5.0), (201.1, 0.1, 5.0), (3001.2, 0.2, 5.0)],
        }
    )
    base, other = table.rows
    assert base.baseline
    assert other.cells["peak_rss"].significant
    assert not other.cells["gc_cpu"].significant
    assert not other.cells["latency_p99"].significant
    assert other.cells["peak_rss"].change.value == pytest.approx(3.3 / 3210)


def test_settings_that_another_beats_in_every_way_are_not_optimal(compared: Any) -> None:
    table = compared(
        {"50": [(1, 3, 3)], "100": [(2, 2, 2)], "200": [(3, 2, 2)], "400": [(2, 2, 2)]}
    )
    assert [row.optimal for row in table.rows] == [True, True, False, True]


def test_a_setting_that_was_killed_is_never_optimal(compared: Any) -> None:
    table = compared({"50": [(1, 1, 1)], "100": [(2, 2, 2)]}, killed="50")
    assert [row.optimal for row in table.rows] == [False, True]
    assert "oom-killed 1 of 1" in markdown(table)


def test_the_table_shows_medians_bounds_changes_and_marks(compared: Any) -> None:
    text = markdown(
        compared({"50": [(1024, 0.1, 5e6), (2048, 0.1, 6e6)], "100": [(2048, 0.1, 5e6)] * 2})
    )
    assert "| 50     | yes      | 1.5KiB [1, 2]" in text
    assert "+33.3%" in text
    assert "with 50% confidence (six seeds or more: 95%)" in text


def test_bounds_of_a_median_hold_it_as_often_as_they_say() -> None:
    generator = Streams(1)["test"]
    for count in (2, 5, 12):
        hits, trials = 0, 1500
        for _ in range(trials):
            interval, confidence = median_interval(generator.exponential(size=count).tolist())
            hits += interval.low <= 0.6931472 <= interval.high
        assert hits / trials == pytest.approx(confidence, abs=0.045)
    assert median_interval([1.0, 2.0, 3.0, 4.0, 5.0])[1] == pytest.approx(1 - 2 / 32)


def test_a_baseline_is_named_by_enough_of_its_values() -> None:
    settings: list[Settings] = grid(["GOGC=50,100", "GOMAXPROCS=2,4"])
    assert find_baseline(settings, []) == settings[0]
    assert find_baseline(settings, ["GOMAXPROCS=4", "GOGC=100"]) == settings[3]
    with pytest.raises(UserError, match="got 2: choose from GOGC=100 GOMAXPROCS=2; GOGC=100"):
        find_baseline(settings, ["GOGC=100"])
    with pytest.raises(UserError, match="got 0: choose from GOGC=50"):
        find_baseline(settings, ["GOGC=75"])


def test_nothing_stored_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of the runs is stored"):
        compare_settings([], tmp_path, {})
