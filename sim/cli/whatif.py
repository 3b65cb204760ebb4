"""`gomemsim whatif`: predict other settings of a program from one of its logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import write_json
from sim.cli.fitting import fitted
from sim.cli.options import (
    RSS,
    Also,
    Arrivals,
    Binary,
    Expositions,
    From,
    GivenLoad,
    GivenProcess,
    Go,
    Growth,
    Horizon,
    Html,
    Json,
    Log,
    LoggedGOGC,
    LoggedLimit,
    LoggedProcs,
    Metrics,
    Quiet,
    To,
    Trace,
    Traffic,
)
from sim.cli.progress import progress
from sim.cli.tables import table, width

if TYPE_CHECKING:
    from sim.advice.prediction import Prediction

SETTINGS = ("GOGC", "GOMEMLIMIT", "GOMAXPROCS")


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
    logged_gomaxprocs: LoggedProcs = None,
    load: GivenLoad = None,
    arrivals: Arrivals = None,
    process: GivenProcess = None,
    rss: RSS = None,
    go: Go = None,
    also: Also = None,
    binary: Binary = None,
    begin: From = None,
    end: To = None,
    horizon: Horizon = None,
    metrics: Metrics = None,
    prometheus: Expositions = None,
    trace: Trace = None,
    json: Json = None,
    html: Html = None,
    growth: Growth = "0%",
    traffic: Traffic = "100%",
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
    if process == "all" and log is not None:
        from sim.advice.processes import predict_all
        from sim.advice.settings import grid

        with progress("whatif", quiet=quiet) as report:
            together = predict_all(
                log,
                lambda procs: grid(gogc, gomemlimit, gomaxprocs or str(procs)),
                gogc=logged_gogc,
                gomemlimit=logged_gomemlimit,
                go=go,
                seed=seed,
                progress=report,
            )
        if not write_json(json, lambda: _document(together.predictions)):
            _print_rows(together.predictions)
            print(f"\n- {together.sentence}")
        return
    logged = fitted(
        log,
        quiet=quiet,
        gogc=logged_gogc,
        gomemlimit=logged_gomemlimit,
        gomaxprocs=logged_gomaxprocs,
        load=load,
        arrivals=arrivals,
        process=process,
        rss=rss,
        window=(begin, end),
        horizon=horizon,
        go=go,
        also=also,
        binary=binary,
        metrics=metrics,
        prometheus=prometheus,
        trace=trace,
    )
    # Only now: a log that holds nothing is refused before the rest is loaded.
    from sim.advice.prediction import predict
    from sim.advice.scenario import scenario
    from sim.advice.settings import grid
    from sim.advice.verdict import of_predictions
    from sim.advice.whatif import assumptions, doubts

    future = scenario(growth, traffic)
    fit = future.of(logged)
    settings = grid(gogc, gomemlimit, gomaxprocs or str(fit.program.procs))
    with progress("whatif", quiet=quiet) as report:
        predictions = predict(fit, settings, seed, progress=report)
    today = next((p for p in predictions if p.setting == fit.logged), None)
    if today is None:
        (today,) = predict(fit, [fit.logged], seed)
    verdict = of_predictions(fit, today, predictions)
    if html is not None:
        from sim.cli.pages import write_explorer
        from sim.explore.grid import Grid

        name = log.name if log else "metrics"
        grid_of = Grid.of(logged, settings, future)
        write_explorer(html, name, logged, grid_of, seed, verdict, quiet=quiet)
    if write_json(json, lambda: _document(predictions)):
        return
    print(*verdict, "", sep="\n")
    _print_rows(predictions)
    for told in (doubts(fit, predictions), "" if quiet else assumptions(fit)):
        if told:
            print(f"\n{told}")


def _document(predictions: Sequence[Prediction]) -> object:
    from sim.report.documents import of_predictions

    return of_predictions(predictions)


def _print_rows(predictions: Sequence[Prediction]) -> None:
    from sim.advice.whatif import rows

    print(table(rows(predictions), SETTINGS, width()))


def _check(folder: Path, seed: int, *, quiet: bool) -> None:
    from sim.truth.predictions import check, report

    with progress("check", quiet=quiet) as progressed:
        found = check(folder, seed, progressed)
    print(report(found))
