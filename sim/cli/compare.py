"""`gomemsim compare`: many settings of one config in one table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.options import Quiet, Sets
from sim.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.experiment.sweep import Failure

INTERRUPTED = 130
FAILED = 1


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
    out: Annotated[
        Path | None, typer.Option(help="Folder for the runs [default: results/sweep-CONFIG].")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes [default: all cores].")] = None,
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

    from sim.experiment.sweep import ALL_CORES, sweep
    from sim.experiment.table import compare_settings, find_baseline, markdown

    base = find_baseline(settings, values(baseline or ""))
    todo = points(config, settings, seeds, sets or ())
    folder = out or Path("results") / f"sweep-{config.stem}"
    try:
        with progress(f"{len(todo)} runs", quiet=quiet) as report:
            failures = sweep(todo, folder, report, jobs or ALL_CORES)
    except KeyboardInterrupt:
        print(f"gomemsim: interrupted; {folder} has what was done", file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    _complain(failures)
    if len(failures) < len(todo):
        print(markdown(compare_settings(todo, folder, base)))
        if not quiet:
            print(f"runs: {folder}")
    if failures:
        raise typer.Exit(FAILED)


def _complain(failures: Sequence[Failure]) -> None:
    for point, reason in failures:
        print(f"gomemsim: {point.label}: {reason}", file=sys.stderr)
