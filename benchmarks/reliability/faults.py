"""Kills, full disks, missing rights, jumping clocks: nothing is lost.

Afterwards what was there before must be there, or the whole of what was asked for; never anything
else. The same command, undisturbed, must then give the same bytes as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.reliability.forked import Child, asked, ended, said, start
from sim.cli import main as gomemsim
from sim.record.facts import TABLES
from sim.results.load import load_run

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

Failures = list[str]


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

    def __init__(self, long_run: int = 20) -> None:
        self.long_run = long_run
        """Simulated seconds of a long run."""
        Path("tiny.yaml").write_text(CONFIG, encoding="utf-8")
        self.run = lambda seed, folder: ("run", "tiny.yaml", "-q", "--seed", seed, "--out", folder)
        sweep = "compare tiny.yaml -q --gogc 50,200 --seeds 2 --jobs 1 --out"
        self.compare = tuple(sweep.split())
        begin = time.monotonic()
        for seed in (1, 2):
            assert ended(start(self.run(seed, f"ref{seed}"))) == 0, said()[1]
        self.run_takes = (time.monotonic() - begin) / 2
        self.whole = [tables(Path(f"ref{seed}")) for seed in (1, 2)]
        begin = time.monotonic()
        assert ended(start((*self.compare, "refs"))) == 0, said()[1]
        self.compare_takes = time.monotonic() - begin
        self.sweep = contents(Path("refs"))

    def check_run(self, fault: str, old: str) -> Failures:
        """The folder `a` holds what was there or what was asked for; then, what is asked."""
        found = tables(Path("a"))
        failures = [] if found in {old, self.whole[1]} else [f"{fault}: the run is {found}"]
        failures += self.check_said(fault)
        code = ended(start(self.run(2, "a")))
        if code or contents(Path("a")) != contents(Path("ref2")):
            failures.append(f"{fault}: afterwards: {code}, {sorted(contents(Path('a')))}")
        return failures

    def check_sweep(self, fault: str) -> Failures:
        """The same command goes on, and the folder is as if nothing had happened."""
        failures = self.check_said(fault)
        code = ended(start((*self.compare, "s")))
        if code or contents(Path("s")) != self.sweep:
            failures.append(f"{fault}: afterwards: {code}, {said()[1][-300:]}")
        return failures

    @staticmethod
    def check_said(fault: str) -> Failures:
        """Nobody met a traceback."""
        out, err = said()
        return [f"{fault}: {(out + err)[-500:]}"] if "Traceback" in out + err else []


Point = Callable[[Bench, np.random.Generator], Failures]


def killed(number: signal.Signals) -> Point:
    """A run over another one is ended by a signal at some moment."""

    def point(bench: Bench, rng: np.random.Generator) -> Failures:
        process = start(bench.run(2, "a"))
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
        process = start((*bench.compare, "s"))
        time.sleep(float(rng.uniform(0, 1.1 * bench.compare_takes)))
        os.kill(process, number)
        code = ended(process)
        wrong = [] if code in (0, -number, 128 + number) else [f"compare: exit code {code}"]
        return wrong + bench.check_sweep(f"compare, {number.name}")

    return point


def _small_files(rng: np.random.Generator) -> Child:
    size = int(2 ** rng.uniform(6, 16))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def run_on_a_full_disk(bench: Bench, rng: np.random.Generator) -> Failures:
    """No file may be longer than some size."""
    ended(start(bench.run(2, "a"), before=_small_files(rng)))
    return bench.check_run("run, full disk", bench.whole[0])


def sweep_on_a_full_disk(bench: Bench, rng: np.random.Generator) -> Failures:
    """The same for a sweep."""
    ended(start((*bench.compare, "s"), before=_small_files(rng)))
    return bench.check_sweep("compare, full disk")


def file_on_a_full_disk(bench: Bench, rng: np.random.Generator) -> Failures:
    """A report or an export over another file."""
    word = str(rng.choice(["report", "benchfmt", "schema"]))
    Path("out.file").write_text("former", encoding="utf-8")
    words = {
        "report": ("report", "ref1", "-o", "out.file"),
        "benchfmt": ("export", "ref1", "benchfmt", "-o", "out.file"),
        "schema": ("schema", "config", "-o", "out.file"),
    }[word]
    code = ended(start(words, before=_small_files(rng)))
    kept = Path("out.file").read_text(encoding="utf-8") == "former"
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

    code = ended(start(bench.run(2, "a"), before=become_nobody))
    Path("a").chmod(0o755)
    failures = [] if code == 2 else [f"no rights: exit code {code}"]
    return failures + bench.check_run("run, no rights", bench.whole[0])


def clock_jumps(bench: Bench, rng: np.random.Generator) -> Failures:
    """The time of day goes back and forth by days while a run goes on."""

    def jump() -> None:
        now = time.time
        time.time = lambda: now() + float(rng.uniform(-1e6, 1e6))
        time.time_ns = lambda: int(time.time() * 1e9)

    code = ended(start(bench.run(2, "a"), before=jump))
    failures = [] if code == 0 and tables(Path("a")) == bench.whole[1] else [f"clock: {code}"]
    return failures + bench.check_run("run, clock jumps", bench.whole[0])


def two_at_once(bench: Bench, rng: np.random.Generator) -> Failures:
    """Two runs want one folder."""
    first = start(bench.run(2, "a"))
    time.sleep(float(rng.uniform(0, bench.run_takes / 2)))
    codes = [ended(start(bench.run(2, "a"))), ended(first)]
    failures = [] if set(codes) <= {0, 2} and 0 in codes else [f"two at once: {codes}"]
    return failures + bench.check_run("two at once", bench.whole[1])


def sweeps_at_once(bench: Bench, rng: np.random.Generator) -> Failures:
    """Two sweeps share one folder."""
    first = start((*bench.compare, "s"))
    time.sleep(float(rng.uniform(0, bench.compare_takes / 2)))
    codes = [ended(start((*bench.compare, "s"))), ended(first)]
    failures = [] if codes == [0, 0] else [f"two sweeps at once: {codes}"]
    return failures + bench.check_sweep("two sweeps at once")


CLASSES: Final[Mapping[str, tuple[int, Point]]] = {
    "run over another, SIGKILL": (24, killed(signal.SIGKILL)),
    "run over another, SIGTERM": (12, killed(signal.SIGTERM)),
    "run over another, SIGINT": (12, killed(signal.SIGINT)),
    "run over another, disk full": (16, run_on_a_full_disk),
    "run over another, no rights": (4, without_rights),
    "run over another, clock jumps": (4, clock_jumps),
    "two runs into one folder": (8, two_at_once),
    "report, export, schema over a file, disk full": (8, file_on_a_full_disk),
    "sweep, SIGKILL, resumed": (16, sweep_killed(signal.SIGKILL)),
    "sweep, SIGTERM, resumed": (4, sweep_killed(signal.SIGTERM)),
    "sweep, SIGINT, resumed": (4, sweep_killed(signal.SIGINT)),
    "sweep, disk full, resumed": (8, sweep_on_a_full_disk),
    "two sweeps into one folder": (4, sweeps_at_once),
}
"""By name: the share of the points, and what happens at one."""
