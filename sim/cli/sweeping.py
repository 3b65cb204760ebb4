"""Simulating a sweep from the command line: what it will cost, how far it is, what failed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import typer

from sim.cli.progress import in_words, progress
from sim.cli.terminal import notify

if TYPE_CHECKING:
    from sim.experiment.point import Point
    from sim.experiment.sweep import Engine
    from sim.experiment.worker import Outcome
    from sim.record.places import Place

MOST_TOLD: Final = 3
"""Runs that failed for one reason and are named one by one."""
FAILED: Final = 1
"""Exit code where a run has failed."""


class SimulationWorkers(NamedTuple):
    """Who simulates."""

    engine: Engine
    processes: int
    """Processes that share the work; 0 if nobody knows."""


def local(jobs: int | None) -> SimulationWorkers:
    """Processes of this machine, as many as it has cores unless it is said how many."""
    import joblib

    from sim.experiment.processes import processes

    count = jobs or joblib.cpu_count()
    return SimulationWorkers(processes(count), count)


def simulated(
    points: Sequence[Point], folder: Place, workers: SimulationWorkers, *, quiet: bool
) -> list[Outcome]:
    """Simulate what the folder lacks; the points that failed, of each of which it is said why."""
    from sim.experiment.sweep import check_folder, outdated, stored, sweep

    check_folder(points, folder)
    _tell_damage(points, folder)
    if old := outdated(points, folder):
        notify(
            f"{folder}: {len(old)} of {len(points)} runs are outdated (the config,"
            " gomemsim, a plug-in, the machine profile, Python or a library has changed) and"
            " are simulated anew"
        )
    left = sum(not stored(point, folder) for point in points)
    expected = (
        math.nan if quiet or not left else _announced(points, folder, left, workers.processes)
    )
    with progress(f"{len(points)} runs", quiet=quiet, expected=expected) as report:
        failures = sweep(points, folder, workers.engine, report)
    for reason in dict.fromkeys(outcome.reason for outcome in failures):
        same = [point.label for point, why in failures if why == reason]
        also = f" (and so {len(same) - 1} more runs)" if len(same) > MOST_TOLD else ""
        for label in same[:1] if also else same:
            notify(f"{label}: {reason}{also}")
    return failures


def _tell_damage(points: Sequence[Point], folder: Place) -> None:
    """Say what of a folder is not as it was written."""
    from sim.experiment.sweep import KIND, damaged, kind_is_damaged
    from sim.results.load import damaged_inside

    if kind_is_damaged(folder):
        notify(f"{folder / KIND}: damaged: what the sweep varies and sets is written anew")
    if mine := damaged(points, folder):
        notify(
            f"{folder}: {len(mine)} of {len(points)} runs are damaged, such as that of"
            f" {mine[0].label}, and are simulated anew"
        )
    names = {folder / point.name for point in points}
    for run, found in damaged_inside(folder).items():
        if run not in names:
            notify(f"{run}: damaged: {found}: left out of the summary")


def all_simulated(points: Sequence[Point], folder: Place, jobs: int | None, *, quiet: bool) -> None:
    """Simulate what is not stored, on this machine. Raises typer.Exit if a run has failed."""
    if simulated(points, folder, local(jobs), quiet=quiet):
        raise typer.Exit(FAILED)


def _announced(points: Sequence[Point], folder: Place, left: int, processes: int) -> float:
    """Say what a sweep will cost; the seconds that it will take, NaN if nobody knows."""
    from sim.experiment.cost import sweep_cost

    cpu = sweep_cost(points, folder)
    if math.isnan(cpu):
        return math.nan
    seconds = cpu / min(processes, left) if processes else math.nan
    cores = min(processes, left)
    wall = f", {in_words(seconds)} on {cores} cores" if cores > 1 else ""
    runs = "1 run" if left == 1 else f"{left} runs"
    notify(f"{runs}: about {in_words(cpu)} of CPU time{wall}")
    return seconds
