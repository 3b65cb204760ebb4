"""`gomemsim whatif`: predict other settings of a program from one of its logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import write_json
from sim.cli.options import Growth, Html, Json, Quiet, Seed, Traffic, readable
from sim.cli.progress import progress
from sim.cli.source import fitted, takes_source
from sim.cli.tables import table
from sim.cli.terminal import say, width
from sim.errors import UserError
from sim.fitting.source import Source
from sim.quantities import GOGCS, GOMAXPROCS_VALUES, GOMEMLIMITS

if TYPE_CHECKING:
    from sim.advice.prediction import Prediction

SETTINGS = ("GOGC", "GOMEMLIMIT", "GOMAXPROCS")


@takes_source(without={"pprof"})
def whatif(
    gogc: Annotated[
        str,
        typer.Option(callback=readable(GOGCS), metavar="N,N,off", help="GOGC values to predict."),
    ] = "50,100,200,400",
    gomemlimit: Annotated[
        str | None,
        typer.Option(
            callback=readable(GOMEMLIMITS),
            metavar="SIZE,none",
            help="GOMEMLIMIT values to predict [default: as logged].",
        ),
    ] = None,
    gomaxprocs: Annotated[
        str | None,
        typer.Option(
            callback=readable(GOMAXPROCS_VALUES),
            metavar="N,N",
            help="GOMAXPROCS values [default: as logged].",
        ),
    ] = None,
    *,
    source: Source,
    json: Json = None,
    html: Html = None,
    growth: Growth = "0%",
    traffic: Traffic = "100%",
    seed: Seed = 1,
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
    if source.process == "all":
        if html is not None:
            raise UserError("--html: the page is of one process; --process says which")
        _together(
            source,
            (gogc, gomemlimit or "none", gomaxprocs),
            (growth, traffic),
            seed,
            json,
            quiet=quiet,
        )
        return
    logged = fitted(source, quiet=quiet)
    # Only now: a log that holds nothing is refused before the rest is loaded.
    from sim.advice.prediction import predict
    from sim.advice.scenario import scenario
    from sim.advice.settings import grid, limit_as_logged
    from sim.advice.verdict import of_predictions
    from sim.advice.whatif import assumptions, doubts

    future = scenario(growth, traffic)
    fit = future.of(logged)
    limits = gomemlimit or limit_as_logged(fit)
    settings = grid(gogc, limits, gomaxprocs or str(fit.program.procs))
    with progress("whatif", quiet=quiet) as report:
        predictions = predict(fit, settings, seed, progress=report)
    today = next((p for p in predictions if p.setting == fit.logged), None)
    if today is None:
        (today,) = predict(fit, [fit.logged], seed)
    verdict = of_predictions(fit, today, predictions)
    if gomemlimit is None and fit.logged.memory_limit is not None:
        verdict.append("GOMEMLIMIT stays as logged; --gomemlimit none asks for no limit.")
    if html is not None:
        from sim.cli.pages import write_explorer
        from sim.explore.grid import Grid

        grid_of = Grid.of(logged, settings, future)
        write_explorer(html, source.name, logged, grid_of, seed, verdict, quiet=quiet)
    if write_json(json, lambda: _document(predictions)):
        return
    say(*verdict, "")
    _print_rows(predictions)
    for told in (doubts(fit, predictions), "" if quiet else assumptions(fit)):
        if told:
            say(f"\n{told}")


def _document(predictions: Sequence[Prediction]) -> object:
    from sim.report.documents import of_predictions

    return of_predictions(predictions)


def _together(
    source: Source,
    settings: tuple[str, str, str | None],
    future: tuple[str, str],
    seed: int,
    json: Path | None,
    *,
    quiet: bool,
) -> None:
    """All processes of a log, and their sums."""
    from sim.advice.processes import predict_all
    from sim.advice.scenario import scenario
    from sim.advice.settings import grid

    gogc, gomemlimit, gomaxprocs = settings
    with progress("whatif", quiet=quiet) as report:
        together = predict_all(
            source,
            lambda procs: grid(gogc, gomemlimit, gomaxprocs or str(procs)),
            scenario(*future),
            seed=seed,
            progress=report,
        )
    if not write_json(json, lambda: _document(together.predictions)):
        _print_rows(together.predictions)
        say(f"\n- {together.sentence}")


def _print_rows(predictions: Sequence[Prediction]) -> None:
    from sim.advice.whatif import rows

    print(table(rows(predictions), SETTINGS, width()))


def _check(folder: Path, seed: int, *, quiet: bool) -> None:
    from sim.truth.predictions import check, report

    with progress("check", quiet=quiet) as progressed:
        found = check(folder, seed, progressed)
    print(report(found))
