"""The table of a comparison marks what is significant and what is worth having, and no more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sim.errors import UserError
from sim.experiment import groups as module
from sim.experiment.design import design
from sim.experiment.groups import stored_groups
from sim.experiment.markdown import legend, shown
from sim.experiment.point import Point, Settings
from sim.experiment.table import Comparison, compare_groups, compare_runs, find_baseline
from sim.report.verdict import of_comparison
from sim.results.statistics import median_interval, paired_chances, paired_difference
from sim.results.summary import Summary
from sim.streams import Streams
from sim.units import Figure


def text_of(table: Comparison) -> str:
    """What is printed: a line for each row, and what its signs mean."""
    rows = [" ".join(cell.text for cell in row.values()) for row in shown(table)]
    return "\n".join([*rows, *legend(table)])


class Run:
    """A stored run, as far as a comparison looks at it."""

    def __init__(
        self, figures: Mapping[str, float], seed: int, status: str, workload: str = "w"
    ) -> None:
        units = {"peak_rss": "bytes", "gc_cpu": "fraction", "latency_p99": "ns"}
        self.figures = Summary((name, Figure(v, units[name])) for name, v in figures.items())
        self.run = {"seed": seed, "status": status, "workload": workload}


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs have their figures with them."""
    monkeypatch.setattr(module, "summary", lambda run: run.figures)


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
        monkeypatch.setattr(module, "is_sealed", lambda path: path.as_posix() in found)
        monkeypatch.setattr(module, "load_run", lambda path: found[path.as_posix()])
        return compare_groups(stored_groups(points, Path()), points[0].settings)

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
    assert other.cells["peak_rss"].holds
    assert not other.cells["gc_cpu"].holds
    assert not other.cells["latency_p99"].holds
    assert other.senses == ["more memory"]
    assert other.cells["peak_rss"].change.value == pytest.approx(3.3 / 3210)


def test_settings_that_another_beats_in_every_way_are_not_optimal(compared: Any) -> None:
    table = compared(
        {"50": [(1, 3, 3)], "100": [(2, 2, 2)], "200": [(3, 2, 2)], "400": [(2, 2, 2)]}
    )
    assert [row.optimal for row in table.rows] == [True, True, False, True]


def test_a_difference_by_chance_does_not_save_a_setting_that_is_surely_worse(compared: Any) -> None:
    """A little less memory under one seed of three is no reason to pay twice the GC CPU."""
    table = compared(
        {
            "50": [(10.0, 0.10, 5.0), (12.0, 0.11, 5.0), (11.0, 0.12, 5.0)],
            "100": [(9.9, 0.20, 5.0), (12.1, 0.212, 5.0), (10.9, 0.222, 5.0)],
        }
    )
    assert [row.better for row in table.rows] == [("gc_cpu",), None]
    assert "worth having: GOGC=50 (better at GC CPU)." in of_comparison(table)[0]


def test_a_sure_difference_that_is_tiny_does_not_save_it_either(compared: Any) -> None:
    noise = (0.0, 0.01, 0.02)
    table = compared(
        {
            "50": [(144.0 + n, 0.0087 + n / 100, 5.0) for n in noise],
            "100": [(142.0 + 1.1 * n, 0.0196 + n / 101, 5.0) for n in noise],
        }
    )
    assert table.rows[1].cells["peak_rss"].holds
    assert [row.better for row in table.rows] == [("gc_cpu",), None]
    assert "by 2% or more" in text_of(table)


def test_what_is_surely_better_at_one_thing_and_worse_at_another_is_worth_having(
    compared: Any,
) -> None:
    noise = (0.0, 1.0, 2.0)
    runs = {
        gogc: [(rss + n, cpu + 0.01 * n, 5.0 + n) for n in noise]
        for gogc, rss, cpu in (("100", 20.0, 0.2), ("50", 10.0, 0.4), ("200", 40.0, 0.1))
    }
    table = compared({**runs, "75": [(30 + n, 0.3 + 0.01 * n, 5.0 + n) for n in noise]})
    assert [row.better for row in table.rows] == [
        ("peak_rss", "gc_cpu"),
        ("peak_rss",),
        ("gc_cpu",),
        None,
    ]


def test_settings_that_nothing_tells_apart_are_not_said_to_be_worth_having(compared: Any) -> None:
    table = compared(
        {
            "50": [(10.0, 0.10, 5.0), (12.0, 0.11, 6.0), (11.0, 0.12, 7.0)],
            "100": [(10.1, 0.10, 5.1), (11.9, 0.11, 5.9), (10.9, 0.12, 7.0)],
        }
    )
    assert [row.optimal for row in table.rows] == [True, True]
    assert of_comparison(table)[0] == "2 settings; none is better than another."


def test_a_pair_is_tested_as_alone_or_with_many() -> None:
    generator = Streams(1)["test"]
    differences = generator.normal(0.5, 1.0, size=(20, 4))
    differences[0], differences[1] = 0.0, 3.0
    alone = [paired_difference([0.0] * 4, pairs.tolist()).p for pairs in differences]
    assert paired_chances(differences).tolist() == pytest.approx(alone)


def test_a_setting_that_was_killed_is_never_optimal(compared: Any) -> None:
    table = compared({"50": [(1, 1, 1)], "100": [(2, 2, 2)]}, killed="50")
    assert [row.optimal for row in table.rows] == [False, True]
    assert "oom-killed 1 of 1" in text_of(table)


def test_the_table_shows_medians_bounds_changes_and_marks(compared: Any) -> None:
    text = text_of(
        compared({"50": [(1024, 0.1, 5e6), (2048, 0.1, 6e6)], "100": [(2048, 0.1, 5e6)] * 2})
    )
    assert "slower" not in text
    assert "faster" not in text
    assert "table of 3 differences (Holm)" in text
    assert "50 yes 1.5KiB [1, 2]" in text
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
    settings: list[Settings] = design("grid", ["GOGC=50,100", "GOMAXPROCS=2,4"])
    assert find_baseline(settings, []) == settings[0]
    assert find_baseline(settings, ["GOMAXPROCS=4", "GOGC=100"]) == settings[3]
    with pytest.raises(UserError, match="got 2: choose from GOGC=100 GOMAXPROCS=2; GOGC=100"):
        find_baseline(settings, ["GOGC=100"])
    with pytest.raises(UserError, match="got 0: choose from GOGC=50"):
        find_baseline(settings, ["GOGC=75"])


def test_nothing_stored_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of the runs is stored"):
        stored_groups([], tmp_path)


def test_workloads_are_compared_each_for_itself_and_then_in_the_mean() -> None:
    """A batch that takes 50 times as much memory is no news about a pacer."""

    def run(gogc: str, workload: str, seed: int, rss: float) -> tuple[Settings, Any]:
        found = Run({"peak_rss": rss}, seed, "complete", workload)
        return {"workload": workload, "GOGC": gogc}, found

    noise = (0.0, 1.0, 2.0)
    runs = [
        run(gogc, workload, seed, scale * (100 + noise[seed]) * change)
        for gogc, change in (("100", 1.0), ("50", 0.8))
        for workload, scale in (("small", 1.0), ("large", 50.0))
        for seed in range(3)
    ]
    table = compare_runs(runs, {"GOGC": "100"})
    changes = {
        (row.workload, row.settings["GOGC"]): row.cells["peak_rss"].change.value
        for row in table.rows
        if not row.baseline
    }
    assert changes == pytest.approx({("small", "50"): -0.2, ("large", "50"): -0.2})
    assert {(row.workload, row.settings["GOGC"]) for row in table.rows if row.optimal} == {
        ("small", "50"),
        ("large", "50"),
    }
    (mean,) = (row for row in table.means if not row.baseline)
    assert mean.cells["peak_rss"].change.value == pytest.approx(-0.2)
    assert mean.senses == ["less memory"]
    assert "geometric mean" in text_of(table)


def test_no_workload_can_be_the_baseline_of_another() -> None:
    with pytest.raises(UserError, match="every workload has one"):
        find_baseline(design("grid", ["workload=a,b", "GOGC=50,100"]), ["workload=a"])
    found = find_baseline(design("grid", ["workload=a,b", "GOGC=50,100"]), ["GOGC=100"])
    assert found == {"GOGC": "100"}


def test_a_sure_difference_that_shows_as_nothing_has_no_words(compared: Any) -> None:
    """-0.0 % may be significant, and nobody would call it less."""
    exact = {"50": [(100.0 + n, 1.0, 1.0) for n in range(5)]}
    table = compared(exact | {"100": [(100.0 + n - 0.01 - n / 1e6, 1.0, 1.0) for n in range(5)]})
    assert table.rows[1].cells["peak_rss"].holds
    assert table.rows[1].senses == []
    assert "-0.0%*" in text_of(table)


def test_the_table_says_what_common_random_numbers_save(compared: Any) -> None:
    table = compared({"50": [(10, 1, 1), (20, 1, 1)], "100": [(11, 1, 1), (23, 1, 1)]})
    assert table.saved == {"peak_rss": pytest.approx((50 + 72) / 2)}
    assert "peak RSS 61 (measured here)" in text_of(table)
    large = compared({"50": [(10, 1, 1), (30, 1, 1)], "100": [(11, 1, 1), (33, 1, 1)]})
    assert "peak RSS 220 (measured here)" in text_of(large)
