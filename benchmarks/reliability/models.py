"""Programs at the edge: books, the same bytes anywhere, flat memory, a second of loss."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from benchmarks.reliability.faults import CONFIG, Bench, Failures, Point, contents
from benchmarks.reliability.forked import asked
from sim.config import load
from sim.results.load import load_run
from sim.simulation import STEPS, simulate
from sim.units import SECOND
from tests.simulation.test_books import HARD, TINY, check, simulated

ROOT: Final = Path(__file__).parents[2]
ANYWHERE: Final = {
    "PYTHONHASHSEED": ("0", "1", "77"),
    "OMP_NUM_THREADS": ("1", "3"),
    "LC_ALL": ("C", "C.UTF-8"),
    "TZ": ("UTC", "Asia/Tokyo"),
}
LOSS: Final = 1.0
"""Seconds of wall time that a kill may cost."""
GROWTH: Final = 8 << 20
"""Bytes by which the resident memory of a long run may differ from that at its middle: a block of
rows of every table, and Arrow's pools."""


def extreme(bench: Bench, rng: np.random.Generator) -> Failures:
    """Three hard settings at the same time, in one of the modes; whether all adds up."""
    del bench
    chosen = [str(name) for name in rng.choice(list(HARD), size=3, replace=False)]
    sets = [setting for name in chosen for setting in HARD[name]]
    detail = str(rng.choice(["events", "fluid"]))

    def books() -> str:
        check(simulated(TINY, detail, *sets, "duration=50ms", f"seed={rng.integers(100)}"))
        return ""

    answer = asked(books)
    return [f"{detail}: {', '.join(chosen)}: {answer}"] if answer else []


def anywhere(bench: Bench, rng: np.random.Generator) -> Failures:
    """The same bytes under other hash seeds, threads, locales and time zones."""
    settings = {name: str(rng.choice(values)) for name, values in ANYWHERE.items()}
    words = [sys.executable, "-m", "sim", *map(str, bench.run(2, "made"))]
    env = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
    if done.returncode or contents(Path("made")) != contents(Path("ref2")):
        return [f"{settings}: exit code {done.returncode}: {done.stderr[-300:]}"]
    return []


def long_run(bench: Bench, rng: np.random.Generator) -> Failures:
    """Memory and open files at the end of a run are what they were at its middle."""
    _write_long(rng, bench.long_run)
    detail = str(rng.choice(["events", "fluid"]))

    def grown() -> str:
        me, seen = psutil.Process(), {}

        def look(share: float) -> None:
            seen[share >= 0.5, share >= 1] = (me.memory_info().rss, me.num_fds())

        config = load("long.yaml", [f"model.detail={detail}"])
        simulate(config, out=Path("made"), progress=look)
        (before, files), (after, others) = seen[False, False], seen[True, False]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        about = f"{detail}, {bench.long_run} s: {before >> 20} MiB at its middle, {after >> 20} MiB"
        print(f"{about} at its end, {peak} MiB at most, {others} open files", file=sys.stderr)
        if after - before > GROWTH or others != files:
            return f"from {before >> 20} to {after >> 20} MiB, {files} to {others} open files"
        return ""

    answer = asked(grown)
    return [f"long run: {answer}"] if answer else []


def loss(bench: Bench, rng: np.random.Generator) -> Failures:
    """A run is killed; what can be read of it reaches up to less than a second before."""
    duration = bench.long_run
    _write_long(rng, duration)
    process = os.fork()
    if not process:
        _write_down_progress(duration)
    time.sleep(float(rng.uniform(3, 6)))
    os.kill(process, signal.SIGKILL)
    killed = time.monotonic()
    os.waitpid(process, 0)
    reached = [
        line.split() for line in Path("progress.txt").read_text(encoding="utf-8").splitlines()
    ]
    due = max((float(at) for when, at in reached if float(when) < killed - LOSS), default=0.0)
    found = float(asked(lambda: str(load_run(Path("made")).end_ns / SECOND)))
    step = duration / STEPS  # simulated seconds between two lines of progress
    return (
        [f"killed: {found:.2f} s can be read, {due:.2f} s were due"] if found < due - step else []
    )


def _write_long(rng: np.random.Generator, duration: int) -> None:
    text = CONFIG.replace("60ms", f"{duration}s")
    Path("long.yaml").write_text(f"{text}seed: {rng.integers(1000)}\n", encoding="utf-8")


def _write_down_progress(duration: int) -> None:
    """Simulate, and note the simulated time at every moment of wall time; ends the process."""
    with Path("progress.txt").open("w", encoding="utf-8", buffering=1) as file:

        def note(share: float) -> None:
            file.write(f"{time.monotonic()} {share * duration}\n")

        simulate("long.yaml", out=Path("made"), progress=note)
    os._exit(0)


CLASSES: Final[Mapping[str, tuple[int, Point]]] = {
    "three hard settings together, books of all tables": (6, extreme),
    "the same bytes under other hash seeds, threads, locales, zones": (2, anywhere),
    "memory and open files of a long run": (1, long_run),
    "long run, SIGKILL: loss of less than a second": (2, loss),
}
