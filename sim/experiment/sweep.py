"""A grid of runs: each is stored when it is done, and none is simulated twice.

Whatever ends a sweep, what bears a run's name and a seal is complete, and the next sweep goes on
from there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final, NamedTuple, TypeAlias

from sim.errors import UserError
from sim.experiment.point import Point, Settings, folder_name
from sim.experiment.summaries import write_summary
from sim.experiment.worker import Outcome, clear, is_as_written, prepare, siblings, under_way
from sim.record.parquet import is_run
from sim.record.places import Place, look_again, put
from sim.results.load import any_inside

KIND: Final = "sweep.json"
"""File of a folder: the kind of sweep that is in it."""
EVERY: Final = 0.5
"""Seconds between two looks at runs that go on."""
Engine: TypeAlias = Callable[[Sequence[Point], Place], Iterator[Outcome]]
"""Simulates points into a folder, and tells of each as it ends."""


def stored(point: Point, folder: Place) -> bool:
    """Whether the folder has this run as it was written, and it would come out again."""
    return is_as_written(point, folder / point.name)


class SweepKind(NamedTuple):
    """What is the same for all runs of a sweep, so that they are one table and can be compared."""

    keys: tuple[str, ...]
    """What it varies beside the seed."""
    fixed: Settings
    """What it sets for all."""

    def __str__(self) -> str:
        """In words, such as `GOGC with duration=2s`."""
        fixed = ", ".join(f"{key}={value}" for key, value in self.fixed.items())
        return (", ".join(self.keys) or "seeds alone") + (f" with {fixed}" if fixed else "")

    def folder(self, beside: Place) -> Place:
        """A folder for this kind of sweep alone, whose name begins with that of another one."""
        fixed = [f"{key}-{value}" for key, value in self.fixed.items()]
        name = "-".join([beside.name, *(self.keys or ["seed"]), *fixed])
        return beside.parent / folder_name(name)


def own_folder(points: Sequence[Point], folder: Place) -> Place:
    """The folder itself, or another one where that has a sweep of another kind."""
    return folder if _fits(points, folder) else _kind(points).folder(folder)


def check_folder(points: Sequence[Point], folder: Place) -> None:
    """All runs of a folder are of one kind. Raises UserError if it has a sweep of another one."""
    if points and not _fits(points, folder):
        kind, other = _kind(points), _stored_kind(folder)
        unknown = f"runs, none of them of this sweep, and a {KIND} that is missing or damaged"
        has = unknown if other is None else f"a sweep over {other}"
        raise UserError(
            f"{folder}: has {has}, and this one is over {kind}: expected another folder, such as"
            f" --out {kind.folder(folder)}"
        )


def _fits(points: Sequence[Point], folder: Place) -> bool:
    """Whether points are of the sweep of a folder; where its kind is unknown, whether one is there.

    A sweep of another kind would replace the runs.
    """
    kind = _stored_kind(folder)
    if kind is not None:
        return kind == _kind(points)
    return any_inside(folder) is None or any(stored(point, folder) for point in points)


def _kind(points: Sequence[Point]) -> SweepKind:
    return SweepKind(points[0].keys, points[0].fixed) if points else SweepKind((), {})


def _stored_kind(folder: Place) -> SweepKind | None:
    """The kind of sweep that is in a folder; None if there is none, or nobody knows."""
    if any_inside(folder) is None:
        return None
    try:
        keys, fixed = json.loads((folder / KIND).read_text(encoding="utf-8")).values()
        found = SweepKind(tuple(keys), dict(fixed))
        str(found)
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return found


def kind_is_damaged(folder: Place) -> bool:
    """Whether the folder has a sweep whose kind cannot be read: a sweep writes it anew."""
    return (
        (folder / KIND).is_file()
        and any_inside(folder) is not None
        and (_stored_kind(folder) is None)
    )


def damaged(points: Sequence[Point], folder: Place) -> list[Point]:
    """Points whose stored runs are not as they were written, and are to be simulated anew."""
    return [p for p in points if is_run(folder / p.name) and not stored(p, folder)]


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
    the folder cannot be written to, or has a sweep of another kind.
    """
    check_folder(points, folder)
    prepare(folder)
    put(folder / KIND, json.dumps(_kind(points)._asdict(), indent=1).encode())
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
