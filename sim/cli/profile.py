"""`gomemsim profile`: a workload after a program's own profiles: from files, or as it runs."""

from __future__ import annotations

import gzip
import re
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias

import typer

from sim.cli.files import writable, write_json
from sim.cli.options import Json, Quiet, readable
from sim.cli.progress import progress
from sim.cli.source import fitted, takes_source
from sim.cli.terminal import say
from sim.errors import UserError
from sim.files import write
from sim.fitting.source import Source
from sim.quantities import LOG_TIME, MOST_PS
from sim.units import SECOND, KiB, Nanoseconds

if TYPE_CHECKING:
    from sim.fitting.live_process import LinuxProcess

Kind: TypeAlias = Literal["heap profile", "base", "log", "trace", "goroutines"]
HEAD: Final = 1 << 16
_TRACE: Final = re.compile(rb"^M=-?\d+ P=-?\d+ G=-?\d+ ", re.MULTILINE)
LONGEST: Final = 600.0
"""Seconds that a program is watched at most."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a workload is made of."""

    source: Source
    heap: Path | None = None
    base: Path | None = None
    """An earlier heap profile: what counts is what was allocated since."""
    goroutines: int = 0
    stack: int = 0
    cpus: float | None = None
    ran: Nanoseconds | None = None


@takes_source(
    without={"log", "pprof", "trace", "also", "metrics", "prometheus", "horizon"}, logged=""
)
def profile(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES|URL|PID...",
            help="A gctrace log, heap profiles, a goroutine profile, a trace as text; the address"
            " of net/http/pprof, such as http://localhost:6060; or a process of this machine.",
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=writable, help="Workload file to write.")
    ],
    source: Source,
    cpus: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=MOST_PS,
            help="CPUs that the process used on average, as top or its CPU seconds tell"
            " [default: the log's mark phases tell].",
        ),
    ] = None,
    ran: Annotated[
        str | None,
        typer.Option(
            callback=readable(LOG_TIME),
            metavar="TIME",
            help="For how long the process ran [default: half way to the cycle after the last].",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=LONGEST, help="How long to watch a running program.")
    ] = 10.0,
    machine: Annotated[
        str, typer.Option(help="Machine profile that prices the simulation.")
    ] = "default-x86-64",
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Write a workload after a program's own profiles, and say what they lack.

    Which file is which, their contents tell. All have to be of one process.
    """
    running = [one for one in targets if _runs(one)]
    files = _by_kind([Path(one) for one in targets if one not in running])
    lasted = None if ran is None else LOG_TIME.read(ran)
    given = Given(
        replace(source, log=files.get("log"), pprof=None, trace=files.get("trace")),
        files.get("heap profile"),
        files.get("base"),
        goroutines=_goroutines(files.get("goroutines")),
        cpus=cpus,
        ran=lasted,
    )
    with tempfile.TemporaryDirectory() as folder:
        for target in running:
            given = _watched(given, target, seconds, Path(folder), quiet=quiet)
        if given.source.log is None and given.source.metrics is None:
            raise UserError("expected a log of GODEBUG=gctrace=1, a URL of net/http/pprof or a PID")
        _written(given, out, machine, json, quiet=quiet)


def _written(given: Given, out: Path, machine: str, json: Path | None, *, quiet: bool) -> None:
    fit = fitted(replace(given.source, pprof=given.heap), quiet=quiet)
    from sim.config.machine import load_profile
    from sim.fitting.profile_yaml import to_yaml
    from sim.fitting.profiled import ProcessFacts, missing, profiled, sites_of
    from sim.fitting.report import summary
    from sim.report.documents import of_fit

    sites = None if given.heap is None else sites_of(fit, given.heap, given.base)
    process = ProcessFacts(given.cpus, given.goroutines, given.stack, given.ran)
    found = profiled(fit, sites, load_profile(machine), process)
    write(out, to_yaml(found, given.source.name))
    if write_json(json, lambda: of_fit(fit)):
        return
    say(*([] if quiet else summary(fit)))
    say(*(f"to supply: {sentence}" for sentence in missing(found)))
    print(f"workload: {out}")


# -- running programs ------------------------------------------------------------------------


def _runs(target: str) -> bool:
    return target.isdecimal() or target.startswith(("http://", "https://"))


def _watched(given: Given, target: str, seconds: float, folder: Path, *, quiet: bool) -> Given:
    """With what a running program says of itself, and Linux of it."""
    from sim.fitting.live_process import linux_process, pprof_of, watch
    from sim.formats.pprof_http import PprofServer

    pid = int(target) if target.isdecimal() else None
    process = None if pid is None else linux_process(pid)
    server = PprofServer(target) if process is None else pprof_of(process)
    if server is not None and given.heap is None:
        used = None if pid is None else lambda: linux_process(pid).cpu_seconds
        with progress(f"watching for {seconds:g} s", quiet=quiet):
            seen = watch(server, seconds, folder, used)
        given = replace(
            given, heap=seen.heap, base=seen.base, goroutines=seen.goroutines, stack=seen.stack
        )
        if given.cpus is None:
            given = replace(given, cpus=seen.cpus)
        if given.source.log is None:
            given = replace(given, source=replace(given.source, metrics=seen.metrics))
    if process is None:
        return given
    if given.source.log is None and server is None:
        where = ", ".join(process.addresses) or "no port"
        raise UserError(
            f"{pid}: it listens on {where}, and does not serve net/http/pprof there: expected a log"
            " of GODEBUG=gctrace=1 of it as well"
        )
    return _with_process(given, process)


def _with_process(given: Given, process: LinuxProcess) -> Given:
    """What was typed goes before what the system says."""
    source, told = given.source, process.settings
    procs = told.get("GOMAXPROCS", "")
    ran, cpus = given.ran, given.cpus
    if source.log is not None:
        ran = ran or process.ran
        cpus = process.cpu_seconds / (process.ran / SECOND) if cpus is None else cpus
    return replace(
        given,
        cpus=cpus,
        ran=ran,
        source=replace(
            source,
            go=source.go or process.go,
            rss=source.rss or f"{process.most_resident // KiB}KiB",
            gogc=source.gogc or told.get("GOGC", "100"),
            gomemlimit=source.gomemlimit or told.get("GOMEMLIMIT"),
            gomaxprocs=source.gomaxprocs or (int(procs) if procs.isdecimal() else process.procs),
        ),
    )


# -- files -----------------------------------------------------------------------------------


def _by_kind(files: Sequence[Path]) -> Mapping[Kind, Path]:
    """The files by what is in them; of two heap profiles the earlier one is the base.

    UserError where there are two of another kind.
    """
    found: dict[Kind, Path] = {}
    for path in files:
        kind = kind_of(path)
        if kind == "heap profile" and kind in found and "base" not in found:
            found["base"], found[kind] = _in_order(found[kind], path)
        elif kind in found:
            raise UserError(f"{path}: {found[kind]} is of the same kind ({kind})")
        else:
            found[kind] = path
    return found


def _in_order(one: Path, other: Path) -> tuple[Path, Path]:
    from sim.formats.pprof import read

    first, second = sorted(
        (one, other), key=lambda path: sum(sample.alloc_space for sample in read(path).samples)
    )
    return first, second


def _goroutines(path: Path | None) -> int:
    """How many a profile of them counts; 0 without one."""
    from sim.formats.pprof import goroutines

    return 0 if path is None else goroutines(path.read_bytes()[:HEAD]) or 0


def kind_of(path: Path) -> Kind:
    """What a file is, by its beginning."""
    from sim.formats.pprof import goroutines

    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            head = (gzip.GzipFile(fileobj=file) if zipped else file).read(HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    if re.match(rb"go 1\.\d+ trace\x00", head):
        raise UserError(
            f"{path}: expected a trace as text, as `go tool trace -d=parsed {path.name}` prints it"
        )
    if b"\x00" in head:
        return "heap profile"
    if goroutines(head) is not None:
        return "goroutines"
    return "trace" if _TRACE.search(head) else "log"
