"""Validation compares what belongs together, and keeps what it measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import joblib
import pandas as pd
import pytest

from sim.cli import main
from sim.config.run import RunConfig
from sim.truth import validate

ROOT = Path(__file__).parents[2]
REAL = ROOT / "tests/golden/real"
QUICK = ("duration=300ms", "workload.stores.base.size=8MiB")


@pytest.fixture
def real_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[RunConfig]]:
    """A recorded run in place of the twin."""
    runs: list[RunConfig] = []

    def run(executable: Path, config: RunConfig, log: Path) -> None:
        runs.append(config)
        turn = log.stem.rpartition(".")[2]  # r0 or r1
        recorded = REAL / f"hbsteady.p2.gogc100.limnone.{turn}"
        shutil.copy(f"{recorded}.gctrace.gz", f"{log}.gz")
        shutil.copy(f"{recorded}.json", log.with_suffix(".json"))

    monkeypatch.setattr(validate, "run_twin", run)
    monkeypatch.setattr(validate, "chosen_go", lambda go: go or Path("go1.27"))
    monkeypatch.setattr(validate, "go_version", lambda go: go.name.removeprefix("go"))
    monkeypatch.setattr(validate, "build_twin", lambda go: Path("twin"))
    with joblib.parallel_config("sequential"):
        yield runs


def test_every_setting_runs_really_and_simulated(
    tmp_path: Path, real_runs: list[RunConfig]
) -> None:
    grid = {"GOMAXPROCS": ("1", "2"), "GOGC": ("100",)}
    sources = [ROOT / "configs/hbsteady.yaml"]
    table = validate.validate(sources, out=tmp_path, grid=grid, sets=QUICK, repetitions=2)
    assert [run.gomaxprocs for run in real_runs] == [1, 2, 1, 2]
    assert {run.duration for run in real_runs} == {300_000_000}
    assert len(list(tmp_path.glob("*.gctrace.gz"))) == 4
    assert set(table["gomaxprocs"]) == {"1", "2"}
    cycles = table[table["figure"] == "gc_cycles"]
    assert set(cycles["real"]) == {94.0}
    assert (cycles["spread"] > 0).all()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / validate.TABLE), table)


def test_a_busy_machine_is_told(tmp_path: Path) -> None:
    """Latencies of a program that waited for the CPU say nothing about Go."""
    for turn, waited in enumerate((0.1, 0.4, 0.2)):
        text = json.dumps({"cpu_wait_s": waited, "wall_s": 2.0})
        (tmp_path / f"app.p1.gogc100.limnone.r{turn}.json").write_text(text)
    assert validate.cpu_wait(tmp_path) == pytest.approx(0.1)


def test_a_workload_alone_can_be_validated(tmp_path: Path, real_runs: list[RunConfig]) -> None:
    sources = [ROOT / "workloads/hbsteady.yaml"]
    grid = {"GOGC": ("off",), "GOMEMLIMIT": ("192MiB",)}
    table = validate.validate(sources, out=tmp_path, grid=grid, sets=QUICK, repetitions=1)
    assert real_runs[0].memory_limit == 192 << 20
    assert set(table["program"]) == {"hbsteady"}
    assert set(table["gomemlimit"]) == {"192MiB"}


def test_the_simulator_takes_the_version_of_the_real_go(
    tmp_path: Path, real_runs: list[RunConfig]
) -> None:
    validate.validate(
        [ROOT / "configs/hbsteady.yaml"], out=tmp_path, grid={"GOGC": ("100",)},
        sets=("GOMAXPROCS=2", *QUICK), repetitions=1, go=Path("go1.21"),
    )  # fmt: skip
    assert [(run.go, run.gc.marker.name) for run in real_runs] == [("1.21", "classic")]


def test_the_command_refuses_a_key_without_values(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["validate", "configs/hbsteady.yaml", "--vary", "GOGC"])
    assert ended.value.code == 2
    assert "--vary: expected KEY=V1,V2" in capsys.readouterr().err


def test_real_runs_that_were_made_are_not_repeated(
    tmp_path: Path, real_runs: list[RunConfig]
) -> None:
    """An interrupted validation goes on where it stopped; a changed workload is run again."""
    grid = {"GOMAXPROCS": ("2",), "GOGC": ("100",)}
    sources = [ROOT / "configs/hbsteady.yaml"]
    validate.validate(sources, out=tmp_path, grid=grid, sets=QUICK, repetitions=1)
    first = validate.validate(sources, out=tmp_path, grid=grid, sets=QUICK, repetitions=2)
    assert len(real_runs) == 2
    again = validate.validate(sources, out=tmp_path, grid=grid, sets=QUICK, repetitions=2)
    assert len(real_runs) == 2
    pd.testing.assert_frame_equal(first, again)
    changed = (*QUICK, "workload.load.jobs.arrivals.poisson=300/s")
    validate.validate(sources, out=tmp_path, grid=grid, sets=changed, repetitions=1)
    assert len(real_runs) == 3
