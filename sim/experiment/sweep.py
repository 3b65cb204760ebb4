"""A grid of runs: each is stored when it is done, and none is simulated twice.

Whatever ends a sweep, what bears a run's name and a seal is complete, and the next sweep goes on
from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final, TypeAlias

from sim.errors import UserError
from sim.experiment.point import Point, folder_name
from sim.experiment.summaries import write_summary
from sim.experiment.worker import Outcome, clear, prepare, siblings, under_way
from sim.record.parquet import is_sealed
from sim.record.places import Place, look_again
from sim.results.load import any_inside

EVERY: Final = 0.5
"""Seconds between two looks at runs that go on."""
Engine: TypeAlias = Callable[[Sequence[Point], Place], Iterator[Outcome]]
"""Simulates points into a folder, and tells of each as it ends."""


def stored(point: Point, folder: Place) -> bool:
    """Whether the sweep in the folder has this run, and it would come out again."""
    return is_sealed(folder / point.name)


def own_folder(keys: Sequence[str], folder: Place) -> Place:
    """The folder itself, or one of its name and the keys where a sweep over other keys is in it."""
    if _other_keys(keys, folder) is None:
        return folder
    return folder.parent / "-".join([folder.name, *map(folder_name, keys or ["seed"])])


def check_keys(points: Sequence[Point], folder: Place) -> None:
    """All runs of a folder vary the same keys, so that all its tables have the same columns.

    Raises UserError if the folder has runs of a sweep over other keys.
    """
    for point in points[:1]:
        other = _other_keys(point.keys, folder)
        if other is not None:
            raise UserError(
                f"{folder}: has a sweep over {_listed(other)}, and this one is over"
                f" {_listed(point.keys)}: expected another folder, such as --out"
                f" {own_folder(point.keys, folder)}"
            )


def _other_keys(keys: Sequence[str], folder: Place) -> tuple[str, ...] | None:
    """The keys of the sweep that is in a folder, if they are others."""
    run = any_inside(folder)
    found = tuple(keys if run is None else run.settings)
    return None if found == tuple(keys) else found


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(keys) or "seeds alone"


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
    the folder cannot be written to, or has a sweep over other keys.
    """
    check_keys(points, folder)
    prepare(folder)
    left = [point for point in points if not stored(point, folder)]
    failures = []
    try:
        with _watched(folder, len(points), progress) as ended:
            ended(len(points) - len(left))
            for outcome in engine(left, folder) if left else ():
                ended(1)
                if outcome.reason:
                    failures.append(outcome)
    finally:
        look_again(folder)
        clear(folder)
        write_summary(folder)
    return failures


@contextmanager
def _watched(
    folder: Place, count: int, progress: Callable[[float], None] | None
) -> Iterator[Callable[[int], None]]:
    """Tell how far a sweep is, also within its runs; what it gives takes runs that ended."""
    done, told, over = [0], [0.0], Event()

    def tell() -> None:
        told[0] = max(told[0], min(1.0, (done[0] + under_way(folder)) / max(count, 1)))
        if progress is not None:
            progress(told[0])

    def watch() -> None:
        while not over.wait(EVERY):
            tell()

    def ended(runs: int) -> None:
        done[0] += runs
        tell()

    thread = Thread(target=watch, daemon=True)
    if progress is not None:
        thread.start()
    try:
        yield ended
    finally:
        over.set()
        if progress is not None:
            thread.join()
