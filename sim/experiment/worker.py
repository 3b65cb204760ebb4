"""One run in a worker: it is stored whole or not at all.

In a folder of this machine a run grows hidden and is renamed when it is whole. To other places a
whole run is copied, the file that seals it last.
"""

from __future__ import annotations

import json
import math
import os
import platform
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Final, NamedTuple

import psutil

from sim.config import load
from sim.config.provenance import provenance
from sim.errors import UserError
from sim.experiment.point import Point
from sim.files import reason
from sim.record.damage import is_whole
from sim.record.parquet import is_run, sealed_path
from sim.record.places import Place, put, remove
from sim.results.load import SETTINGS
from sim.simulation import simulate

if TYPE_CHECKING:
    from upath import UPath

PROGRESS: Final = "progress"
"""File in the folder of a run that grows: what fraction of it is done."""
NOTED: Final = 0.1
"""Seconds between two notes of it; a sweep looks less often."""
_PARTIAL: Final = re.compile(r"\..*\.(\d+)@(.*)\.partial")


class Outcome(NamedTuple):
    """What became of a point."""

    point: Point
    reason: str
    """Why it has no result; empty if it has."""


def simulate_point(point: Point, folder: Place) -> str:
    """Simulate and store; return why that was impossible, empty if it was not.

    A run whose config or provenance changed replaces what was stored under its settings.
    """
    try:
        if isinstance(folder, Path):
            _grow(point, folder)
        else:
            _send(point, folder)
        for outdated in siblings(point, folder):
            remove(outdated)
    except Exception as error:  # noqa: BLE001  whatever it is, the other points go on
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        return f"{kind}{error}"
    return ""


def siblings(point: Point, folder: Place) -> list[Place]:
    """Stored runs of a point under another config or provenance."""
    mine = folder / point.name
    if not mine.parent.is_dir():
        return []
    return [path for path in mine.parent.iterdir() if is_run(path) and path.name != mine.name]


def prepare(folder: Place) -> None:
    """Make the folder, and clear it (see `clear`). Raises UserError if that is impossible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        clear(folder)
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        told = reason(error) if isinstance(error, OSError) else error
        raise UserError(f"{folder}: cannot keep runs there: {told}") from None


def clear(folder: Place) -> None:
    """Delete what processes of this machine left that were killed; elsewhere, no run grows."""
    for path in list(folder.iterdir()) if isinstance(folder, Path) else ():
        owner = _PARTIAL.fullmatch(path.name)
        if owner and owner[2] == platform.node() and not _alive(int(owner[1])):
            remove(path)


def _grow(point: Point, folder: Path) -> None:
    final = folder / point.name
    growing = folder / f".{final.name}.{os.getpid()}@{platform.node()}.partial"
    try:
        _simulate(point, growing, _noting(growing / PROGRESS))
        (growing / PROGRESS).unlink(missing_ok=True)
        final.parent.mkdir(parents=True, exist_ok=True)
        _make_room(point, final)
        growing.rename(final)
    except KeyboardInterrupt as interruption:
        vars(interruption).pop("__notes__", None)  # where the part of a run is: it is not kept
        raise
    except OSError:
        if not is_whole(final):  # by another sweep, a moment earlier
            raise
    finally:
        remove(growing)


def _send(point: Point, folder: UPath) -> None:
    final = folder / point.name
    with TemporaryDirectory(prefix="gomemsim-") as scratch:
        made = Path(scratch) / "run"
        _simulate(point, made)
        seal = sealed_path(made, "run")
        _make_room(point, final)
        final.mkdir(parents=True, exist_ok=True)
        for file in sorted(made.iterdir(), key=lambda file: (file == seal, file.name)):
            put(final / file.name, file.read_bytes())


def settings_file(point: Point) -> bytes:
    """What a run's folder says of what its sweep varies."""
    return json.dumps(dict(point.settings), indent=1).encode()


def is_as_written(point: Point, run: Place) -> bool:
    """Whether the folder has the run of this point, and all of it as it was written."""
    try:
        return is_whole(run) and (run / SETTINGS).read_bytes() == settings_file(point)
    except OSError:
        return False


def _make_room(point: Point, final: Place) -> None:
    """Delete a run that is not as it was written."""
    if not is_as_written(point, final):
        remove(final)


def under_way(folder: Place) -> float:
    """The runs that grow in a folder of this machine: the sum of what is done of each."""
    files = folder.glob(f".*.partial/{PROGRESS}") if isinstance(folder, Path) else ()
    return sum(map(_noted, files))


def _noting(file: Path) -> Callable[[float], None]:
    """Notes in a file how far a run is, no more often than somebody looks."""
    noted = -math.inf

    def note(fraction: float) -> None:
        nonlocal noted
        if monotonic() - noted < NOTED:
            return
        with suppress(OSError):  # what it costs the run will say the run itself
            file.write_text(f"{fraction:.4f}", encoding="utf-8")
        noted = monotonic()

    return note


def _noted(file: Path) -> float:
    try:
        return float(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # it has just ended, or is being written
        return 0.0


def _simulate(point: Point, folder: Path, progress: Callable[[float], None] | None = None) -> None:
    config = load(point.config)
    if provenance(config) != point.provenance:
        raise UserError(
            "gomemsim, a plug-in or the machine profile is not the one with which the sweep began;"
            " start it again"
        )
    simulate(config, out=folder, progress=progress)
    (folder / SETTINGS).write_bytes(settings_file(point))


def _alive(process: int) -> bool:
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
