"""What is left of a command is known from the first second, and never nonsense."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import pytest

from sim.cli.app import main
from sim.cli.progress import in_words, left
from sim.config import load
from sim.experiment.cost import run_cost, sweep_cost
from sim.experiment.grid import points
from sim.experiment.processes import processes
from sim.experiment.sweep import sweep
from sim.experiment.worker import PROGRESS, under_way
from sim.simulation import simulate


def test_before_anything_is_done_the_estimate_is_that_from_beforehand() -> None:
    assert left(0.0, 0.0, 60.0) == pytest.approx(60.0)
    assert math.isnan(left(0.0, 3.0, math.nan))


def test_what_is_done_soon_counts_more_than_what_was_expected() -> None:
    assert left(0.5, 10.0, 60.0) == pytest.approx(10.0, rel=0.3)
    assert left(0.25, 10.0, math.nan) == pytest.approx(30.0)
    assert left(1.0, 10.0, 60.0) == 0.0


def test_what_is_left_is_told_in_a_fitting_unit() -> None:
    assert [in_words(s) for s in (0.2, 59, 600, 9000)] == ["1s", "59s", "10min", "2.5h"]


def test_the_beginning_of_a_run_tells_what_it_costs() -> None:
    config = load("quickstart", ["duration=2s"])
    estimate, begin = run_cost(config), time.process_time()
    simulate(config)
    real = time.process_time() - begin
    assert 0.4 < estimate / real < 2.5


@pytest.mark.slow
def test_filling_the_stores_does_not_stand_for_what_follows() -> None:
    """With every refill an event it takes a second or more, and what follows a third of that."""
    config = load("quickstart", ["model.resolution=refill", "duration=1s"])
    estimate, begin = run_cost(config), time.process_time()
    simulate(config)
    assert 0.5 < estimate / (time.process_time() - begin) < 2


@pytest.mark.slow
@pytest.mark.parametrize("workload", ["small-proxy", "cron-bursts"])
def test_what_is_told_of_a_long_run_knows_that_cycles_repeat(workload: str) -> None:
    """All of it simulated would take 80 s and more."""
    config = load(workload, ["duration=10h", "model.detail=fluid"])
    estimate, begin = run_cost(config), time.process_time()
    result = simulate(config)
    assert "times again" in result.run["reason"]
    assert 0.4 < estimate / (time.process_time() - begin) < 2.5


@pytest.mark.parametrize("duration", ["10m", "1m"])
def test_long_runs_as_rates_say_beforehand_what_they_cost(
    duration: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = ["run", "every-second", "--set", f"duration={duration}", "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        main([*typed, "--set", "model.detail=fluid"])
    told = capsys.readouterr().err
    assert ("600s as rates: about" in told) == (duration == "10m")


def test_what_is_stored_costs_nothing(tmp_path: Path) -> None:
    todo = points(Path("quickstart"), [{"GOGC": "50"}, {"GOGC": "100"}], 1, ["duration=20ms"])
    assert sweep_cost(todo, tmp_path) > 0
    assert not list(tmp_path.iterdir())
    assert not sweep(todo, tmp_path, processes(1))
    assert sweep_cost(todo, tmp_path) == 0


def test_runs_that_go_on_count_as_far_as_they_are(tmp_path: Path) -> None:
    for name, text in (("a", "0.25"), ("b", "0.5"), ("c", "")):
        growing = tmp_path / f".{name}.{os.getpid()}@here.partial"
        growing.mkdir()
        (growing / PROGRESS).write_text(text)
    assert under_way(tmp_path) == 0.75


def test_a_sweep_moves_within_its_runs_and_never_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.experiment.sweep.EVERY", 0.01)
    seen: list[float] = []
    todo = points(Path("quickstart"), [{"GOGC": "100"}], 1, ["duration=4s"])
    assert not sweep(todo, tmp_path, processes(1), seen.append)
    assert seen == sorted(seen)
    assert any(0 < fraction < 1 for fraction in seen)
    assert seen[-1] == 1.0
    assert not list(tmp_path.rglob(PROGRESS))
