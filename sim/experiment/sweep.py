"""A grid of runs: each is stored when it is done, and none is simulated twice.

Whatever ends a sweep, what bears a run's name and a seal is complete, and the next sweep goes on
from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from sim.experiment.point import Point
from sim.experiment.summaries import write_summary
from sim.experiment.worker import Outcome, clear, prepare, siblings
from sim.record.parquet import is_sealed
from sim.record.places import Place, look_again

Engine: TypeAlias = Callable[[Sequence[Point], Place], Iterator[Outcome]]
"""Simulates points into a folder, and tells of each as it ends."""


def stored(point: Point, folder: Place) -> bool:
    """Whether the sweep in the folder has this run, and it would come out again."""
    return is_sealed(folder / point.name)


def outdated(points: Sequence[Point], folder: Place) -> list[Point]:
    """Points that were stored under another config or provenance, and are to be simulated anew."""
    return [p for p in points if not stored(p, folder) and siblings(p, folder)]


def sweep(
    points: Sequence[Point],
    folder: Place,
    engine: Engine,
    progress: Callable[[float], None] | None = None,
) -> list[Outcome]:
    """Simulate the points that the folder lacks; return those that failed, and why.

    The summary of all runs in the folder is renewed, also when the sweep is stopped.

    A failure, even the death of a worker process, does not touch the other points. A point whose
    config or provenance changed replaces what was stored under its settings. Raises UserError if
    the folder cannot be written to.
    """
    prepare(folder)
    left = [point for point in points if not stored(point, folder)]
    done, failures = len(points) - len(left), []
    if progress is not None:
        progress(done / max(len(points), 1))
    try:
        for outcome in engine(left, folder) if left else ():
            done += 1
            if outcome.reason:
                failures.append(outcome)
            if progress is not None:
                progress(done / len(points))
    finally:
        look_again(folder)
        clear(folder)
        write_summary(folder)
    return failures
