"""A grid of runs on all cores: each is stored when it is done, and none is simulated twice.

A run grows in a hidden folder and is renamed when it is whole: whatever ends a sweep, what bears
a run's name is complete, and the next sweep goes on from there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from sim.config import load
from sim.errors import UserError
from sim.experiment.point import HASH_DIGITS, Point
from sim.record.parquet import is_sealed
from sim.results.load import SETTINGS
from sim.simulation import simulate

ALL_CORES: Final = -1
_PARTIAL: Final = re.compile(r"\..*\.(\d+)\.partial")


class Failure(NamedTuple):
    """A point that has no result, and why."""

    point: Point
    reason: str


def stored(point: Point, folder: Path) -> bool:
    """Whether the sweep in the folder has this run, under this config and version."""
    return is_sealed(folder / point.name)


def sweep(
    points: Sequence[Point],
    folder: Path,
    progress: Callable[[float], None] | None = None,
    jobs: int = ALL_CORES,
) -> list[Failure]:
    """Simulate the points that the folder lacks; return those that failed.

    A failure, even the death of a worker process, does not touch the other points. A point whose
    config or version changed replaces what was stored under its label. Raises UserError if the
    folder cannot be written to.
    """
    _prepare(folder)
    left = [point for point in points if not stored(point, folder)]
    done, failures = len(points) - len(left), []
    if progress is not None:
        progress(done / max(len(points), 1))
    for point, reason in _parallel(left, folder, jobs):
        done += 1
        if reason:
            failures.append(Failure(point, reason))
        if progress is not None:
            progress(done / len(points))
    return failures


def _parallel(points: Sequence[Point], folder: Path, jobs: int) -> Iterator[tuple[Point, str]]:
    """Each point and why it failed, empty if it did not, as they end.

    A process that dies takes the whole pool with it. Who killed it, nobody tells: the points that
    are left run again in halves, until the culprit is alone.
    """
    told: set[str] = set()
    tasks = [joblib.delayed(_simulate)(point, folder) for point in points]
    pool = joblib.Parallel(
        n_jobs=jobs, backend="loky", batch_size=1, return_as="generator_unordered"
    )
    by_name = {point.name: point for point in points}
    try:
        with warnings.catch_warnings():
            # An idle worker that goes home early is no news.
            warnings.filterwarnings("ignore", message="A worker stopped", category=UserWarning)
            for name, reason in pool(tasks):
                told.add(name)
                yield by_name[name], reason
    except TerminatedWorkerError:
        left = [point for point in points if point.name not in told]
        ended = [point for point in left if stored(point, folder)]
        yield from ((point, "") for point in ended)
        left = [point for point in left if point not in ended]
        if len(points) == 1:
            yield from ((point, "its process died: out of memory?") for point in left)
            return
        half = (len(left) + 1) // 2
        yield from _parallel(left[:half], folder, jobs)
        yield from _parallel(left[half:], folder, jobs)


def _simulate(point: Point, folder: Path) -> tuple[str, str]:
    """In a worker: run, and store whole or not at all."""
    growing = folder / f".{point.name}.{os.getpid()}.partial"
    try:
        simulate(load(point.config), out=growing)
        text = json.dumps(dict(point.settings), indent=1)
        (growing / SETTINGS).write_text(text, encoding="utf-8")
        _replace(growing, folder / point.name)
    except Exception as error:  # noqa: BLE001  whatever it is, the other points go on
        shutil.rmtree(growing, ignore_errors=True)
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        return point.name, f"{kind}{error}"
    for outdated in folder.glob(point.label + "-" + "[0-9a-f]" * HASH_DIGITS):
        if outdated.name != point.name:
            shutil.rmtree(outdated, ignore_errors=True)
    return point.name, ""


def _replace(growing: Path, final: Path) -> None:
    """Rename, unless another sweep had the same run a moment earlier."""
    try:
        growing.rename(final)
    except OSError:
        if not is_sealed(final):
            raise
        shutil.rmtree(growing, ignore_errors=True)


def _prepare(folder: Path) -> None:
    """Make the folder, and clear away what processes left that were killed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            owner = _PARTIAL.fullmatch(path.name)
            if owner and not _alive(int(owner[1])):
                shutil.rmtree(path, ignore_errors=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot keep runs there: {error.strerror or error}") from None


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
