"""A model that got worse is noticed; one that got better, or as good as real runs tell, is not."""

from __future__ import annotations

from pathlib import Path

import joblib
import pandas as pd
import pytest

from sim.cli import main
from sim.truth import evaluation
from sim.truth.evaluation import KEYS, SHIPPED, SHIPPED_SETS, changes, summary

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data"


def rows(error: float, spread: float = 0.02) -> pd.DataFrame:
    """A table with one figure under four settings."""
    return pd.DataFrame(
        {
            "model": "m",
            "evidence": "recorded",
            "program": "p",
            "gomaxprocs": "1",
            "gogc": ["50", "100", "200", "off"],
            "gomemlimit": "off",
            "figure": "gc_cycles",
            "real": 100.0,
            "simulated": 100 * (1 + error),
            "error": error,
            "spread": spread,
        }
    )


@pytest.mark.parametrize(
    ("before", "after", "worse"),
    [(0.05, 0.08, True), (0.05, 0.0699, False), (0.05, 0.01, False), (0.05, float("nan"), True)],
)
def test_a_median_error_may_grow_by_the_spread_of_real_runs(
    before: float, after: float, worse: bool
) -> None:
    changed = changes(summary(rows(before)), summary(rows(after)))
    assert changed["worse"].tolist() == [worse]


def test_nothing_to_tell_where_nothing_changed() -> None:
    assert changes(summary(rows(0.05)), summary(rows(0.05))).empty


def test_a_figure_that_is_new_is_told_and_not_worse() -> None:
    changed = changes(summary(rows(0.05)).iloc[:0], summary(rows(0.05)))
    assert changed["worse"].tolist() == [False]


def test_the_committed_summary_is_that_of_the_committed_table() -> None:
    table = pd.read_parquet(DATA / "evaluation.parquet")
    committed = pd.read_csv(DATA / "errors.csv")
    pd.testing.assert_frame_equal(summary(table), committed, check_dtype=False)
    assert set(committed["evidence"]) == {"recorded", "shipped", "predicted"}
    assert not committed.duplicated([*KEYS]).any()


def test_a_workload_of_the_data_is_simulated_as_it_was_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = pd.read_csv(DATA / SHIPPED)
    one = real[(real["program"] == "small-proxy") & (real["gogc"] == 50)]
    one.to_csv(tmp_path / SHIPPED, index=False)
    short = "small-proxy: [duration=300ms]\n"
    (tmp_path / SHIPPED_SETS).write_text(short, encoding="utf-8")
    monkeypatch.setattr(
        joblib,
        "Parallel",
        lambda **_: lambda tasks: [function(*arguments) for function, arguments, _ in tasks],
    )
    table = evaluation._shipped(evaluation.Sources(tmp_path, ()))
    assert len(table) == len(one)
    peak = table[table["figure"] == "peak_heap"]
    assert (peak["simulated"] / peak["real"]).between(0.5, 2).all()


def test_the_command_fails_where_an_error_grew_and_keeps_the_table_when_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as end:
            main(["evaluate", "--data", str(tmp_path), "-q", *arguments])
        return int(end.value.code or 0)

    monkeypatch.setattr(evaluation, "evaluate", lambda *_: rows(0.05))
    assert run("--write") == 0
    assert run() == 0
    monkeypatch.setattr(evaluation, "evaluate", lambda *_: rows(0.25))
    assert run() == 1
    told = capsys.readouterr()
    assert "differ among themselves: GC cycles (recorded)" in told.out
    assert not told.err
    assert pd.read_csv(tmp_path / "errors.csv")["median_error"].tolist() == [0.05]
