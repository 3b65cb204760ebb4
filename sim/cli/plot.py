"""`gomemsim plot`: a picture of stored runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import writable


def plot(
    runs: Annotated[list[str], typer.Argument(help="Folders of runs or of a sweep, or patterns.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", callback=writable, help="File to write: .png, .svg or .pdf."),
    ] = Path("gomemsim.png"),
) -> None:
    """Draw heap, GC CPU, pauses and latency of a run, or of several over each other.

    Of a sweep the first run of every setting is drawn.
    """
    from sim.report.comparison import one_of_each
    from sim.report.plot import overlay
    from sim.report.plot import plot as draw
    from sim.results.load import load_all

    found = one_of_each(load_all(runs))
    if len(found) == 1:
        draw(next(iter(found.values())), out)
    else:
        overlay(found, out)
    print(f"picture: {out}")
