"""`gomemsim fit`: a workload from a log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import Log


def fit(
    log: Log,
    out: Annotated[Path, typer.Option("--out", "-o", help="Workload file to write.")],
) -> None:
    """Write a workload that allocates and keeps what the program of the log does."""
    from sim.fit import fit as fit_log

    out.write_text(fit_log(log), encoding="utf-8")
    print(f"workload: {out}")
