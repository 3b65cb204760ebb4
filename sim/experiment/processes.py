"""Points in processes of this machine."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Final

import joblib
import psutil
from joblib.externals.loky.process_executor import TerminatedWorkerError

from sim.experiment.point import Point
from sim.experiment.sweep import Engine, stored
from sim.experiment.worker import Outcome, simulate_point
from sim.record.places import Place

ALL_CORES: Final = -1
ORPHANED: Final = 1
"""Exit code of a process whose sweep was killed."""
DIED: Final = "its process died: out of memory?"


def processes(jobs: int = ALL_CORES) -> Engine:
    """Runs points in so many processes of this machine."""
    return partial(_in_processes, jobs)


def _in_processes(jobs: int, points: Sequence[Point], folder: Place) -> Iterator[Outcome]:
    """A process that dies takes the whole pool with it, and nobody tells which point killed it.

    The points that are left run again in halves, until the culprit is alone.
    """
    told: set[str] = set()
    try:
        for outcome in _pool(jobs, points, folder):
            told.add(outcome.point.name)
            yield outcome
    except TerminatedWorkerError:
        left = [point for point in points if point.name not in told]
        ended = [point for point in left if stored(point, folder)]
        yield from (Outcome(point, "") for point in ended)
        left = [point for point in left if point not in ended]
        if len(points) == 1:
            yield from (Outcome(point, DIED) for point in left)
            return
        half = (len(left) + 1) // 2
        yield from _in_processes(jobs, left[:half], folder)
        yield from _in_processes(jobs, left[half:], folder)


def _pool(jobs: int, points: Sequence[Point], folder: Place) -> Iterator[Outcome]:
    pool = joblib.Parallel(
        n_jobs=jobs, backend="loky", batch_size=1, return_as="generator_unordered"
    )
    with warnings.catch_warnings():
        # An idle worker that goes home early is no news.
        warnings.filterwarnings("ignore", message="A worker stopped", category=UserWarning)
        me = os.getpid()
        # Idle workers stay in the folder in which this process was when they started.
        place = folder.absolute() if isinstance(folder, Path) else folder
        yield from pool(joblib.delayed(_outcome)(point, place, me) for point in points)


def _outcome(point: Point, folder: Place, parent: int) -> Outcome:
    if parent != os.getpid():
        _end_with(parent)
    return Outcome(point, simulate_point(point, folder))


@cache
def _end_with(parent: int) -> None:
    """End this process when that one does, however it does: nobody waits for its points."""

    def watch() -> None:
        with suppress(psutil.NoSuchProcess):
            psutil.Process(parent).wait()
        os._exit(ORPHANED)

    threading.Thread(target=watch, daemon=True).start()
