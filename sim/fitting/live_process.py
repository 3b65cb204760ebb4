"""A running program: what it says of itself over HTTP, and what Linux says of it.

Of an address there are heap profiles and runtime.MemStats at two times; of a process of this
machine also settings, version of Go, CPU time, resident memory and age; its address is found.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from sim.errors import UserError
from sim.formats.go_version import of_binary
from sim.formats.pprof_http import PprofServer
from sim.units import SECOND, Bytes, Nanoseconds


@dataclass(frozen=True, slots=True)
class LinuxProcess:
    """What the system says of a process; None: it does not."""

    pid: int
    go: str | None
    settings: Mapping[str, str]
    """Of GOGC, GOMEMLIMIT and GOMAXPROCS, those in its environment."""
    most_resident: Bytes
    cpu_seconds: float
    ran: Nanoseconds
    """Since it was started."""
    procs: int
    """CPUs that it may run on: its GOMAXPROCS, unless that is set."""
    addresses: tuple[str, ...]
    """Where it listens."""


def linux_process(pid: int) -> LinuxProcess:
    """UserError for a process that is not there, not of Go, or of somebody else."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            used = process.cpu_times()
            environment = process.environ()
            ports = sorted(
                one.laddr.port for one in process.net_connections("tcp") if one.status == "LISTEN"
            )
            return LinuxProcess(
                pid,
                _version(Path(process.exe())),
                {key: environment[key] for key in _KEYS if environment.get(key)},
                _most_resident(pid),
                used.user + used.system,
                time.time_ns() - round(process.create_time() * SECOND),
                len(process.cpu_affinity() or ()),
                tuple(f"http://127.0.0.1:{port}" for port in ports),
            )
    except psutil.NoSuchProcess:
        raise UserError(f"{pid}: expected a running process, there is none") from None
    except (psutil.AccessDenied, PermissionError):
        raise UserError(f"{pid}: expected a process of yours: it may not be looked at") from None


_KEYS: Final = ("GOGC", "GOMEMLIMIT", "GOMAXPROCS")


def _version(executable: Path) -> str | None:
    try:
        version = of_binary(executable)
    except UserError:
        raise UserError(f"{executable}: expected a program of Go") from None
    return None if version is None else f"1.{version}"


def _most_resident(pid: int) -> Bytes:
    """VmHWM, the most that was ever resident (proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(x.split()[1]) << 10 for x in status.splitlines() if x.startswith("VmHWM:"))


def pprof_of(process: LinuxProcess) -> PprofServer | None:
    """The first of its addresses that serves net/http/pprof."""
    for address in process.addresses:
        server = PprofServer(address)
        try:
            server.goroutines()
        except UserError:
            continue
        return server
    return None


@dataclass(slots=True)
class LiveProfiles:
    """What was seen of a program from one time to another."""

    heap: Path
    """Its heap profile at the end."""
    base: Path
    """The same at the beginning."""
    metrics: Path
    """Dumps of both times, for `sim.fitting.metrics_log`."""
    goroutines: int
    stack: Bytes
    """Of each, on average."""
    cpus: float | None
    """Used on average; None: nobody knows."""


def watch(
    server: PprofServer,
    seconds: float,
    folder: Path,
    cpu_seconds: Callable[[], float] | None = None,
) -> LiveProfiles:
    """Look at a program at the beginning and the end of so many seconds; files go to `folder`.

    `cpu_seconds` says how much CPU time it has used.
    """
    dumps: list[dict[str, float]] = []
    heaps: list[Path] = []
    used: list[float] = []
    for name in ("begin", "end"):
        if dumps:
            time.sleep(seconds)
        heaps.append(folder / f"{name}.pb.gz")
        heaps[-1].write_bytes(server.heap())
        values = server.memstats()
        if cpu_seconds is not None:
            used.append(cpu_seconds())
        dumps.append({"at_ns": time.time_ns(), **values})
    metrics = folder / "metrics.jsonl"
    metrics.write_text("".join(json.dumps(dump) + "\n" for dump in dumps), encoding="utf-8")
    count = server.goroutines()
    stack = round(dumps[-1]["/memory/classes/heap/stacks:bytes"] / max(count, 1))
    lasted = (dumps[1]["at_ns"] - dumps[0]["at_ns"]) / SECOND
    cpus = (used[1] - used[0]) / lasted if used else None
    return LiveProfiles(heaps[1], heaps[0], metrics, count, stack, cpus)
