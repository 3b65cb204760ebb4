"""What a cluster costs beside the runs of a sweep: CPU seconds with Dask and without.

    python benchmarks/cluster.py [POINTS [DURATION]]

Runs `gomemsim compare` over so many short runs of quickstart (1,000 of 200ms): in two processes,
and with a Dask scheduler and two workers, started as docs/guides/cluster.md says. Both go at the
same time, so that each other and other programs disturb them alike. The CPU time of everybody is
added up, starting included. The shorter the runs, the more a cluster costs beside them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, socket
from tempfile import TemporaryDirectory
from typing import Final

QUIET: Final = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
}
"""What Dask need not do every few milliseconds: sample stacks, and measure its own delays."""


class Counted:
    """A process whose CPU time is known once it has ended, with that of its own children."""

    def __init__(self, program: Sequence[str], env: Mapping[str, str], output: Path) -> None:
        self._output = output
        with output.open("w", encoding="utf-8") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *program],
                env={**os.environ, **env},
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def seconds(self) -> float:
        """Wait until it has ended. Raises RuntimeError if it failed before it was asked to end."""
        _, status, used = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        if self._process.returncode > 0:
            raise RuntimeError(self._output.read_text(encoding="utf-8"))
        return used.ru_utime + used.ru_stime


def sweep(points: int, duration: str, folder: Path, *how: str) -> Counted:
    """So many points of a sweep: four settings, and seeds."""
    folder.mkdir()
    seeds, out = str(points // 4), str(folder / "runs")
    given = ["--gogc", "50,100,200,400", "--seeds", seeds, "--set", f"duration={duration}", "-q"]
    command = ["sim", "compare", "quickstart", *given, *how, "--out", out]
    return Counted(command, {}, folder / "table.md")


@contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[Counted]]]:
    """The address and the processes of a scheduler and two workers, which end with the block."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    own = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    workers = [address, "--nworkers", "2", "--nthreads", "1", "--no-dashboard"]
    started: list[Counted] = []
    try:
        for program in (["scheduler", *own], ["worker", *workers]):
            started.append(Counted(["dask", *program], QUIET, folder / program[0]))
            _answers(port)
        yield address, started
    finally:
        for process in reversed(started):
            process.terminate()


def _answers(port: int) -> None:
    for _ in range(600):
        try:
            create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the scheduler does not answer")


def main(points: int = 1000, duration: str = "200ms") -> None:
    """Measure both and print what the cluster adds."""
    with TemporaryDirectory() as made:
        alone, spread = Path(made) / "alone", Path(made) / "spread"
        with cluster(Path(made)) as (address, servers):
            plain = sweep(points, duration, alone, "--jobs", "2")
            with_dask = sweep(points, duration, spread, "--scheduler", address).seconds()
        with_dask += sum(server.seconds() for server in reversed(servers))
        without = plain.seconds()
        tables = [(folder / "table.md").read_text(encoding="utf-8") for folder in (alone, spread)]
    assert tables[0] == tables[1]
    print(
        f"{points} runs of {duration}: in processes {without:.1f} CPU s, with Dask {with_dask:.1f}"
    )
    print(f"the cluster adds {with_dask / without - 1:.1%}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]), *sys.argv[2:3])
