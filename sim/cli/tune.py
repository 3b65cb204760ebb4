"""`gomemsim tune`: settings for a container, from a log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.ending import NOT_MET
from sim.cli.files import write_json
from sim.cli.options import Html, Json, Quiet, Seed, readable
from sim.cli.progress import progress
from sim.cli.source import fitted, takes_source
from sim.cli.tables import table
from sim.cli.terminal import say, width
from sim.fitting.source import Source
from sim.quantities import CONTAINER, GC_CPU, GOMAXPROCS_VALUES, GROWTH, LATENCY, MOST_PS

if TYPE_CHECKING:
    from sim.advice.api import Advice
    from sim.advice.prediction import Prediction
    from sim.fitting.fit import Fit


@takes_source(without={"pprof"})
def tune(
    memory: Annotated[
        str,
        typer.Option(callback=readable(CONTAINER), metavar="SIZE", help="Memory of the container."),
    ],
    cpu: Annotated[
        int | None,
        typer.Option(min=1, max=MOST_PS, help="CPUs of the container [default: as logged]."),
    ] = None,
    gomaxprocs: Annotated[
        str | None,
        typer.Option(
            callback=readable(GOMAXPROCS_VALUES),
            metavar="N,N",
            help="GOMAXPROCS to try [default: the CPUs].",
        ),
    ] = None,
    max_gc_cpu: Annotated[
        str,
        typer.Option(
            callback=readable(GC_CPU),
            metavar="SHARE",
            help="Most GC CPU, idle workers not counted.",
        ),
    ] = "25%",
    p99: Annotated[
        str | None,
        typer.Option(
            callback=readable(LATENCY),
            metavar="TIME",
            help="Longest 99th percentile of latency, or of pauses.",
        ),
    ] = None,
    growth: Annotated[
        str,
        typer.Option(
            callback=readable(GROWTH),
            metavar="SHARE",
            help="Growth of the live heap to be prepared for.",
        ),
    ] = "0%",
    *,
    source: Source,
    force: Annotated[
        bool,
        typer.Option("--force", help="Recommend even if the log's own replay misses it by 30 %."),
    ] = False,
    seed: Seed = 1,
    json: Json = None,
    html: Html = None,
    quiet: Quiet = False,
) -> None:
    """Recommend GOGC and GOMEMLIMIT for a container, with trade-offs and risks.

    Exit code 3 where nothing keeps all goals; what comes nearest is told.
    """
    fit = fitted(source, quiet=quiet)
    # Only now: a log that holds nothing is refused before the rest is loaded.
    from sim.advice import api
    from sim.advice.prediction import predict
    from sim.advice.verdict import of_tuning

    with progress("tune", quiet=quiet) as progressed:
        found = api.tune(
            fit,
            memory,
            cpu=cpu,
            gomaxprocs=gomaxprocs,
            max_gc_cpu=max_gc_cpu,
            p99=p99,
            growth=growth,
            seed=seed,
            force=force,
            progress=progressed,
        )
    (today,) = predict(fit, [fit.logged], seed)
    verdict = of_tuning(fit, today, found)
    if html is not None:
        from sim.cli.pages import write_explorer
        from sim.explore.grid import Grid

        grid = Grid.of_tuning(fit, found)
        write_explorer(html, source.name, fit, grid, seed, verdict, quiet=quiet)
    if not write_json(json, lambda: _document(fit, today, found)):
        _tell(verdict, found, fit, today, quiet=quiet)
    if found.confirmed is None:
        raise typer.Exit(NOT_MET)


def _document(fit: Fit, today: Prediction, found: Advice) -> object:
    from sim.report.documents import of_advice

    return of_advice(fit, today, found)


def _tell(
    verdict: Sequence[str], found: Advice, fit: Fit, today: Prediction, *, quiet: bool
) -> None:
    """Print what to set and what it costs, and what it was chosen from."""
    from sim.advice import report
    from sim.advice.whatif import assumptions, doubts

    say(*verdict)
    if found.details:
        say(f"\n{found.details}")
    if fit.warnings:
        say(f"\n{doubts(fit, [today])}")
    if not quiet:
        misses = report.on_misses(found.tuning)
        say(f"\nThe trade-off, from fewer runs than what is recommended ({misses}):\n")
        print(table(report.trade_off(found.tuning), ["setting"], width()))
        print("\nKnown policies, from as many:\n")
        print(table(report.policies(found.tuning), ["setting"], width()))
        say(f"\nWhat this rests on:\n\n{assumptions(fit)}")
