"""`gomemsim compare`: many settings of one config in one table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Quiet, Sets
from sim.cli.progress import progress
from sim.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.experiment.point import Settings
    from sim.experiment.sweep import Engine
    from sim.experiment.table import Comparison
    from sim.experiment.worker import Outcome
    from sim.record.places import Place

INTERRUPTED = 130
FAILED = 1
FLUID = "model.detail=fluid"
EVENTS = "model.detail=events"


def compare(
    config: Annotated[Path, typer.Argument(help="A config file, such as configs/quickstart.yaml.")],
    gogc: Annotated[str | None, typer.Option(metavar="N,N,off", help="GOGC values.")] = None,
    gomemlimit: Annotated[
        str | None, typer.Option(metavar="SIZE,off", help="GOMEMLIMIT values.")
    ] = None,
    gomaxprocs: Annotated[
        str | None, typer.Option(metavar="N,N", help="GOMAXPROCS values.")
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=A,B", help="Values of any other key, such as model.assists."),
    ] = None,
    sets: Sets = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="Runs per setting, from the config's seed.")
    ] = 5,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="KEY=A,KEY=B", help="Setting to compare with [default: the first]."),
    ] = None,
    screen: Annotated[
        bool,
        typer.Option(
            "--screen",
            help="Run all in the fluid mode, and what is Pareto-optimal there in detail.",
        ),
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|URL", help="Folder for the runs [default: results/sweep-CONFIG]."
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes [default: all cores].")] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT", help="Dask scheduler whose workers are to simulate."
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Simulate every combination of settings and print what each costs.

    Runs are stored one by one: the same command goes on where it was stopped. Runs whose config
    has changed are replaced; --out keeps them apart.
    """
    from sim.experiment.grid import grid, points, values

    named = {"GOGC": gogc, "GOMEMLIMIT": gomemlimit, "GOMAXPROCS": gomaxprocs}
    axes = [f"{key}={text}" for key, text in named.items() if text is not None]
    settings = grid([*axes, *(vary or ())])

    from sim.experiment.markdown import markdown
    from sim.experiment.sweep import outdated, sweep
    from sim.experiment.table import compare_settings, find_baseline
    from sim.record.places import place

    base = find_baseline(settings, values(baseline or ""))
    name = out or f"results/sweep-{config.stem}"
    engine = _engine(jobs, scheduler)

    def compared(settings: Sequence[Settings], folder: Place, *detail: str) -> Comparison | None:
        todo = points(config, settings, seeds, [*(sets or ()), *detail])
        if old := outdated(todo, folder):
            print(
                f"gomemsim: {folder}: {len(old)} of {len(todo)} runs are outdated (the config,"
                " gomemsim, a plug-in, the machine profile, Python or a library has changed) and"
                " are simulated anew",
                file=sys.stderr,
            )
        with progress(f"{len(todo)} runs", quiet=quiet) as report:
            failures = sweep(todo, folder, engine, report)
        for point, reason in failures:
            print(f"gomemsim: {point.label}: {reason}", file=sys.stderr)
        failed.extend(failures)
        if len(failures) == len(todo):
            return None
        table = compare_settings(todo, folder, base)
        print(markdown(table))
        if not quiet:
            print(f"runs: {folder}")
        return table

    failed: list[Outcome] = []
    try:
        if screen:
            screened = compared(settings, place(f"{name}-screen"), FLUID)
            settings = [row.settings for row in screened.rows if row.optimal] if screened else []
            print("\nWhat is Pareto-optimal of these, in detail:\n")
        if settings:
            compared(settings, place(name), *([EVENTS] if screen else []))
    except KeyboardInterrupt:
        print(f"gomemsim: interrupted; {name} has what was done", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    if failed:
        raise typer.Exit(FAILED)


def _engine(jobs: int | None, scheduler: str | None) -> Engine:
    from sim.experiment.processes import ALL_CORES, processes

    if scheduler is None:
        return processes(jobs or ALL_CORES)
    if jobs is not None:
        raise UserError("--jobs: the scheduler knows how many workers it has; leave one out")
    from sim.experiment.cluster import cluster

    return cluster(scheduler)
