"""A sweep on many workers gives what one process gives, and loses nothing when a worker dies."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from sim.cli import main
from sim.errors import UserError
from sim.experiment import cluster as module
from sim.experiment.cluster import cluster
from sim.experiment.design import design
from sim.experiment.grid import points
from sim.experiment.processes import processes
from sim.experiment.sweep import stored, sweep
from sim.experiment.worker import prepare
from sim.record.places import place

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(600)


def started(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a scheduler with three processes that work."""
    folder = tmp_path_factory.mktemp("dask")
    file = folder / "scheduler.json"
    given = ["--scheduler-file", str(file)]
    found = ["--nworkers", "3", "--nthreads", "1", "--local-directory", str(folder)]
    programs = [
        started("scheduler", *given, "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
        started("worker", *given, *found, "--no-dashboard"),
    ]
    try:
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield json.loads(file.read_text(encoding="utf-8"))["address"]
    finally:
        for program in reversed(programs):
            program.terminate()
            program.wait()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def working(folder: Path) -> list[int]:
    """Processes that have a run half done."""
    names = [path.name for path in folder.iterdir() if path.name.endswith(".partial")]
    return [int(re.findall(r"\.(\d+)@", name)[0]) for name in names]


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_loses_nothing(
    scheduler: str, tiny: Path, tmp_path: Path
) -> None:
    todo = points(tiny, design("grid", ["GOGC=50,100,200"]), 2)
    folder, killed, fractions = tmp_path / "many", list[int](), list[float]()

    def kill_one(fraction: float) -> None:
        fractions.append(fraction)
        if not killed and fraction > 0 and (found := working(folder)):
            os.kill(found[0], signal.SIGKILL)
            killed.append(found[0])

    assert sweep(todo, folder, cluster(scheduler), kill_one) == []
    assert killed
    assert fractions == pytest.approx([n / 6 for n in range(7)])
    prepare(folder)  # as the next sweep would
    assert all(stored(point, folder) for point in todo)
    assert sweep(todo, tmp_path / "one", processes(1)) == []
    assert contents(folder) == contents(tmp_path / "one")


@pytest.mark.slow
def test_the_command_takes_a_scheduler_and_a_url(
    scheduler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "compare", f"{ROOT}/configs/hbsteady.yaml", "--gogc", "50,100", "--seeds", "1",
        "--set", "duration=20ms", "--out", f"local://{tmp_path}/sweep-a", "--scheduler", scheduler,
    ]  # fmt: skip
    for _ in range(2):
        with pytest.raises(SystemExit) as end:
            main(arguments)
        assert not end.value.code, capsys.readouterr().err
        assert "| GOGC" in capsys.readouterr().out
    assert len(list((tmp_path / "sweep-a").rglob("run.parquet"))) == 2


@pytest.mark.slow
def test_a_point_that_kills_its_workers_is_reported_and_the_others_are_kept(
    scheduler: str, tiny: Path, tmp_path: Path
) -> None:
    suicide = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    (tmp_path / "killer.py").write_text(suicide, encoding="utf-8")
    good = points(tiny, design("grid", ["GOGC=50,100"]), 1)
    bad = [
        replace(point, seed=9, config={**point.config, "plugins": [f"{tmp_path}/killer.py"]})
        for point in good[:1]
    ]
    ((point, reason),) = sweep([*bad, *good], tmp_path / "s", cluster(scheduler))
    assert point == bad[0]
    assert "its process died" in reason
    assert all(stored(point, tmp_path / "s") for point in good)


@pytest.mark.slow
def test_a_lost_connection_is_made_again(scheduler: str, tiny: Path, tmp_path: Path) -> None:
    """A busy machine may drop it while points are simulated; none of them is lost."""
    from distributed import Client

    todo = points(tiny, design("grid", ["GOGC=50,75,100,150"]), 1)
    lost = []

    def lose_it_once(_: float) -> None:
        running = [client for client in Client._instances if client.status == "running"]
        if running and not lost:
            (client,) = running
            lost.append(client.scheduler_comm.comm)
            client.loop.add_callback(lost[0].abort)
            time.sleep(1)

    assert sweep(todo, tmp_path / "s", cluster(scheduler), lose_it_once) == []
    assert lost
    assert all(stored(point, tmp_path / "s") for point in todo)


@pytest.mark.slow
def test_runs_that_stay_on_the_workers_own_disks_are_missed(scheduler: str, tiny: Path) -> None:
    todo = points(tiny, design("grid", ["GOGC=50"]), 1)
    ((_, reason),) = sweep(todo, place("memory://apart"), cluster(scheduler))
    assert "--out must be where all workers write" in reason


@pytest.mark.slow
def test_workers_of_another_version_are_a_sentence(
    scheduler: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = os.getpid()

    def newer_here(package: str) -> str:
        return "9.9" if os.getpid() == here and package == "gomemsim" else version(package)

    todo = points(tiny, design("grid", ["GOGC=50"]), 1)
    assert "not 9.9" in module._task(todo[0], tmp_path, "9.9")
    monkeypatch.setattr(module, "version", newer_here)
    with pytest.raises(UserError, match=r"has gomemsim [\d.]+, not 9\.9"):
        sweep(todo, tmp_path / "s", cluster(scheduler))


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("tcp://127.0.0.1:{free}", "Connection refused"),
        ("127.0.0.1", "missing port number"),
        ("ftp://127.0.0.1:1", "unknown address scheme"),
    ],
)
def test_a_dead_address_is_one_sentence_at_once(
    address: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    arguments = [
        "compare", f"{ROOT}/configs/hbsteady.yaml", "--seeds", "1", "--out", str(tmp_path / "s"),
        "--scheduler", address.format(free=free),
    ]  # fmt: skip
    with pytest.raises(SystemExit) as end:
        main(arguments)
    err = capsys.readouterr().err
    assert end.value.code == 2
    assert sentence in err
    assert len(err.splitlines()) == 1
