"""A sweep loses nothing: not when it is stopped, not when a point or a whole process dies."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

import sim
from sim.errors import UserError
from sim.experiment import worker as module
from sim.experiment.design import design
from sim.experiment.grid import points
from sim.experiment.groups import not_varied
from sim.experiment.point import Point
from sim.experiment.processes import processes
from sim.experiment.sweep import (
    damaged,
    kind_is_damaged,
    outdated,
    own_folder,
    stored,
    sweep,
)
from sim.record.parquet import is_sealed
from sim.results import Results
from sim.results.load import damaged_inside, load_all, load_run
from sim.simulation import simulate


def runs_in(folder: Path) -> list[str]:
    """Names of what is stored in a sweep."""
    seals = folder.rglob("run.parquet")
    return sorted(seal.parent.relative_to(folder).as_posix() for seal in seals)


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders of the runs that a sweep in this process simulates."""
    folders: list[str] = []

    def simulate_and_tell(config: Any, out: Path, progress: Any) -> None:
        simulate(config, out, progress)
        folders.append(out.name)

    monkeypatch.setattr(module, "simulate", simulate_and_tell)
    return folders


def test_what_is_stored_is_not_simulated_again(
    tiny: Path, tmp_path: Path, simulated: list[str]
) -> None:
    folder, fractions = tmp_path / "sweep-a", list[float]()
    todo = points(tiny, design("grid", ["GOGC=50,100"]), 1)
    assert sweep(todo[:1], folder, processes(1)) == []
    assert sweep(todo, folder, processes(1), fractions.append) == []
    assert len(simulated) == 2
    assert (fractions[0], fractions[-1]) == (0.5, 1.0)
    assert runs_in(folder) == sorted(point.name for point in todo)


def test_a_point_that_changed_replaces_its_former_self(
    tiny: Path, tmp_path: Path, simulated: list[str]
) -> None:
    folder = tmp_path / "sweep-a"
    sweep(points(tiny, design("grid", ["GOGC=50,100"]), 1), folder, processes(1))
    tiny.write_text(tiny.read_text(encoding="utf-8").replace("20ms", "10ms"), encoding="utf-8")
    changed = points(tiny, design("grid", ["GOGC=50"]), 1)
    assert sweep(changed, folder, processes(1)) == []
    assert len(simulated) == 3
    assert len(runs_in(folder)) == 2
    assert stored(changed[0], folder)


@pytest.mark.parametrize(
    ("axis", "sets", "told", "name"),
    [
        ("GOMAXPROCS=1", [], "GOMAXPROCS", "sweep-a-GOMAXPROCS"),
        ("GOGC=200", ["duration=10ms"], "GOGC with duration=10ms", "sweep-a-GOGC-duration-10ms"),
    ],
)
def test_a_sweep_of_another_kind_does_not_go_into_the_same_folder(
    tiny: Path,
    tmp_path: Path,
    simulated: list[str],
    axis: str,
    sets: list[str],
    told: str,
    name: str,
) -> None:
    """Its tables would have other columns, or rows of another duration that no column tells."""
    folder = tmp_path / "sweep-a"
    first = points(tiny, design("grid", ["GOGC=50"]), 1)
    sweep(first, folder, processes(1))
    other = points(tiny, design("grid", [axis]), 1, sets)
    with pytest.raises(UserError) as error:
        sweep(other, folder, processes(1))
    own = own_folder(other, folder)
    assert own == tmp_path / name
    assert str(error.value) == (
        f"{folder}: has a sweep over GOGC, and this one is over {told}: expected another"
        f" folder, such as --out {own}"
    )
    sweep(other, own, processes(1))
    assert len(simulated) == 2
    assert own_folder(other, own) == own
    assert own_folder(first, folder) == folder


@pytest.mark.parametrize("text", ["{", "[]", '{"keys": 1, "fixed": {}}', "[" * 100_000, "\xff"])
def test_a_kind_that_cannot_be_read_is_written_anew(
    tiny: Path, tmp_path: Path, simulated: list[str], text: str
) -> None:
    todo, folder = points(tiny, design("grid", ["GOGC=50"]), 1), tmp_path / "s"
    sweep(todo, folder, processes(1))
    before = (folder / "sweep.json").read_bytes()
    (folder / "sweep.json").write_bytes(text.encode("latin-1"))
    assert kind_is_damaged(folder)
    assert sweep(todo, folder, processes(1)) == []
    assert (folder / "sweep.json").read_bytes() == before
    assert not kind_is_damaged(folder)
    assert len(simulated) == 1


@pytest.mark.parametrize("text", ["{", None])
def test_a_sweep_of_unknown_kind_is_not_replaced_by_another(
    tiny: Path, tmp_path: Path, text: str | None
) -> None:
    """With `--set` the same settings have other runs, which would take the place of these."""
    grid, folder = design("grid", ["GOGC=50"]), tmp_path / "s"
    sweep(points(tiny, grid, 1), folder, processes(1))
    (folder / "sweep.json").unlink()
    if text:
        (folder / "sweep.json").write_text(text)
    before = runs_in(folder)
    shorter = points(tiny, grid, 1, ["duration=30ms"])
    with pytest.raises(UserError, match=r"a sweep\.json that is missing or damaged"):
        sweep(shorter, folder, processes(1))
    assert runs_in(folder) == before
    assert own_folder(shorter, folder) != folder


def flipped(file: Path) -> None:
    """One bit is another, in the first page."""
    data = bytearray(file.read_bytes())
    data[len(data) // 8] ^= 1
    file.write_bytes(data)


def cut(file: Path) -> None:
    """The end is missing."""
    file.write_bytes(file.read_bytes()[:-10])


@pytest.mark.parametrize("harm", [Path.unlink, flipped, cut])
@pytest.mark.parametrize(
    "name", ["run.parquet", "cycles.parquet", "marking.parquet", "settings.json"]
)
def test_a_run_that_is_not_as_it_was_written_is_refused_and_simulated_anew(
    tiny: Path, tmp_path: Path, simulated: list[str], name: str, harm: Callable[[Path], None]
) -> None:
    todo, folder = points(tiny, design("grid", ["GOGC=50,100"]), 1), tmp_path / "s"
    sweep(todo, folder, processes(1))
    harmed = folder / todo[0].name
    whole = {file.name: file.read_bytes() for file in harmed.iterdir()}
    harm(harmed / name)
    assert damaged(todo, folder) == todo[:1]
    if name != "settings.json" or harm is Path.unlink:
        told = "is missing" if harm is Path.unlink else "is not as it was written"
        with pytest.raises(UserError, match=f"{harmed}: damaged: {name} {told}: simulate it again"):
            sim.load(folder)
        assert list(damaged_inside(folder).values()) == [f"{name} {told}"]
        sweep(todo[1:], folder, processes(1))  # the summary leaves it out
        assert len(pd.read_parquet(folder / "summary.parquet")) == 1
    assert sweep(todo, folder, processes(1)) == []
    assert len(simulated) == 3
    assert {file.name: file.read_bytes() for file in harmed.iterdir()} == whole
    assert len(sim.load(folder).summary()) == 2


def test_runs_of_a_changed_simulator_are_simulated_anew(
    tiny: Path, tmp_path: Path, simulated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sweep-a"
    before = points(tiny, design("grid", ["GOGC=50"]), 1)
    sweep(before, folder, processes(1))
    monkeypatch.setattr("sim.config.provenance.simulator", lambda: "another")
    after = points(tiny, design("grid", ["GOGC=50,100"]), 1)
    assert outdated(after, folder) == after[:1]
    assert sweep(after, folder, processes(1)) == []
    assert len(simulated) == 3
    assert outdated(after, folder) == []
    assert not stored(before[0], folder)
    new = load_run(folder / after[0].name)
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"versions of gomemsim: new from another, old from \w+;"):
        Results({"old": simulate(tiny), "new": new})


def test_a_simulator_that_changes_during_a_sweep_stores_nothing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo = points(tiny, design("grid", ["GOGC=50"]), 1)
    monkeypatch.setattr("sim.config.provenance.simulator", lambda: "another")
    ((_, reason),) = sweep(todo, tmp_path / "s", processes(1))
    assert "not the one with which the sweep began" in reason
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["sweep.json"]


def test_a_crash_is_reported_and_the_others_are_kept(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(config: Any, out: Path, progress: Any) -> None:
        if config.gc_percent == 50:
            out.mkdir()
            raise ZeroDivisionError("division by zero")
        simulate(config, out, progress)

    monkeypatch.setattr(module, "simulate", crash)
    todo = points(tiny, design("grid", ["GOGC=50,100"]), 1)
    ((point, reason),) = sweep(todo, tmp_path / "s", processes(1))
    assert (point, reason) == (todo[0], "ZeroDivisionError: division by zero")
    assert runs_in(tmp_path / "s") == [todo[1].name]


def test_an_interruption_keeps_whole_runs_and_tells_of_no_other(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(config: Any, out: Path, progress: Any) -> None:
        if config.gc_percent == 100:
            out.mkdir()
            interruption = KeyboardInterrupt()
            interruption.add_note(f"the partial result is in {out}")
            raise interruption
        simulate(config, out, progress)

    monkeypatch.setattr(module, "simulate", interrupt)
    todo, folder = points(tiny, design("grid", ["GOGC=50,100"]), 1), tmp_path / "s"
    with pytest.raises(KeyboardInterrupt) as end:
        sweep(todo, folder, processes(1))
    assert not getattr(end.value, "__notes__", ())
    assert runs_in(folder) == [todo[0].name]
    assert len(pd.read_parquet(folder / "summary.parquet")) == 1
    assert not list(folder.glob(".*.partial"))


def test_what_killed_processes_left_is_cleared_away(tiny: Path, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f".GOGC=50.{ended.pid}@{platform.node()}.partial"
    left.mkdir()
    sweep([], tmp_path, processes())
    assert not left.exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(tiny: Path) -> None:
    with pytest.raises(UserError, match="cannot keep runs there"):
        sweep([], tiny / "sweep", processes())


KILLER = """
import os, signal
from pathlib import Path

armed = Path(__file__).with_name("armed")
if armed.exists() and os.getpid() != int(armed.read_text()):
    armed.unlink(missing_ok=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_worker_that_is_killed_loses_nothing(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "killer.py").write_text(KILLER, encoding="utf-8")
    todo = points(tiny, design("grid", ["GOGC=50,100,200"]), 1, [f"plugins=[{tmp_path}/killer.py]"])
    (tmp_path / "armed").write_text(str(os.getpid()), encoding="utf-8")
    assert sweep(todo, tmp_path / "sweep-a", processes(2)) == []
    assert not (tmp_path / "armed").exists()
    assert all(is_sealed(tmp_path / "sweep-a" / point.name) for point in todo)


def test_runs_of_a_sweep_open_with_their_settings_as_columns(tiny: Path, tmp_path: Path) -> None:
    todo: list[Point] = points(tiny, design("grid", ["GOGC=50,100", "GOMEMLIMIT=off,1GiB"]), 1)
    sweep(todo, tmp_path / "sweep-a", processes(1))
    runs = sim.load(f"{tmp_path}/sweep-*")
    assert isinstance(runs, Results)
    figures = runs.summary()
    assert figures.columns[:3].tolist() == ["GOGC", "GOMEMLIMIT", "seed"]
    assert sorted(zip(figures["GOGC"], figures["GOMEMLIMIT"], strict=True)) == [
        (50, "1GiB"),
        (50, "off"),
        (100, "1GiB"),
        (100, "off"),
    ]
    samples = runs.table("samples")
    assert samples.groupby(["GOGC", "GOMEMLIMIT", "seed"]).ngroups == 4
    assert samples.attrs["units"]["/gc/heap/goal:bytes"] == "bytes"
    with pytest.raises(UserError, match=r"no table 'cycle'.*did you mean 'cycles'"):
        runs.table("cycle")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_workers_end_with_the_process_that_wanted_their_points(tiny: Path, tmp_path: Path) -> None:
    """As when the system is out of memory and kills the largest process of a sweep."""
    command = [
        sys.executable,
        "-m",
        "sim",
        "compare",
        str(tiny),
        "--gogc",
        "50,100",
        "--seeds",
        "8",
        "--set",
        "duration=1h",
        "--jobs",
        "2",
        "--out",
        str(tmp_path / "sweep-a"),
    ]
    run = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.DEVNULL)
    found: list[psutil.Process] = []
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("sweep-a/.*.partial"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    found = psutil.Process(run.pid).children(recursive=True)
    run.kill()
    run.wait()
    _, alive = psutil.wait_procs(found, timeout=60)
    for process in alive:
        process.kill()
    assert len(found) >= 2
    assert not alive


def test_workers_that_stay_find_the_folder_after_a_change_of_directory(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        todo = points(tiny, design("grid", ["GOGC=50,100"]), 1)
        assert sweep(todo, Path("results"), processes(2)) == []
        assert all(stored(point, tmp_path / name / "results") for point in todo)


def test_runs_that_differ_in_what_their_sweep_does_not_vary_are_told_of(tmp_path: Path) -> None:
    """A config that changes between two commands over other values of the same key."""
    config = tmp_path / "tiny.yaml"
    for gogc, duration in (("50", "20ms"), ("100", "20ms"), ("200", "30ms")):
        config.write_text(f"workload: hbsteady\nduration: {duration}\n", encoding="utf-8")
        todo = points(config, [{"GOGC": gogc}], 2)
        assert not sweep(todo, tmp_path, processes(1))
    runs = [*load_all([tmp_path]).values()]
    assert not_varied(runs) == ["duration"]
    assert not_varied([run for run in runs if run.settings["GOGC"] != "200"]) == []
