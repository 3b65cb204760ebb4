"""Validation compares what belongs together, and keeps what it measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.config import load
from sim.config.machine import load_profile
from sim.config.run import RunConfig
from sim.errors import UserError
from sim.go.marker.greentea import dense_share, gathered_share
from sim.machine.profile import DEFAULT
from sim.simulation import simulate
from sim.truth import host, validate
from sim.truth.host import Others
from sim.truth.marking import OWN_GOGC
from sim.truth.scans import green_tea
from sim.units import MiB

ROOT = Path(__file__).parents[2]
REAL = ROOT / "tests/golden/real"
SCANS = """=== begin
gc 5 @0.363s 7%: 0.023+40+0.003 ms clock, 0.023+0.12/11/11+0.003 ms cpu, 85->89->73 MB, 100 MB goal
scan: total 3701+4733+91145=99579 objs, 2191+13607=15798 spans
scan: class L 12+0+0=12 objs, 0+0=0 spans
scan: class 8B 1105+0+0=1105 objs, 0+0=0 spans
scan: class 320B 2458+4164+89181=95803 objs, 2082+13555=15637 spans
scan: class 4864B 8+0+0=8 objs, 0+0=0 spans
"""
"""What Go 1.27 prints with GODEBUG=gctrace=2."""
QUICK = ("duration=300ms", "workload.stores.base.size=8MiB")


@pytest.fixture
def own_runs() -> list[RunConfig]:
    """Of the runs that tell what marking costs."""
    return []


@pytest.fixture
def real_runs(
    monkeypatch: pytest.MonkeyPatch, own_runs: list[RunConfig]
) -> Iterator[list[RunConfig]]:
    """A recorded run in place of the twin."""
    runs: list[RunConfig] = []

    def run(executable: Path, config: RunConfig, log: Path, *, gctrace: int = 1) -> None:
        if gctrace > 1:
            log.write_text(SCANS, encoding="utf-8")
            return
        if log.parent.name == validate.OWN_RUNS:
            own_runs.append(config)
        else:
            runs.append(config)
        turn = log.stem.rpartition(".")[2]  # r0 or r1
        recorded = REAL / f"hbsteady.p2.gogc100.limnone.{turn}"
        shutil.copy(f"{recorded}.gctrace.gz", f"{log}.gz")
        shutil.copy(f"{recorded}.json", log.with_suffix(".json"))

    monkeypatch.setattr(validate, "run_twin", run)
    monkeypatch.setattr(host, "cpu_of_others", lambda: nullcontext(Others(0.0)))
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
    assert validate.disturbance(tmp_path) >= 0
    assert len(list(tmp_path.glob("*.gctrace.gz"))) == 4
    assert set(table["gomaxprocs"]) == {"1", "2"}
    cycles = table[table["figure"] == "gc_cycles"]
    assert set(cycles["real"]) == {94.0}
    assert (cycles["spread"] > 0).all()
    assert set(cycles["repetitions"]) == {2}
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / validate.TABLE), table)


def test_a_busy_machine_is_told(tmp_path: Path) -> None:
    """Latencies of a program that shared the CPUs with others say nothing about Go."""
    for turn, used in enumerate((0.1, 0.4, 0.2)):
        text = json.dumps({"others_cpu": used})
        (tmp_path / f"app.p1.gogc100.limnone.r{turn}.json").write_text(text)
    assert validate.disturbance(tmp_path) == pytest.approx(0.2)


def test_a_real_run_that_others_disturb_is_made_again(
    tmp_path: Path, real_runs: list[RunConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until nobody does, but not for ever; what others used is kept with the run."""
    used = iter([0.0, 0.9, 0.0, 0.0, *[0.7] * host.ATTEMPTS])  # one of its own, one to compare
    monkeypatch.setattr(host, "cpu_of_others", lambda: nullcontext(Others(next(used))))
    validate.validate(
        [ROOT / "configs/hbsteady.yaml"],
        out=tmp_path,
        grid={"GOMAXPROCS": ("2",), "GOGC": ("100",)},
        sets=QUICK,
        repetitions=2,
    )
    assert len(real_runs) == 2 + host.ATTEMPTS
    assert validate.disturbance(tmp_path) == pytest.approx(0.35)


def test_with_a_real_time_priority_other_programs_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """They disturb nobody then, but what the hypervisor gives to other machines does."""
    spent = iter([{"user": 5.0, "steal": 1.0}, {"user": 9.0, "steal": 1.5}])
    monkeypatch.setattr(host, "realtime", lambda: True)
    monkeypatch.setattr("psutil.cpu_times", lambda: SimpleNamespace(**next(spent)))
    monkeypatch.setattr("time.monotonic", iter([0.0, 10.0]).__next__)
    with host.cpu_of_others() as others:
        pass
    assert others.used == pytest.approx(0.05)


def test_how_often_spans_are_scanned_comes_from_the_real_program(
    tmp_path: Path, real_runs: list[RunConfig]
) -> None:
    """The structure of the heap, in a run that is not compared with."""
    found, visits = green_tea(SCANS), 2458 + 15637
    assert found.visits_per_span == pytest.approx(visits / (95803 / 24))
    share = dense_share(np.array([3.0]), np.array([95803 / visits]), found.dense_odds)
    assert share == pytest.approx(13555 / visits)
    share = gathered_share(np.array([3.0]), np.array([95803 / visits]), found.gathered_odds)
    assert share == pytest.approx(89181 / 95803)
    with pytest.raises(UserError, match="there are no counts of scans"):
        green_tea("gc 1 @0.1s")
    sources, grid = [ROOT / "configs/hbsteady.yaml"], {"GOMAXPROCS": ("2",), "GOGC": ("100",)}
    validate.validate(sources, out=tmp_path, grid=grid, sets=QUICK, repetitions=1)
    assert len(real_runs) == 1
    marker = validate.with_scans(real_runs[0], tmp_path).gc.marker
    assert dict(marker.parameters) == asdict(green_tea(SCANS))
    classic = load(sources[0], ["gc.marker=classic"])
    assert validate.with_scans(classic, tmp_path) is classic


def test_what_marking_costs_comes_from_a_run_of_the_program_itself(
    tmp_path: Path, real_runs: list[RunConfig], own_runs: list[RunConfig]
) -> None:
    """Costs of the benchmarks are of other heaps; the run is compared with nothing else."""
    given = {"out": tmp_path, "grid": {"GOMAXPROCS": ("2",), "GOGC": ("100",)}, "sets": QUICK}
    sources = [ROOT / "configs/hbsteady.yaml"]
    own = validate.validate(sources, **given, repetitions=2).set_index("figure")
    assert len(real_runs) == len(own_runs) == 2
    assert {(run.gomaxprocs, run.gc_percent) for run in own_runs} == {(2, OWN_GOGC)}
    general = validate.validate(sources, **given, repetitions=2, own_costs=False)
    usual = load_profile(DEFAULT).mark
    found = load_profile(str(tmp_path / validate.OWN_RUNS / "hbsteady.machine.yaml")).mark
    factor = found.object_ns / usual.object_ns
    assert factor > 3  # the recorded program has a much larger heap than the simulated one
    assert found == usual.times(factor)
    general = general.set_index("figure")
    assert own.loc["gc_cpu", "simulated"] > 2 * general.loc["gc_cpu", "simulated"]


def test_the_simulated_heap_has_what_the_real_program_keeps_beside_the_workload() -> None:
    """Its runtime, its goroutines and the tables of its stores, with and without pointers."""
    idle = {
        "goroutines": {"one": {"steps": [{"wait": "50ms"}]}},
        "load": {"all": {"goroutine": "one", "count": 1}},
    }
    config = load({"workload": {"name": "idle", **idle}}, ["GOGC=off"])
    runs = [{"own": {"scan": 6 * MiB, "noscan": 2 * MiB, "file": 3 * MiB}}, {"wall_s": 1.0}]
    beside = validate.with_own(config, runs)
    with_pointers, without = beside.program.mixes[validate.OWN]
    assert (with_pointers.share, without.share) == (6 * MiB, 2 * MiB)
    live = [
        simulate(run).samples["/memory/classes/heap/objects:bytes"].iloc[-1]
        for run in (config, beside)
    ]
    assert live == [0, pytest.approx(8 * MiB, rel=0.01)]
    assert validate.with_own(config, [{}]) is config


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
        [ROOT / "configs/hbsteady.yaml"],
        out=tmp_path,
        grid={"GOGC": ("100",)},
        sets=("GOMAXPROCS=2", *QUICK),
        repetitions=1,
        go=Path("go1.21"),
    )
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
