"""A Dask cluster of this machine, of which something is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.reliability.faults import Bench, Failures

ROOT: Final = Path(__file__).parents[2]
NAME: Final = "sweep on a cluster, worker or command killed, resumed"


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
        words = [word for word in words if word not in ("--jobs", "1")]
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
