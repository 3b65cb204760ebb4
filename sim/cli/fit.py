"""`gomemsim fit`: a workload from a log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import GivenLoad, GivenLog, LoggedGOGC, LoggedLimit, Quiet


def fit(
    log: GivenLog,
    out: Annotated[Path, typer.Option("--out", "-o", help="Workload file to write.")],
    gogc: LoggedGOGC = None,
    gomemlimit: LoggedLimit = None,
    load: GivenLoad = None,
    profile: Annotated[
        str, typer.Option(help="Machine profile that prices the simulation.")
    ] = "default-x86-64",
    quiet: Quiet = False,
) -> None:
    """Write a workload that allocates, keeps and marks what the program of the log does."""
    from sim.fit import fit_log
    from sim.fit.words import identified
    from sim.fit.workload import to_yaml
    from sim.machine.profile import load_profile

    found = fit_log(log, gogc, gomemlimit, load)
    out.write_text(to_yaml(found, log.name, load_profile(profile)), encoding="utf-8")
    if not quiet:
        print(identified(found))
    print(f"workload: {out}")
