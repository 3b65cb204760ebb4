"""`gomemsim run`: simulate one config."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sim.cli.files import folder_path, write_json
from sim.cli.options import Json, Quiet, Sets
from sim.cli.progress import in_words, progress
from sim.cli.terminal import notify, say
from sim.quantities import MOST_SEED
from sim.units import MINUTE, format_duration

if TYPE_CHECKING:
    from sim.config.run import RunConfig
    from sim.results.result import Result

LONG: Final = 10 * MINUTE
"""Of simulated time as rates: from here on it is told beforehand what a run costs."""


def run(
    config: Annotated[Path, typer.Argument(help="A config, a workload or the name of an example.")],
    sets: Sets = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=MOST_SEED, help="Seed of all random streams.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=folder_path,
            metavar="DIR",
            help="Folder for the tables [default: ./results/CONFIG].",
        ),
    ] = None,
    gctrace: Annotated[
        bool, typer.Option("--gctrace", help="Print what GODEBUG=gctrace=1 would.")
    ] = False,
    gcpacertrace: Annotated[
        bool, typer.Option("--gcpacertrace", help="Print what GODEBUG=gcpacertrace=1 would.")
    ] = False,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Simulate a program under the Go runtime."""
    from sim.config import load

    seeded = [] if seed is None else [f"seed={seed}"]
    settings = load(config, [*(sets or ()), *seeded])

    from sim.record.parquet import is_run
    from sim.report.verdict import of_run
    from sim.simulation import simulate

    folder = out or Path("results") / config.stem
    before = ", in place of the run that was there" if is_run(folder) else ""
    expected = math.nan if quiet else _announced(settings)
    with progress(config.stem, quiet=quiet, expected=expected) as report:
        result = simulate(settings, out=folder, progress=report)
    if write_json(json, lambda: _document(result)):
        return
    if gctrace:
        print(result.gctrace(), end="")
    if gcpacertrace:
        print(result.gcpacertrace(), end="")
    if quiet and (gctrace or gcpacertrace):
        return
    say(*of_run(result), "", str(result.summary()), *map(str, result.diagnose()))
    print(f"tables: {folder}{before}")


def _document(result: Result) -> object:
    from sim.report.documents import of_result

    return of_result(result)


def _announced(settings: RunConfig) -> float:
    """Say what a run costs that may take minutes; NaN if there is nothing to say."""
    model, duration = settings.model, settings.longest
    if model.resolution == "refill":
        what = "every refill an event"
    elif model.detail == "fluid" and duration >= LONG:
        what = f"{format_duration(duration)} as rates"
    else:
        return math.nan
    from sim.experiment.cost import run_cost

    seconds = run_cost(settings)
    if not math.isnan(seconds):
        notify(f"{what}: about {in_words(seconds)} of CPU time")
    return seconds
