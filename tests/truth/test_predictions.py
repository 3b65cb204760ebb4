"""Predictions from one log, held against recorded runs under other settings."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from sim.cli import main
from sim.truth.predictions import TARGETS, check, errors

REAL = Path(__file__).parents[1] / "golden" / "real"


def test_recorded_runs_of_two_ps_are_predicted_within_the_promise(tmp_path: Path) -> None:
    for log in REAL.glob("*.p2.*"):
        if "gogc100.limnone.r1" not in log.name:
            (tmp_path / log.name).symlink_to(log)
    found = errors(check(tmp_path, draws=2))
    assert found.loc["gc_cycles", "median error"] < 0.05
    assert found.loc["peak_heap_bytes", "median error"] < 0.1
    assert found.loc["gc_cpu_seconds", "p90 error"] < 0.25
    assert found.loc["peak_rss_bytes", "median error"] < 0.1
    measured = found.loc[list(TARGETS)].dropna()  # the guide knows no RSS
    assert (measured["median error"] < measured["GC guide, median"]).all()


def test_a_run_of_another_length_is_held_against_in_proportion(tmp_path: Path) -> None:
    """A request-serving program that was recorded for twice as long collected twice as often."""
    for gogc in ("100", "200"):
        name = f"hbsteady.p2.gogc{gogc}.limnone.r0"
        (tmp_path / f"{name}.gctrace.gz").symlink_to(REAL / f"{name}.gctrace.gz")
        facts = json.loads((REAL / f"{name}.json").read_text())
        facts["wall_s"] *= 2 if gogc == "200" else 1
        (tmp_path / f"{name}.json").write_text(json.dumps(facts))
    found = check(tmp_path, draws=2)
    cycles = found[(found["figure"] == "gc_cycles") & ~found["in_sample"]].iloc[0]
    assert cycles["amount"] == pytest.approx(2, rel=0.01)
    assert cycles["error"] == pytest.approx(2 * (1 + cycles["error_as_recorded"]) - 1, rel=0.01)


def test_runs_with_hardly_a_cycle_are_held_against_too(tmp_path: Path) -> None:
    for gogc in ("100", "400"):
        name = f"hbsteady.p2.gogc{gogc}.limnone.r0.gctrace"
        lines = gzip.decompress((REAL / f"{name}.gz").read_bytes()).decode().splitlines(True)
        if gogc == "400":
            begin = next(n for n, line in enumerate(lines) if "=== begin" in line)
            lines = [*lines[: begin + 1], "=== end\n"]
        (tmp_path / name).write_text("".join(lines))
    found = check(tmp_path, draws=2)
    assert (found[~found["in_sample"] & (found["figure"] == "gc_cycles")]["real"] == 0).all()


def test_a_folder_without_runs_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["whatif", "--check", str(tmp_path)])
    assert end.value.code == 2
    assert "there are no recorded runs" in capsys.readouterr().err
