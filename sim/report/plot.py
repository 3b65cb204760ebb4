"""A picture of a run, or of runs over each other: for a README, a paper or a colleague."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from sim.errors import UserError
from sim.experiment.groups import title, without_workload
from sim.files import replacing
from sim.report.panels import OVERLAYS, PANELS
from sim.report.style import text_as_it_is
from sim.report.verdict import settings_of
from sim.results.result import Result

ENDINGS: Final = (".pdf", ".png", ".svg")
_LAYOUT: Final[list[Any]] = [["heap", "heap"], ["gc_cpu", "pauses"], ["latency", "causes"]]
_OVERLAID: Final[list[Any]] = [["heap", "heap"], ["gc_cpu", "pauses"], ["latency", "latency"]]
_INCHES: Final = (13.0, 10.0)
MOST_OVERLAID: Final = 9
"""Runs over each other; more nobody tells apart."""


def plot(run: Result, path: Path) -> None:
    """Heap, GC CPU, pauses and latency of a run in one file.

    Raises UserError for a file that cannot be written, or whose ending is none of ENDINGS.
    """
    with text_as_it_is():
        figure = Figure(figsize=_INCHES, layout="constrained")
        for name, axes in figure.subplot_mosaic(_LAYOUT).items():
            PANELS[str(name)](axes, run)
        figure.suptitle(title_of(run), x=0.01, ha="left", fontsize=12)
    _save(figure, path)


def overlay(runs: Mapping[str, Result], path: Path) -> None:
    """The same of several runs over each other, by what tells them apart.

    Raises UserError for more than MOST_OVERLAID, and as `plot` does.
    """
    if len(runs) > MOST_OVERLAID:
        raise UserError(f"expected at most {MOST_OVERLAID} runs over each other, got {len(runs)}")
    labelled = {_label(run): run for run in runs.values()}
    named = labelled if len(labelled) == len(runs) else dict(runs)
    workloads = dict.fromkeys(str(run.run["workload"]) for run in runs.values())
    with text_as_it_is():
        figure = Figure(figsize=_INCHES, layout="constrained")
        for name, axes in figure.subplot_mosaic(_OVERLAID).items():
            OVERLAYS[str(name)](axes, named)
        figure.suptitle(", ".join(workloads), x=0.01, ha="left", fontsize=12)
    _save(figure, path)


def check_picture(path: Path) -> None:
    """Raises UserError for a file whose ending is none of ENDINGS."""
    if path.suffix not in ENDINGS:
        raise UserError(f"{path}: expected a file that ends in {', '.join(ENDINGS)}")


def _save(figure: Figure, path: Path) -> None:
    check_picture(path)
    with replacing(path) as growing:
        figure.savefig(growing, dpi=120)


def _label(run: Result) -> str:
    told = " ".join(f"{key}={value}" for key, value in run.settings.items())
    return told or run.name.rpartition("/")[2]


def title_of(run: Result) -> str:
    """What was run, in one line, with what its sweep varies."""
    told = title({**settings_of(run), **without_workload(run.settings)})
    return f"{run.run['workload']}  {told}  seed={run.run['seed']}"
