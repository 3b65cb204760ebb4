"""What a cluster costs beside the runs of a sweep: CPU seconds with Dask and without.

    python benchmarks/cluster.py [POINTS]

Runs `gomemsim compare` over so many short runs of quickstart (1,000), once in one process and
once with a Dask scheduler and two workers of this machine, and adds up the CPU time of everybody,
starting included. The shorter the runs, the more a cluster costs beside them.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import create_connection, socket
from tempfile import TemporaryDirectory
from typing import Final

DURATION: Final = "200ms"


def sweep(points: int, folder: Path, *how: str) -> None:
    """So many points of a sweep: four settings, and seeds."""
    seeds = str(points // 4)
    given = ["--gogc", "50,100,200,400", "--seeds", seeds, "--set", f"duration={DURATION}", "-q"]
    command = [sys.executable, "-m", "sim", "compare", "quickstart", *given, *how]
    with (folder / "table.md").open("w", encoding="utf-8") as table:
        subprocess.run([*command, "--out", str(folder / "runs")], check=True, stdout=table)
    shutil.rmtree(folder / "runs")


@contextmanager
def scheduler() -> Iterator[str]:
    """A scheduler with two workers, all of which end with the block."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    own = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    workers = [address, "--nworkers", "2", "--nthreads", "1", "--no-dashboard"]
    with ExitStack() as ending:
        for program in (["scheduler", *own], ["worker", *workers]):
            command = [sys.executable, "-m", "dask", *program]
            process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            ending.callback(process.wait)
            ending.callback(process.terminate)
            _answers(port)
        yield address


def _answers(port: int) -> None:
    for _ in range(600):
        try:
            create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the scheduler does not answer")


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    """CPU time of all processes that begin and end in the block."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(points: int = 1000) -> None:
    """Measure both and print what the cluster adds."""
    seconds: dict[str, float] = {}
    with TemporaryDirectory() as made:
        folder = Path(made)
        with timed(seconds, "one process"):
            sweep(points, folder, "--jobs", "1")
        plain = (folder / "table.md").read_text(encoding="utf-8")
        with timed(seconds, "Dask"), scheduler() as address:
            sweep(points, folder, "--scheduler", address)
        assert (folder / "table.md").read_text(encoding="utf-8") == plain
    print(
        f"{points} runs of {DURATION}: " + ", ".join(f"{n} {s:.1f} s" for n, s in seconds.items())
    )
    print(f"the cluster adds {seconds['Dask'] / seconds['one process'] - 1:.1%}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
