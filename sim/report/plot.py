"""A picture of one run: for a README, a paper or a colleague."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from matplotlib.figure import Figure

from sim.errors import UserError
from sim.files import replacing
from sim.report.panels import PANELS
from sim.results.result import Result

ENDINGS: Final = (".pdf", ".png", ".svg")
_LAYOUT: Final[list[Any]] = [["heap", "heap"], ["gc_cpu", "pauses"], ["latency", "causes"]]
_INCHES: Final = (13.0, 10.0)


def plot(run: Result, path: Path) -> None:
    """Heap, GC CPU, pauses and latency of a run in one file.

    Raises UserError for a file that cannot be written, or whose ending is none of ENDINGS.
    """
    if path.suffix not in ENDINGS:
        raise UserError(f"{path}: expected a file that ends in {', '.join(ENDINGS)}")
    figure = Figure(figsize=_INCHES, layout="constrained")
    for name, axes in figure.subplot_mosaic(_LAYOUT).items():
        PANELS[str(name)](axes, run)
    figure.suptitle(title(run), x=0.01, ha="left", fontsize=12)
    with replacing(path) as growing:
        figure.savefig(growing, dpi=120)


def title(run: Result) -> str:
    """What was run, in one line."""
    from yaml import safe_load

    config = safe_load(run.run["config"])
    told = [f"{key}={config[key]}" for key in ("GOGC", "GOMEMLIMIT", "GOMAXPROCS") if key in config]
    return f"{run.run['workload']}  {' '.join(told)}  seed={run.run['seed']}"
