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
from sim.quantities import ARRIVALS

Kind: TypeAlias = Literal["pprof", "log", "trace"]
KINDS: Final[Mapping[Kind, str]] = {
    "pprof": "a heap profile, such as /debug/pprof/heap gives",
    "log": "a log of GODEBUG=gctrace=1",
}
"""What there has to be."""
HEAD: Final = 1 << 16
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
    source = Source(given["log"], pprof=given["pprof"], trace=given.get("trace"), arrivals=arrivals)
    found = fitted(source, quiet=quiet)
    from sim.config.machine import load_profile
    from sim.fitting.profiled import missing, sites_of, to_yaml
    from sim.fitting.report import summary
    from sim.fitting.workload import Container
    from sim.report.documents import of_fit

    where = sites_of(found, given["pprof"])
    write(out, to_yaml(found, where, source.name, load_profile(machine), Container()))
    if write_json(json, lambda: of_fit(found)):
        return
    say(*([] if quiet else summary(found)))
    say(*(f"to supply: {sentence}" for sentence in missing(found, where)))
    print(f"workload: {out}")


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
    return "trace" if _TRACE.search(head) else "log"
