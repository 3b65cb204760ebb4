"""A sweep on many workers gives what one process gives, and loses nothing when a worker dies."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import sim
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
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == pytest.approx(1)
    prepare(folder)  # as the next sweep would
    assert all(stored(point, folder) for point in todo)
    assert sweep(todo, tmp_path / "one", processes(1)) == []
    assert contents(folder) == contents(tmp_path / "one")


@pytest.mark.slow
def test_the_command_takes_a_scheduler_and_a_url(
    scheduler: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "compare",
        f"{ROOT}/configs/hbsteady.yaml",
        "--gogc",
        "50,100",
        "--seeds",
        "1",
        "--set",
        "duration=20ms",
        "--out",
        f"local://{tmp_path}/sweep-a",
        "--scheduler",
        scheduler,
    ]
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
    monkeypatch.setattr(module, "simulator", Elsewhere())
    todo = points(tiny, design("grid", ["GOGC=50"]), 1)
    with pytest.raises(UserError, match=r"has another gomemsim.*install the same wheel"):
        sweep(todo, tmp_path / "s", cluster(scheduler))


class Elsewhere:
    """Tells one hash here, another one where it is sent."""

    def __call__(self) -> str:
        return "here"

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return Told, ("there",)


class Told(str):
    """A text that can be called."""

    __slots__ = ()

    def __call__(self) -> str:
        return str(self)


class Cluster:
    """A scheduler at a port of its own, with workers; both can be killed and begun anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.programs: list[subprocess.Popen[bytes]] = []

    def begin(self) -> None:
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        self.programs = [started("scheduler", *address, "--no-dashboard")]
        deadline = time.monotonic() + 60
        while not _answers(self.port) and time.monotonic() < deadline:
            time.sleep(0.1)
        few = ["--nworkers", "2", "--nthreads", "1", "--local-directory", str(self.folder)]
        self.programs.append(started("worker", self.address, *few, "--no-dashboard"))

    def kill(self) -> None:
        for program in self.programs:
            program.kill()
            program.wait()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that a test may kill."""
    found = Cluster(tmp_path / "dask")
    found.begin()
    try:
        yield found
    finally:
        found.kill()


@pytest.mark.slow
def test_a_scheduler_that_is_killed_and_replaced_loses_nothing(
    mortal: Cluster, tiny: Path, tmp_path: Path
) -> None:
    todo, killed = points(tiny, design("grid", ["GOGC=50,75,100,150"]), 1), []

    def kill_once(fraction: float) -> None:
        if fraction > 0 and not killed:
            killed.append(fraction)
            mortal.kill()
            threading.Timer(5, mortal.begin).start()

    assert sweep(todo, tmp_path / "s", cluster(mortal.address), kill_once) == []
    assert killed
    assert all(stored(point, tmp_path / "s") for point in todo)


@pytest.mark.slow
def test_a_scheduler_that_does_not_come_back_is_a_sentence(
    mortal: Cluster, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 3)
    todo = points(tiny, design("grid", ["GOGC=50,75,100,150"]), 1)

    def kept() -> bool:
        return any(stored(point, tmp_path / "s") for point in todo)

    with pytest.raises(UserError, match="did not come back in 3 s; what was done is kept"):
        sweep(todo, tmp_path / "s", cluster(mortal.address), lambda _: kept() and mortal.kill())
    assert kept()


class Wire:
    """A connection to a port that can be cut: nothing gets through, and nothing is connected."""

    def __init__(self, port: int) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.server.getsockname()[1]}"
        self.whole, self.ends = threading.Event(), list[socket.socket]()
        self.whole.set()
        threading.Thread(target=self._accept, args=(port,), daemon=True).start()

    def cut(self, seconds: float) -> None:
        self.whole.clear()
        for end in self.ends:
            end.close()
        threading.Timer(seconds, self.whole.set).start()

    def _accept(self, port: int) -> None:
        while True:
            here, _ = self.server.accept()
            if not self.whole.is_set():
                here.close()
                continue
            there = socket.create_connection(("127.0.0.1", port))
            self.ends += [here, there]
            for source, target in ((here, there), (there, here)):
                threading.Thread(target=_pump, args=(source, target), daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.mark.slow
def test_a_network_that_is_cut_for_half_a_minute_loses_nothing(
    mortal: Cluster, tiny: Path, tmp_path: Path
) -> None:
    wire, cuts = Wire(mortal.port), list[float]()
    todo = points(tiny, design("grid", ["GOGC=50,75,100,150"]), 1)

    def cut_once(fraction: float) -> None:
        if fraction > 0 and not cuts:
            cuts.append(time.monotonic())
            wire.cut(30)

    assert sweep(todo, tmp_path / "s", cluster(wire.address), cut_once) == []
    assert time.monotonic() - cuts[0] >= 29
    assert all(stored(point, tmp_path / "s") for point in todo)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a bucket in an object store on this machine, which speaks S3."""
    import s3fs
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for key, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(key, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("runs")
    try:
        yield "s3://runs"
    finally:
        server.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of the object store's own libraries
def test_workers_store_their_points_in_an_object_store(
    bucket: str, tiny: Path, tmp_path: Path
) -> None:
    """As on several machines: what they share is the store alone."""
    workers = Cluster(tmp_path / "dask")
    workers.begin()  # after the environment says where the store is
    try:
        todo = points(tiny, design("grid", ["GOGC=50,100"]), 2)
        folder, killed = place(f"{bucket}/sweep"), list[float]()

        def kill_once(fraction: float) -> None:
            if fraction > 0 and not killed:
                killed.append(fraction)
                workers.kill()
                workers.begin()

        assert sweep(todo, folder, cluster(workers.address), kill_once) == []
        assert killed
        assert all(stored(point, folder) for point in todo)
        assert sweep(todo, tmp_path / "one", processes(1)) == []
        for point in todo:
            for file in (tmp_path / "one" / point.name).iterdir():
                assert (folder / point.name / file.name).read_bytes() == file.read_bytes()
        assert len(sim.load(f"{bucket}/sweep")) == len(todo)
    finally:
        workers.kill()


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
        "compare",
        f"{ROOT}/configs/hbsteady.yaml",
        "--seeds",
        "1",
        "--out",
        str(tmp_path / "s"),
        "--scheduler",
        address.format(free=free),
    ]
    with pytest.raises(SystemExit) as end:
        main(arguments)
    err = capsys.readouterr().err
    assert end.value.code == 2
    assert sentence in err
    assert len([line for line in err.splitlines() if "of CPU time" not in line]) == 1
