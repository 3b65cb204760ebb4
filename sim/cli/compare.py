"""`gomemsim compare`: many settings of one config in one table."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import folder, writable, write_json
from sim.cli.options import Jobs, Json, Quiet, Sets
from sim.cli.sweeping import FAILED, SimulationWorkers, local, simulated
from sim.cli.tables import table
from sim.cli.terminal import say, width
from sim.errors import UserError
from sim.files import write
from sim.quantities import MOST_RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.experiment.groups import Groups
    from sim.experiment.point import Point, Settings
    from sim.experiment.sequential import PrecisionGoal
    from sim.experiment.table import Comparison
    from sim.experiment.worker import Outcome
    from sim.record.places import Place

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
        typer.Option(
            metavar="KEY=A,B", help="Values of any other key; KEY=LOW..HIGH for a sampled design."
        ),
    ] = None,
    design: Annotated[
        str, typer.Option(metavar="grid|oat|lhs:N|random:N", help="Which combinations to run.")
    ] = "grid",
    sets: Sets = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="Runs per setting, from the config's seed.")
    ] = 5,
    precision: Annotated[
        str | None,
        typer.Option(metavar="N%", help="Add seeds until the mean of every figure is so exact."),
    ] = None,
    max_seeds: Annotated[
        int, typer.Option(min=1, max=MOST_RUNS, help="Most seeds that --precision may take.")
    ] = 50,
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
    table: Annotated[
        Path | None,
        typer.Option(
            callback=writable,
            help="Write the comparison to a file as well: .csv, .parquet or .json.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            parser=folder,
            metavar="DIR|URL",
            help="Folder for the runs [default: results/sweep-CONFIG, or another for other --set].",
        ),
    ] = None,
    jobs: Jobs = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT", help="Dask scheduler whose workers are to simulate."
        ),
    ] = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Simulate combinations of settings and print what each costs.

    Runs are stored one by one: the same command goes on where it was stopped. Runs whose config
    has changed are replaced; --out keeps them apart.
    """
    from sim.experiment.design import design as settings_of
    from sim.experiment.design import values

    named = {"GOGC": gogc, "GOMEMLIMIT": gomemlimit, "GOMAXPROCS": gomaxprocs}
    axes = [f"{key}={text}" for key, text in named.items() if text is not None]
    settings = settings_of(design, [*axes, *(vary or ())])

    from sim.experiment.sequential import PrecisionGoal
    from sim.experiment.table import find_baseline
    from sim.experiment.tidy import check_suffix
    from sim.record.places import place

    if table is not None:
        check_suffix(table)
    base = find_baseline(settings, values(baseline or ""))
    name = out or f"results/sweep-{config.stem}"
    folder, screens = place(name), place(f"{name}-screen")
    wanted = None if precision is None else PrecisionGoal.parse(precision, max_seeds)
    job = _Job(
        config, sets or [], seeds, wanted, base, _workers(jobs, scheduler), table, json, quiet
    )
    detail = [EVENTS] if screen else []
    if out is None:
        folder = job.own_folder(settings, folder, detail)
        screens = job.own_folder(settings, screens, [FLUID]) if screen else screens
    try:
        if screen:
            screened = job.compared(settings, screens, FLUID)
            settings = screened.worth_having(settings) if screened else []
            if json is None and screened is not None:
                job.tell(screened)
                print("\nWhat is Pareto-optimal of these, in detail:\n")
        if settings:
            job.run(settings, folder, *detail)
    except KeyboardInterrupt as error:
        error.add_note(f"{folder} has what was done")
        raise
    if job.failed:
        raise typer.Exit(FAILED)


@dataclass
class _Job:
    """What one command wants of each of its sweeps."""

    config: Path
    sets: list[str]
    seeds: int
    precision: PrecisionGoal | None
    baseline: Settings
    workers: SimulationWorkers
    table: Path | None
    json: Path | None
    quiet: bool
    failed: list[Outcome] = field(default_factory=list)
    outcome: str = ""
    """What became of the precision that is wanted."""

    def own_folder(
        self, settings: Sequence[Settings], folder: Place, detail: Sequence[str]
    ) -> Place:
        """The folder, or another one where that has a sweep of another kind."""
        from sim.experiment.grid import points
        from sim.experiment.sweep import own_folder

        return own_folder(points(self.config, settings[:1], 1, [*self.sets, *detail]), folder)

    def run(self, settings: Sequence[Settings], folder: Place, *detail: str) -> None:
        """Simulate what is not stored, and tell and write what is wanted."""
        from sim.experiment.tidy import comparison_frame, serialized
        from sim.report.documents import of_comparison

        compared = self.compared(settings, folder, *detail)
        if compared is None:
            return
        if self.table is not None:
            write(self.table, serialized(comparison_frame(compared), self.table.suffix))
        if write_json(self.json, lambda: of_comparison(compared)):
            return
        self.tell(compared)
        if not self.quiet:
            print(f"runs: {folder}")

    def compared(
        self, settings: Sequence[Settings], folder: Place, *detail: str
    ) -> Comparison | None:
        """The settings side by side, simulated where they are not stored; None if all failed."""
        from sim.experiment.table import compare_groups

        groups = self.groups(settings, folder, detail)
        if groups is None:
            return None
        if self.precision is not None:
            self.outcome = self.precision.outcome(groups.samples())
        return compare_groups(groups, self.baseline)

    def tell(self, compared: Comparison) -> None:
        """Print the verdict, the table and what its signs mean."""
        from sim.experiment.markdown import legend, shown
        from sim.report.verdict import of_comparison
        from sim.results.names import head

        rows = [{head(name): cell.text for name, cell in row.items()} for row in shown(compared)]
        keys = list(rows[0])[: list(rows[0]).index("Pareto")]
        text = table(rows, keys, width())
        say(*of_comparison(compared), "")
        print(text, "", sep="\n")
        say(*legend(compared), *filter(None, [self.outcome]))

    def groups(
        self, settings: Sequence[Settings], folder: Place, detail: Sequence[str]
    ) -> Groups | None:
        """The runs with as many seeds as are wanted; None if all failed."""
        from sim.experiment.grid import points
        from sim.experiment.groups import stored_groups

        seeds = self.seeds
        while True:
            todo = points(self.config, settings, seeds, [*self.sets, *detail])
            if self.simulate(todo, folder) == len(todo):
                return None
            groups = stored_groups(todo, folder)
            if self.precision is None or self.failed:
                return groups
            known = self.precision.seeds(groups.samples(), seeds)
            if known <= seeds:
                return groups
            seeds = known

    def simulate(self, todo: Sequence[Point], folder: Place) -> int:
        """Simulate what is not stored; how many runs failed."""
        failures = simulated(todo, folder, self.workers, quiet=self.quiet)
        self.failed += failures
        return len(failures)


def _workers(jobs: int | None, scheduler: str | None) -> SimulationWorkers:
    if scheduler is None:
        return local(jobs)
    if jobs is not None:
        raise UserError("--jobs: the scheduler knows how many workers it has; leave one out")
    from sim.experiment.cluster import cluster

    return SimulationWorkers(cluster(scheduler), 0)
