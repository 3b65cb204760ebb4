"""`gomemsim whatif`: predict other settings of a program from one of its logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import write
from sim.cli.options import (
    Arrivals,
    Exposition,
    GivenLoad,
    Log,
    LoggedGOGC,
    LoggedLimit,
    Metrics,
    Quiet,
    Trace,
)
from sim.cli.progress import progress
from sim.errors import UserError


def whatif(
    log: Log = None,
    gogc: Annotated[
        str, typer.Option(metavar="N,N,off", help="GOGC values to predict.")
    ] = "50,100,200,400",
    gomemlimit: Annotated[
        str, typer.Option(metavar="SIZE,none", help="GOMEMLIMIT values to predict.")
    ] = "none",
    gomaxprocs: Annotated[
        str | None, typer.Option(metavar="N,N", help="GOMAXPROCS values [default: as logged].")
    ] = None,
    logged_gogc: LoggedGOGC = None,
    logged_gomemlimit: LoggedLimit = None,
    load: GivenLoad = None,
    arrivals: Arrivals = None,
    metrics: Metrics = None,
    prometheus: Exposition = None,
    trace: Trace = None,
    json: Annotated[Path | None, typer.Option(help="Write the predictions to a file.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random streams.")] = 1,
    check: Annotated[
        Path | None,
        typer.Option(help="Folder of recorded runs: predict each from its log at GOGC=100."),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Predict GC cycles, memory and GC CPU under other settings, from a gctrace log."""
    if check is not None:
        _check(check, seed, quiet=quiet)
        return
    if log is None:
        raise UserError("expected a log, such as `gomemsim whatif app.gctrace`, or --check FOLDER")

    from sim.advice.prediction import predict
    from sim.advice.settings import grid
    from sim.advice.whatif import doubts, preface, table, to_json
    from sim.fitting import fit_log
    from sim.fitting.evidence import read_evidence

    evidence = read_evidence(metrics, prometheus, trace=trace)
    fit = fit_log(log, logged_gogc, logged_gomemlimit, load, evidence, arrivals)
    settings = grid(gogc, gomemlimit, gomaxprocs or str(fit.program.procs))
    with progress("whatif", quiet=quiet) as report:
        predictions = predict(fit, settings, seed, progress=report)
    if json is not None:
        write(json, to_json(predictions))
    if not quiet:
        print(preface(fit), end="\n\n")
    print(table(predictions))
    if found := doubts(fit, predictions):
        print(f"\n{found}")


def _check(folder: Path, seed: int, *, quiet: bool) -> None:
    from sim.truth.predictions import check, report

    with progress("check", quiet=quiet) as progressed:
        found = check(folder, seed, progressed)
    print(report(found))
