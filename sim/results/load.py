"""Runs from their folders."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from sim.errors import UserError
from sim.record.damage import damage
from sim.record.parquet import is_run, is_sealed, read_table
from sim.record.places import Place, matching, place
from sim.results.result import Result, Results
from sim.text import visible

SETTINGS: Final = "settings.json"
"""File of a run in a sweep: the keys that the sweep varies, and their values here."""
SWEPT: Final = "run="
"""The folder of a run in a sweep begins so."""
_WILD: Final = frozenset("*?[")


def load(path: str | Place) -> Result | Results:
    """The run in a folder, or all runs of a sweep or that match a pattern, `results/sweep-*`.

    Folders may be URLs of any file system that fsspec knows, such as `s3://bucket/sweep-*`.

    Raises UserError if there is none, or if the runs come from different versions.
    """
    if _WILD & set(str(path)):
        return load_runs(str(path))
    folder = place(path)
    if is_run(folder) or not (runs := _runs(_inside(folder))):
        return load_run(folder)
    return Results(runs)


def load_all(paths: Iterable[str | Place]) -> Results:
    """All runs of several folders, sweeps and patterns.

    Raises UserError if one holds none, or if the runs come from different versions.
    """
    found: dict[str, Result] = {}
    for path in paths:
        loaded = load(path)
        found |= {loaded.name: loaded} if isinstance(loaded, Result) else dict(loaded)
    return Results(found)


def load_run(folder: str | Place) -> Result:
    """The run in a folder. Raises UserError if there is none."""
    path = place(folder)
    if not path.is_dir():
        raise UserError(f"{path}: no such folder")
    if not is_run(path):
        raise UserError(f"{path}: not a run: it has no run.parquet")
    if found := damage_of(path):
        raise UserError(
            f"{path}: damaged: {found}: simulate it again, as compare does, or delete the folder"
        )
    return Result(visible(str(path)), partial(read_table, path), _settings(path))


def load_runs(pattern: str) -> Results:
    """The runs whose folders match a pattern; other folders are passed over.

    Where the pattern matches sweeps and no runs, the runs of these sweeps. Raises UserError if
    there are none, or if they come from different versions of the simulator.
    """
    folders = matching(pattern)
    runs = _runs(folders) or _runs(run for folder in folders for run in _inside(folder))
    if not runs:
        raise UserError(f"{pattern}: no folder that matches holds a run")
    return Results(runs)


def load_inside(folder: Place) -> dict[str, Result]:
    """All runs of a sweep by name, whatever version they come from; none of other folders.

    Those that are damaged are left out: see `damaged_inside`.
    """
    return dict(sorted(_runs(run for run in _inside(folder) if not damage_of(run)).items()))


def damaged_inside(folder: Place) -> dict[Place, str]:
    """The runs of a sweep that are not as they were written, and what is wrong with each."""
    return {run: found for run in _inside(folder) if (found := damage_of(run))}


def any_inside(folder: Place) -> Place | None:
    """The folder of a run of a sweep; None if it has none."""
    return next(filter(is_run, _inside(folder)), None)


def damage_of(folder: Place) -> str:
    """Which file of a run is not as it was written, its settings too; empty if none is."""
    if is_sealed(folder) and folder.name.startswith(SWEPT) and not (folder / SETTINGS).is_file():
        return f"{SETTINGS} is missing"
    return damage(folder)


def _inside(folder: Place) -> Iterator[Place]:
    """What is in a folder, and in its folders `key=value`; hidden folders are runs that grow."""
    for inner in folder.iterdir() if folder.is_dir() else ():
        if _is_partition(inner.name) and not is_run(inner):
            yield from _inside(inner)
        elif not inner.name.startswith("."):
            yield inner


def _is_partition(name: str) -> bool:
    return "=" in name and not name.startswith(".")


def sweep_of(run: str) -> str:
    """The folder of the sweep that a run with this name is of: it has no `key=value`."""
    *folders, own = re.split(r"[/\\]", run)
    while _is_partition(own) and folders and _is_partition(folders[-1]):
        folders.pop()
    return "/".join(folders)


def _runs(folders: Iterable[Place]) -> dict[str, Result]:
    return {visible(str(folder)): load_run(folder) for folder in folders if is_run(folder)}


def _settings(folder: Place) -> Mapping[str, str]:
    path = folder / SETTINGS
    if not path.is_file():
        return {}
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        settings = None
    if not isinstance(settings, dict) or not all(isinstance(v, str) for v in settings.values()):
        raise UserError(f"{path}: damaged: expected the settings of a run, each a text")
    return {visible(key): visible(value) for key, value in settings.items()}
