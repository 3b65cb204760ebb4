"""The table of a comparison marks what is significant and what is worth having, and no more."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.errors import UserError
from sim.experiment import groups as module
from sim.experiment.design import design
from sim.experiment.groups import stored_groups
from sim.experiment.markdown import legend, shown
from sim.experiment.point import Point, Settings
from sim.experiment.table import Comparison, Row, compare_groups, compare_runs, find_baseline
from sim.experiment.tidy import comparison_frame
from sim.report.verdict import of_comparison
from sim.results.few import Few
from sim.results.statistics import (
    median_interval,
    paired_chances,
    paired_change,
    paired_difference,
)
from sim.results.summary import Summary
from sim.streams import Streams
from sim.units import Figure


def better(row: Row) -> tuple[str, ...] | None:
    """Figures in which a setting is surely better than another; None where one dominates it."""
    assert row.standing is not None
    return tuple(row.standing.better) if row.optimal else None


def text_of(table: Comparison) -> str:
    """What is printed: a line for each row, and what its signs mean."""
    rows = [" ".join(cell.text for cell in row.values()) for row in shown(table)]
    return "\n".join([*rows, *legend(table)])


class Run:
    """A stored run, as far as a comparison looks at it."""

    collects = True

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
        monkeypatch.setattr(module, "is_whole", lambda path: path.as_posix() in found)
        monkeypatch.setattr(module, "load_run", lambda path: found[path.as_posix()])
        return compare_groups(stored_groups(points, Path()), points[0].settings)

    return compare


def test_paired_seeds_tell_a_small_difference_from_chance(compared: Any) -> None:
    table = compared(
        {
            "50": [(10.0, 0.1, 5.0), (200.0, 0.1, 5.0), (3000.0, 0.1, 5.0)],
            "100": [(10.1, 0.3, 5.0), (202.0, 0.1, 5.0), (3033.0, 0.2, 5.0)],
        }
    )
    base, other = table.rows
    assert base.baseline
    assert other.cells["peak_rss"].holds
    assert not other.cells["gc_cpu"].holds
    assert not other.cells["latency_p99"].holds
    assert other.senses == ["more memory"]
    assert other.cells["peak_rss"].change.value == pytest.approx((1.01**2 * 1.011) ** (1 / 3) - 1)


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
    assert [better(row) for row in table.rows] == [("gc_cpu",), None]
    assert of_comparison(table)[0] == (
        "2 settings; worth having: GOGC=50 (less GC CPU than GOGC=100);"
        " worse: GOGC=100 (than GOGC=50)."
    )


def test_a_sure_difference_that_is_tiny_does_not_save_it_either(compared: Any) -> None:
    noise = (0.0, 0.01, 0.02)
    table = compared(
        {
            "50": [(144.0 + n, 0.0087 + n / 100, 5.0) for n in noise],
            "100": [(142.0 + 1.1 * n, 0.0196 + n / 101, 5.0) for n in noise],
        }
    )
    assert table.rows[1].cells["peak_rss"].holds
    assert [better(row) for row in table.rows] == [("gc_cpu",), None]
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
    assert [better(row) for row in table.rows] == [
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
    assert of_comparison(table)[0] == (
        "2 settings; none is better than another at peak RSS or GC CPU or latency p99"
        " by 2% or more."
    )


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
    assert "GC CPU, GOGC=50 (baseline, oom-killed 1 of 1) 100%: GOGC=100 +100.0%." in (
        of_comparison(table)
    )


def test_the_table_shows_medians_bounds_changes_and_marks(compared: Any) -> None:
    text = text_of(
        compared({"50": [(1024, 0.1, 5e6), (2048, 0.1, 6e6)], "100": [(2048, 0.1, 5e6)] * 2})
    )
    assert "slower" not in text
    assert "faster" not in text
    assert "table of 3 changes (Holm)" in text
    assert "50 yes 1.5KiB [1, 2]" in text
    assert "+41.4%" in text
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


def test_a_baseline_of_zero_has_differences_instead_of_ratios(compared: Any) -> None:
    """GOGC=off collects nothing; what another setting costs is no multiple of that."""
    noise = (0.0, 0.001, 0.002)
    table = compared(
        {
            "off": [(100.0 + n, 0.0, 5.0) for n in range(3)],
            "100": [(50.0 + n, 0.08 + n_cpu, 5.0) for n, n_cpu in enumerate(noise)],
        }
    )
    cell = table.rows[1].cells["gc_cpu"]
    assert not cell.relative
    assert cell.holds
    assert cell.change.value == pytest.approx(0.081)
    (line,) = (line for line in of_comparison(table) if line.startswith("GC CPU"))
    assert line == "GC CPU, GOGC=off (baseline) 0%: GOGC=100 +8.1 points*."
    assert "+8.1 points* [+7.85, +8.35]" in text_of(table)
    assert "GC CPU: 0 in some runs, which leaves no ratio" in text_of(table)
    rows = comparison_frame(table).set_index(["GOGC", "figure"])
    assert rows.loc[("100", "gc_cpu"), "difference"] == pytest.approx(0.081)
    assert math.isnan(rows.loc[("100", "gc_cpu"), "change"])
    assert rows.loc[("100", "peak_rss"), "change"] == pytest.approx(-0.495, abs=0.001)


def test_two_settings_without_any_gc_are_compared_and_alike(compared: Any) -> None:
    table = compared({gogc: [(10.0 + n, 0.0, 5.0) for n in range(3)] for gogc in ("off", "9999")})
    assert table.rows[1].cells["gc_cpu"].p == 1.0
    assert "GC CPU, GOGC=off (baseline) 0%: nothing is distinguishable from it." in (
        of_comparison(table)
    )


@given(
    st.lists(
        st.tuples(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6)), min_size=2, max_size=6, unique=True
    )
)
def test_no_bound_of_a_relative_change_is_below_all_of_it(
    pairs: list[tuple[float, float]],
) -> None:
    before, after = zip(*pairs, strict=True)
    change = paired_change(before, after)
    assert change.relative
    assert -1 <= change.mean.low <= change.mean.value <= change.mean.high
    # The interval holds no change exactly where the test finds none.
    assert (change.mean.low <= 0 <= change.mean.high) == (change.p >= 0.05)


def test_what_is_better_than_another_says_than_which(compared: Any) -> None:
    """The baseline in the middle is told from none, while the ends are told from each other."""
    table = compared(
        {
            "100": [(100.0, 0.10, 5.0), (140.0, 0.14, 5.0), (120.0, 0.08, 5.0)],
            "50": [(90.0 + n, 0.11 + n / 1e3, 5.0) for n in range(3)],
            "400": [(150.0 + 1.7 * n, 0.09 + n / 1e3, 5.0) for n in range(3)],
        }
    )
    first, rss, cpu, *_ = of_comparison(table)
    assert [row.optimal for row in table.rows] == [True, True, True]
    assert first == (
        "3 settings; worth having: GOGC=50 (less memory than GOGC=400), GOGC=400 (less GC CPU than"
        " GOGC=50); surely better at nothing: GOGC=100."
    )
    assert rss.endswith("nothing is distinguishable from it.")
    assert cpu.endswith("nothing is distinguishable from it.")


def test_one_setting_is_not_compared(compared: Any) -> None:
    first, rss, *_ = of_comparison(compared({"100": [(100.0, 0.10, 5.0), (140.0, 0.14, 5.0)]}))
    assert first == "1 setting, and none to compare it with."
    assert rss == "peak RSS, GOGC=100 (baseline) 120B."


@given(st.data())
def test_a_verdict_claims_of_the_baseline_what_the_table_holds(data: st.DataObject) -> None:
    value = st.floats(1.0, 3.0)
    runs: list[Any] = [
        (
            {"GOGC": str(gogc)},
            Run({"peak_rss": data.draw(value), "gc_cpu": data.draw(value)}, seed, "complete"),
        )
        for gogc in range(3)
        for seed in range(3)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "summary", lambda run: run.figures)
        table = compare_runs(runs, {"GOGC": "0"})
    base, *others = table.rows
    for row in others:
        assert row.standing is not None
        assert base.standing is not None
        name = f"GOGC={row.settings['GOGC']}"
        for figure, cell in row.cells.items():
            less = "GOGC=0" in row.standing.better.get(figure, ())
            more = name in base.standing.better.get(figure, ())
            assert cell.holds or not (less or more)
            if cell.holds and abs(cell.change.value) > 0.05:
                assert less or more


def test_a_comparison_says_what_its_runs_are_too_short_to_tell(compared: Any) -> None:
    table = compared({"50": [(1, 1, 1)] * 2, "100": [(2, 1, 1)] * 2})
    assert not table.few
    short = Few(3, "gc_cycles", "3 GC cycles are no distribution")
    runs: list[Any] = []
    for gogc in ("50", "100"):
        run = Run({"peak_rss": 1.0}, 1, "complete")
        run.figures.few = [short, short._replace(number=2, sentence="2 are no distribution")]
        runs.append(({"GOGC": gogc}, run))
    lines = of_comparison(compare_runs(runs, {"GOGC": "50"}))
    assert "GOGC=50: 2 are no distribution; likewise 1 more setting." in lines


def test_a_mean_over_fewer_workloads_says_over_how_many() -> None:
    runs: list[Any] = [
        (
            {"workload": workload, "GOGC": gogc},
            Run({"peak_rss": 10.0 + seed, "gc_cpu": cpu, **latency}, seed, "complete", workload),
        )
        for workload, latency in (("api", {"latency_p99": 5.0}), ("batch", {}))
        for gogc, cpu in (("100", 0.1), ("off", 0.0))
        for seed in range(2)
    ]
    table = compare_runs(runs, {"GOGC": "100"})
    mean = next(row for row in table.means if not row.baseline)
    assert [mean.cells[name].workloads for name in ("peak_rss", "latency_p99")] == [2, 1]
    assert "+0.0% [+0.0%, +0.0%] (1 of 2 workloads)" in text_of(table)
    lines = of_comparison(table)
    assert "GC CPU, GOGC=100 (baseline): not compared (0 in some runs, which leaves no ratio)." in (
        lines
    )
    assert any("mean over 1 of 2 workloads" in line for line in lines)
