"""`gomemsim export`: stored runs in the formats of other tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import writable
from sim.cli.progress import progress
from sim.errors import UserError, nearest
from sim.files import replacing


def export(
    runs: Annotated[str, typer.Argument(help="Folder of a run or sweep, or a pattern.")],
    format: Annotated[str, typer.Argument(help="perfetto, benchfmt or gctrace.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", callback=writable, help="File to write [default: standard output]."
        ),
    ] = None,
    rerun: Annotated[
        bool,
        typer.Option(
            "--rerun",
            help="perfetto: simulate once more, as long as the run took, if it has no timeline.",
        ),
    ] = False,
) -> None:
    """Write runs for Perfetto, benchstat or readers of gctrace."""
    from sim.report.export import FORMATS, with_timeline
    from sim.results.load import load
    from sim.results.result import Result

    if format not in FORMATS:
        raise UserError(f"unknown format {format!r}{nearest(format, FORMATS)}")
    found = load(runs)
    chosen = [found] if isinstance(found, Result) else list(found.values())
    if rerun:
        with progress("rerun", quiet=False) as report:
            chosen = [with_timeline(run, report) for run in chosen]
    if out is None:
        FORMATS[format](chosen, sys.stdout)
        return
    with replacing(out) as growing, growing.open("w", encoding="utf-8") as file:
        FORMATS[format](chosen, file)
    print(f"export: {out}")
