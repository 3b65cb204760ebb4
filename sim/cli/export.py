"""`gomemsim export`: stored runs in the formats of other tools."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.errors import UserError, nearest


def export(
    runs: Annotated[str, typer.Argument(help="Folder of a run or sweep, or a pattern.")],
    format: Annotated[str, typer.Argument(help="perfetto, benchfmt or gctrace.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write [default: standard output].")
    ] = None,
) -> None:
    """Write runs for Perfetto, benchstat or readers of gctrace."""
    from sim.report.export import FORMATS
    from sim.results.load import load
    from sim.results.result import Result

    if format not in FORMATS:
        raise UserError(f"unknown format {format!r}{nearest(format, FORMATS)}")
    found = load(runs)
    chosen = [found] if isinstance(found, Result) else list(found.values())
    if out is None:
        FORMATS[format](chosen, sys.stdout)
        return
    try:
        with out.open("w", encoding="utf-8") as file:
            FORMATS[format](chosen, file)
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror or error}") from None
