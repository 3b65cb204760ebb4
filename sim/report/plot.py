"""A picture of one run: for a README, a paper or a colleague."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from sim.errors import UserError
from sim.files import replacing
from sim.report.panels import PANELS
from sim.report.style import text_as_it_is
from sim.results.result import SETTINGS, Result

ENDINGS: Final = (".pdf", ".png", ".svg")
_LAYOUT: Final[list[Any]] = [["heap", "heap"], ["gc_cpu", "pauses"], ["latency", "causes"]]
_INCHES: Final = (13.0, 10.0)


def plot(run: Result, path: Path) -> None:
    """Heap, GC CPU, pauses and latency of a run in one file.

    Raises UserError for a file that cannot be written, or whose ending is none of ENDINGS.
    """
    if path.suffix not in ENDINGS:
        raise UserError(f"{path}: expected a file that ends in {', '.join(ENDINGS)}")
    with text_as_it_is():
        figure = Figure(figsize=_INCHES, layout="constrained")
        for name, axes in figure.subplot_mosaic(_LAYOUT).items():
            PANELS[str(name)](axes, run)
        figure.suptitle(title(run), x=0.01, ha="left", fontsize=12)
    with replacing(path) as growing:
        figure.savefig(growing, dpi=120)


def title(run: Result) -> str:
    """What was run, in one line."""
    told = [f"{key}={run.config[key]}" for key in SETTINGS]
    return f"{run.run['workload']}  {' '.join(told)}  seed={run.run['seed']}"
