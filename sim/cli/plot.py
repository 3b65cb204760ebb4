"""`gomemsim plot`: a picture of a stored run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def plot(
    run: Annotated[str, typer.Argument(help="Folder of a run, such as results/quickstart.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write: .png, .svg or .pdf.")
    ] = Path("gomemsim.png"),
) -> None:
    """Draw heap, GC CPU, pauses and latency of a run."""
    from sim.report.plot import plot as draw
    from sim.results.load import load_run

    draw(load_run(run), out)
    print(f"picture: {out}")
