"""Runs from their folders."""

from __future__ import annotations

from functools import partial
from glob import glob
from pathlib import Path

from sim.errors import UserError
from sim.record.parquet import is_run, read_table
from sim.results.result import Result, Results

_WILD = frozenset("*?[")


def load(path: str | Path) -> Result | Results:
    """The run in a folder, or all runs whose folders match a pattern such as `results/sweep/*`.

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
    return Result(str(path), partial(read_table, path))


def load_runs(pattern: str) -> Results:
    """The runs whose folders match a pattern; other folders are passed over.

    Raises UserError if none match, or if they come from different versions of the simulator.
    """
    folders = [Path(match) for match in glob(pattern, recursive=True)]  # noqa: PTH207  absolute, too
    runs = {str(folder): load_run(folder) for folder in folders if is_run(folder)}
    if not runs:
        raise UserError(f"{pattern}: no folder that matches holds a run")
    return Results(runs)


def _hint(path: Path) -> str:
    """A folder of a sweep is often given in place of the runs in it."""
    inside = sum(is_run(folder) for folder in path.iterdir() if folder.is_dir())
    return f" (did you mean the {inside} runs in '{path}/*'?)" if inside else ""
