"""`gomemsim report`: stored runs as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import writable
from sim.cli.terminal import notify
from sim.errors import UserError
from sim.files import write
from sim.text import quoted


def _a_page(path: Path) -> Path | None:
    if path.suffix not in (".html", ".htm"):
        raise UserError(f"--out: expected a file that ends in .html, got {quoted(str(path))}")
    return writable(path)


def report(
    runs: Annotated[list[str], typer.Argument(help="Folders of runs or sweeps, or patterns.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=_a_page, help="HTML file to write.")
    ] = Path("gomemsim.html"),
    baseline: Annotated[
        str | None,
        typer.Option(metavar="KEY=A,KEY=B", help="Setting to compare with [default: the first]."),
    ] = None,
) -> None:
    """Write one HTML file, for a browser without a network: pictures, figures, comparison."""
    from sim.config.provenance import SIMULATOR, simulator
    from sim.experiment.design import values
    from sim.experiment.groups import not_varied
    from sim.report.page import page
    from sim.results.load import load_all

    results = load_all(runs)
    if any(run.provenance[SIMULATOR] != simulator() for run in results.values()):
        notify(
            "these runs come from another version of the simulator than this one; simulate again"
            " for its figures"
        )
    if keys := not_varied([*results.values()]):
        notify(
            f"these runs differ in {', '.join(keys)}, which their sweep does not vary: figures of"
            " different programs stand beside each other"
        )
    text = page(results, values(baseline or ""))
    write(out, text)
    print(f"report: {out}")
