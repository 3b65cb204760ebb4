"""Faults at random moments, and what is left after them: `make faults`, or

    python benchmarks/reliability.py --points 500

Every point is a command that something befalls: it is killed, asked to end, meets a full disk or a
folder it may not write to, its clock jumps, or another command wants the same folder. Afterwards
what was there before must be there, or the whole of what was asked for; never anything else. The
same command, undisturbed, must then give the same bytes as if nothing had happened.

Commands are forked from this process, which has loaded everything: 500 points take minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

import sim.report.page
import sim.simulation  # noqa: F401
from sim.cli import main as gomemsim
from sim.experiment import processes, sweep, table  # noqa: F401
from sim.record.facts import TABLES
from sim.results.load import load_run

ROOT: Final = Path(__file__).parents[1]
CONFIG: Final = """
workload:
  name: tiny
  mixes: {small: [{size: 64B, share: 1, pointers: 2}]}
  stores: {s: {size: 1MiB, of: small}}
  goroutines: {h: {steps: [{work: {cpu: 100us, allocate: 64KiB, of: small, into: s}}]}}
  load: {api: {goroutine: h, arrivals: {poisson: 1000/s}}}
GOMAXPROCS: 2
duration: 60ms
"""
NOBODY: Final = 65534

Child = Callable[[], None]
Failures = list[str]


def command(*words: object, before: Child = lambda: None) -> int:
    """Fork a process that runs a command, its words in a file; returns its number."""
    process = os.fork()
    if process:
        return process
    signal.signal(signal.SIGINT, signal.default_int_handler)
    log = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 99
    try:
        before()
        gomemsim([str(word) for word in words])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


def ended(process: int) -> int:
    """The exit code; minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def asked(question: Callable[[], str]) -> str:
    """The answer of a forked process: reading tables starts threads, which forks do not survive."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        try:
            answer = question()
        except BaseException as error:  # noqa: BLE001  the answer is what happened
            answer = f"{type(error).__name__}: {error}"
        os.write(writing, answer.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        answer = file.read().decode()
    ended(process)
    return answer


def tables(folder: Path) -> str:
    """A hash of all rows of a stored run."""

    def read() -> str:
        run = load_run(folder)
        digest = hashlib.sha256()
        for name in sorted(TABLES.keys() - {"run"}):
            digest.update(getattr(run, name).to_csv().encode())
        return f"{run.run['seed']} {run.run['status']} {digest.hexdigest()[:16]}"

    return asked(read)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Bench:
    """Commands, what they give undisturbed, and how long they take."""

    def __init__(self) -> None:
        Path("tiny.yaml").write_text(CONFIG, encoding="utf-8")
        self.run = lambda seed, folder: ("run", "tiny.yaml", "-q", "--seed", seed, "--out", folder)
        self.compare = (
            "compare",
            "tiny.yaml",
            "-q",
            "--gogc",
            "50,200",
            "--seeds",
            2,
            "--jobs",
            1,
            "--out",
        )
        begin = time.monotonic()
        for seed in (1, 2):
            assert ended(command(*self.run(seed, f"ref{seed}"))) == 0, Path("said.txt").read_text()
        self.run_takes = (time.monotonic() - begin) / 2
        self.whole = [tables(Path(f"ref{seed}")) for seed in (1, 2)]
        begin = time.monotonic()
        assert ended(command(*self.compare, "refs")) == 0, Path("said.txt").read_text()
        self.compare_takes = time.monotonic() - begin
        self.sweep = contents(Path("refs"))

    def check_run(self, fault: str, old: str) -> Failures:
        """The folder `a` holds what was there or what was asked for; then, what is asked."""
        found = tables(Path("a"))
        failures = [] if found in {old, self.whole[1]} else [f"{fault}: the run is {found}"]
        failures += self.check_said(fault)
        code = ended(command(*self.run(2, "a")))
        if code or contents(Path("a")) != contents(Path("ref2")):
            failures.append(f"{fault}: afterwards: {code}, {sorted(contents(Path('a')))}")
        return failures

    def check_sweep(self, fault: str) -> Failures:
        """The same command goes on, and the folder is as if nothing had happened."""
        failures = self.check_said(fault)
        code = ended(command(*self.compare, "s"))
        if code or contents(Path("s")) != self.sweep:
            failures.append(f"{fault}: afterwards: {code}, {Path('said.txt').read_text()[-300:]}")
        return failures

    @staticmethod
    def check_said(fault: str) -> Failures:
        """Nobody met a traceback."""
        said = Path("said.txt").read_text(encoding="utf-8", errors="replace")
        return [f"{fault}: {said[-500:]}"] if "Traceback" in said else []


Point = Callable[[Bench, np.random.Generator], Failures]


def killed(number: signal.Signals) -> Point:
    """A run over another one is ended by a signal at some moment."""

    def point(bench: Bench, rng: np.random.Generator) -> Failures:
        process = command(*bench.run(2, "a"))
        time.sleep(float(rng.uniform(0, 1.1 * bench.run_takes)))
        os.kill(process, number)
        code = ended(process)
        fault = f"run, {number.name}"
        failures = bench.check_run(fault, bench.whole[0])
        if code not in (0, -number, 128 + number):
            failures.append(f"{fault}: exit code {code}")
        return failures

    return point


def sweep_killed(number: signal.Signals) -> Point:
    """A sweep is ended by a signal at some moment."""

    def point(bench: Bench, rng: np.random.Generator) -> Failures:
        process = command(*bench.compare, "s")
        time.sleep(float(rng.uniform(0, 1.1 * bench.compare_takes)))
        os.kill(process, number)
        ended(process)
        return bench.check_sweep(f"compare, {number.name}")

    return point


def _small_files(rng: np.random.Generator) -> Child:
    size = int(2 ** rng.uniform(6, 16))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def run_on_a_full_disk(bench: Bench, rng: np.random.Generator) -> Failures:
    """No file may be longer than some size."""
    ended(command(*bench.run(2, "a"), before=_small_files(rng)))
    return bench.check_run("run, full disk", bench.whole[0])


def sweep_on_a_full_disk(bench: Bench, rng: np.random.Generator) -> Failures:
    """The same for a sweep."""
    ended(command(*bench.compare, "s", before=_small_files(rng)))
    return bench.check_sweep("compare, full disk")


def file_on_a_full_disk(bench: Bench, rng: np.random.Generator) -> Failures:
    """A report or an export over another file."""
    word = str(rng.choice(["report", "benchfmt", "schema"]))
    Path("out.file").write_text("former")
    words = {
        "report": ("report", "ref1", "-o", "out.file"),
        "benchfmt": ("export", "ref1", "benchfmt", "-o", "out.file"),
        "schema": ("schema", "config", "-o", "out.file"),
    }[word]
    code = ended(command(*words, before=_small_files(rng)))
    kept = Path("out.file").read_text() == "former"
    failures = bench.check_said(f"{word}, full disk")
    if (code == 0) == kept or any(path.name.endswith(".partial") for path in Path().iterdir()):
        failures.append(f"{word}, full disk: exit code {code}, the former file is there: {kept}")
    return failures


def without_rights(bench: Bench, rng: np.random.Generator) -> Failures:
    """The folder belongs to somebody else."""
    del rng
    Path("a").chmod(0o555)

    def become_nobody() -> None:
        if os.geteuid():
            return
        # All modules are loaded by then: Python itself may be where nobody else may read.
        with contextlib.suppress(SystemExit):
            gomemsim([str(word) for word in bench.run(1, "warm")])
        os.seteuid(NOBODY)

    code = ended(command(*bench.run(2, "a"), before=become_nobody))
    Path("a").chmod(0o755)
    failures = [] if code == 2 else [f"no rights: exit code {code}"]
    return failures + bench.check_run("run, no rights", bench.whole[0])


def clock_jumps(bench: Bench, rng: np.random.Generator) -> Failures:
    """The time of day goes back and forth by days while a run goes on."""

    def jump() -> None:
        now = time.time
        time.time = lambda: now() + float(rng.uniform(-1e6, 1e6))
        time.time_ns = lambda: int(time.time() * 1e9)

    code = ended(command(*bench.run(2, "a"), before=jump))
    failures = [] if code == 0 and tables(Path("a")) == bench.whole[1] else [f"clock: {code}"]
    return failures + bench.check_run("run, clock jumps", bench.whole[0])


def two_at_once(bench: Bench, rng: np.random.Generator) -> Failures:
    """Two runs want one folder."""
    first = command(*bench.run(2, "a"))
    time.sleep(float(rng.uniform(0, bench.run_takes / 2)))
    codes = [ended(command(*bench.run(2, "a"))), ended(first)]
    failures = [] if set(codes) <= {0, 2} and 0 in codes else [f"two at once: {codes}"]
    return failures + bench.check_run("two at once", bench.whole[1])


def sweeps_at_once(bench: Bench, rng: np.random.Generator) -> Failures:
    """Two sweeps share one folder."""
    first = command(*bench.compare, "s")
    time.sleep(float(rng.uniform(0, bench.compare_takes / 2)))
    codes = [ended(command(*bench.compare, "s")), ended(first)]
    failures = [] if codes == [0, 0] else [f"two sweeps at once: {codes}"]
    return failures + bench.check_sweep("two sweeps at once")


class Cluster:
    """A Dask scheduler and two workers on this machine."""

    def __init__(self) -> None:
        file = Path("scheduler.json").absolute()
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        shared = ["--scheduler-file", str(file)]
        few = ["--nworkers", "2", "--nthreads", "1", "--local-directory", str(Path.cwd() / "dask")]
        listen = ["--host", "127.0.0.1", "--port", "0"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": env}
        dask = [sys.executable, "-m", "dask"]
        self.programs = [
            subprocess.Popen([*dask, "scheduler", *shared, *listen, "--no-dashboard"], **quiet),  # type: ignore[call-overload]
            subprocess.Popen([*dask, "worker", *shared, *few, "--no-dashboard"], **quiet),  # type: ignore[call-overload]
        ]
        while not file.exists():
            time.sleep(0.1)
        self.address = json.loads(file.read_text())["address"]

    def point(self, bench: Bench, rng: np.random.Generator) -> Failures:
        """A worker or the command itself is killed in the middle of a sweep on the cluster."""
        words = [*bench.compare, "s", "--scheduler", self.address]
        words = [word for word in words if word not in ("--jobs", 1)]
        with Path("said.txt").open("wb") as said:
            program = subprocess.Popen(
                [sys.executable, "-m", "sim", *map(str, words)],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        victims: list[int] = []
        while program.poll() is None and not victims:
            names = [path.name for path in Path().glob("s/.*.partial")]
            victims = [int(name.rpartition("@")[0].rpartition(".")[2]) for name in names]
            time.sleep(0.05)
        victim = program.pid if rng.random() < 0.5 or not victims else victims[0]
        time.sleep(float(rng.uniform(0, bench.run_takes)))
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        code = program.wait()
        time.sleep(2 * bench.run_takes)  # points that were begun end
        failures = [] if code in (0, -signal.SIGKILL) else [f"cluster: exit code {code}"]
        return failures + bench.check_sweep("compare on a cluster, SIGKILL")

    def end(self) -> None:
        """Stop scheduler and workers."""
        for program in reversed(self.programs):
            program.terminate()
            program.wait()


CLASSES: Final[dict[str, tuple[int, Point]]] = {
    "run over another, SIGKILL": (6, killed(signal.SIGKILL)),
    "run over another, SIGTERM": (3, killed(signal.SIGTERM)),
    "run over another, SIGINT": (3, killed(signal.SIGINT)),
    "run over another, disk full": (4, run_on_a_full_disk),
    "run over another, no rights": (1, without_rights),
    "run over another, clock jumps": (1, clock_jumps),
    "two runs into one folder": (2, two_at_once),
    "report, export, schema over a file, disk full": (2, file_on_a_full_disk),
    "sweep, SIGKILL, resumed": (4, sweep_killed(signal.SIGKILL)),
    "sweep, SIGTERM or SIGINT, resumed": (2, sweep_killed(signal.SIGTERM)),
    "sweep, disk full, resumed": (2, sweep_on_a_full_disk),
    "two sweeps into one folder": (1, sweeps_at_once),
}
"""By name: the share of the points, and what happens at one."""
ON_A_CLUSTER: Final = "sweep on a cluster, worker or command killed, resumed"
EVERY_CLUSTER_POINT: Final = 50
"""One point in so many is on a cluster: they take the longest."""


def drawn(points: int, rng: np.random.Generator) -> Iterator[str]:
    """The classes of so many points."""
    shares = np.array([share for share, _ in CLASSES.values()], dtype=float)
    yield from rng.choice(list(CLASSES), size=points, p=shares / shares.sum())


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table of classes, points and failures; the number of failures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    rng = np.random.Generator(np.random.PCG64(given.seed))
    scratch = Path(tempfile.mkdtemp(prefix="gomemsim-faults-"))
    scratch.chmod(0o755)
    os.chdir(scratch)
    counts: dict[str, list[int]] = {name: [0, 0] for name in (*CLASSES, ON_A_CLUSTER)}
    cluster = Cluster() if given.points >= EVERY_CLUSTER_POINT else None
    try:
        bench = Bench()
        for number, name in enumerate(drawn(given.points, rng), start=1):
            on_cluster = cluster is not None and number % EVERY_CLUSTER_POINT == 0
            chosen = ON_A_CLUSTER if on_cluster else str(name)
            act = cluster.point if cluster and on_cluster else CLASSES[chosen][1]
            for folder in ("a", "s", "warm"):
                shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree("ref1", "a")
            failures = act(bench, rng)
            for failure in failures:
                print(f"{number}: {failure}", file=sys.stderr, flush=True)
            counts[chosen][0] += 1
            counts[chosen][1] += bool(failures)
    except KeyboardInterrupt:
        print("interrupted: the table is of what was done", file=sys.stderr)
    finally:
        if cluster is not None:
            cluster.end()
        os.chdir(ROOT)
        shutil.rmtree(scratch, ignore_errors=True)
    print("| class | points | failures |\n|---|--:|--:|")
    for name, (points, failed) in counts.items():
        print(f"| {name} | {points} | {failed} |")
    print(f"| all | {sum(p for p, _ in counts.values())} | {sum(f for _, f in counts.values())} |")
    return sum(failed for _, failed in counts.values())


if __name__ == "__main__":
    sys.exit(main())
