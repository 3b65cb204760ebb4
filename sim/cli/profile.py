"""`gomemsim profile`: a workload from a heap profile, a log and a trace of one process."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal, TypeAlias

import typer

from sim.cli.files import writable, write_json
from sim.cli.options import Json, Quiet, readable
from sim.cli.source import fitted
from sim.cli.terminal import say
from sim.errors import UserError
from sim.files import write
from sim.fitting.source import Source
from sim.quantities import ARRIVALS, LOG_TIME, MOST_PS, RESIDENT

Kind: TypeAlias = Literal["pprof", "log", "trace", "goroutines"]
KINDS: Final[Mapping[Kind, str]] = {"log": "a log of GODEBUG=gctrace=1"}
"""What there has to be."""
HEAD: Final = 1 << 16
_GOROUTINES: Final = re.compile(rb"goroutine profile: total (\d{1,9})\n")
_TRACE: Final = re.compile(rb"^M=-?\d+ P=-?\d+ G=-?\d+ ", re.MULTILINE)


def profile(
    files: Annotated[
        list[Path],
        typer.Argument(help="A heap profile, a gctrace log and perhaps a trace as text."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=writable, help="Workload file to write.")
    ],
    arrivals: Annotated[
        str | None,
        typer.Option(
            callback=readable(ARRIVALS), metavar="N/s", help="Requests that came, such as 200/s."
        ),
    ] = None,
    go: Annotated[
        str | None, typer.Option(metavar="1.N", help="Version of Go that built the program.")
    ] = None,
    rss: Annotated[
        str | None,
        typer.Option(
            callback=readable(RESIDENT), metavar="SIZE", help="Largest resident memory of the run."
        ),
    ] = None,
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
    load: Annotated[
        str | None,
        typer.Option(
            metavar="busy|waiting",
            help="Whether the program works until it is done, or waits for load [default: the"
            " log's idle mark workers tell].",
        ),
    ] = None,
    machine: Annotated[
        str, typer.Option(help="Machine profile that prices the simulation.")
    ] = "default-x86-64",
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Write a workload after a program's heap profile, log and trace, and say what they lack.

    Which file is which, their contents tell. All have to be of one process.
    """
    given = _by_kind(files)
    heap = given.get("pprof")
    source = Source(
        given["log"],
        pprof=heap,
        trace=given.get("trace"),
        arrivals=arrivals,
        go=go,
        rss=rss,
        load=load,
    )
    fit = fitted(source, quiet=quiet)
    from sim.config.machine import load_profile
    from sim.fitting.profile_yaml import to_yaml
    from sim.fitting.profiled import Process, missing, profiled, sites_of
    from sim.fitting.report import summary
    from sim.report.documents import of_fit

    sites = None if heap is None else sites_of(fit, heap)
    process = Process(
        cpus, _goroutines(given.get("goroutines")), None if ran is None else LOG_TIME.read(ran)
    )
    found = profiled(fit, sites, load_profile(machine), process)
    write(out, to_yaml(found, source.name))
    if write_json(json, lambda: of_fit(fit)):
        return
    say(*([] if quiet else summary(fit)))
    say(*(f"to supply: {sentence}" for sentence in missing(found)))
    print(f"workload: {out}")


def _goroutines(path: Path | None) -> int:
    """How many a profile of them counts; 0 without one."""
    found = path and _GOROUTINES.match(path.read_bytes()[:HEAD])
    return int(found[1]) if found else 0


def _by_kind(files: list[Path]) -> dict[Kind, Path]:
    """The files by what is in them; UserError where one is missing, or there are two."""
    found: dict[Kind, Path] = {}
    for path in files:
        kind = kind_of(path)
        if kind in found:
            raise UserError(f"{path}: {found[kind]} is of the same kind ({kind})")
        found[kind] = path
    for kind, what in KINDS.items():
        if kind not in found:
            raise UserError(f"expected {what} among {', '.join(map(str, files))}")
    return found


def kind_of(path: Path) -> Kind:
    """What a file is, by its beginning."""
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
        return "pprof"
    if _GOROUTINES.match(head):
        return "goroutines"
    return "trace" if _TRACE.search(head) else "log"
