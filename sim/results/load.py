"""Runs from their folders."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from glob import escape, glob
from pathlib import Path
from typing import Final

from sim.errors import UserError
from sim.record.parquet import is_run, read_table
from sim.results.result import Result, Results

SETTINGS: Final = "settings.json"
"""File of a run in a sweep: the keys that the sweep varies, and their values here."""
_WILD: Final = frozenset("*?[")


def load(path: str | Path) -> Result | Results:
    """The run in a folder, or all runs that match a pattern such as `results/sweep-*`.

    Raises UserError if there is none, or if the runs come from different versions.
    """
    return load_runs(str(path)) if _WILD & set(str(path)) else load_run(path)


def load_run(folder: str | Path) -> Result:
    """The run in a folder. Raises UserError if there is none."""
    path = Path(folder)
    if not path.is_dir():
        raise UserError(f"{path}: no such folder")
    if not is_run(path):
        raise UserError(f"{path}: not a run: it has no run.parquet{_hint(path)}")
    return Result(str(path), partial(read_table, path), _settings(path))


def load_runs(pattern: str) -> Results:
    """The runs whose folders match a pattern; other folders are passed over.

    Where the pattern matches sweeps and no runs, the runs of these sweeps. Raises UserError if
    there are none, or if they come from different versions of the simulator.
    """
    folders = glob(pattern, recursive=True)  # noqa: PTH207  absolute, too
    runs = _runs(folders) or _runs(run for folder in folders for run in _inside(folder))
    if not runs:
        raise UserError(f"{pattern}: no folder that matches holds a run")
    return Results(runs)


def _inside(folder: str) -> list[str]:
    """Folders in a folder; hidden ones are runs that grow."""
    return glob(f"{escape(folder)}/*")  # noqa: PTH207


def _runs(folders: Iterable[str]) -> dict[str, Result]:
    paths = map(Path, folders)
    return {str(path): load_run(path) for path in paths if is_run(path)}


def _settings(folder: Path) -> Mapping[str, str]:
    path = folder / SETTINGS
    if not path.is_file():
        return {}
    try:
        settings: Mapping[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError(f"{path}: damaged") from None
    return settings


def _hint(path: Path) -> str:
    """A folder of a sweep is often given in place of the runs in it."""
    inside = sum(is_run(folder) for folder in path.iterdir() if folder.is_dir())
    return f" (did you mean the {inside} runs in '{path}/*'?)" if inside else ""
