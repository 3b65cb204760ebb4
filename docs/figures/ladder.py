"""The error with one mechanism after the other: tables to standard output, plot to docs/images.

python docs/figures/ladder.py     # a minute on two CPUs
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

import matplotlib as mpl
import pandas as pd

from sim.truth.ladder import climb

mpl.use("Agg")
import matplotlib.pyplot as plt

ROOT: Final = Path(__file__).parents[2]
RECORDED: Final = ROOT / "tests" / "golden" / "real"
PICTURE: Final = ROOT / "docs" / "images" / "ladder.png"
SETTINGS: Final = ("p2.gogc100", "p2.gogc400")
PROGRAMS: Final = {"garbage64": "#4477aa", "hbsteady": "#cc6677"}
FIGURES: Final = {
    "gc_cycles": "GC cycles",
    "peak_heap": "peak heap",
    "marked_heap": "marked heap",
    "gc_cpu": "GC CPU",
    "assist_cpu": "assists",
    "pause_p50": "median pause",
    "wall": "run time",
    "latency_p99": "p99 latency",
}
LEAST: Final = 0.005
"""Errors are drawn from here on."""


def tables() -> dict[str, pd.DataFrame]:
    """By program: median absolute error of each figure, a rung a row."""
    found = {}
    with tempfile.TemporaryDirectory() as name:
        chosen = Path(name)
        for setting in SETTINGS:
            for path in RECORDED.glob(f"*.{setting}.*"):
                shutil.copy(path, chosen)
        for program in PROGRAMS:
            table = climb([ROOT / "configs" / f"{program}.yaml"], chosen)
            found[program] = table.reindex(columns=list(FIGURES))
    return found


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """What can be wrong: a service runs for as long as the real one was observed."""
    return table.drop(columns="wall" if table["latency_p99"].notna().any() else "latency_p99")


def draw(found: dict[str, pd.DataFrame]) -> None:
    """A panel for every figure, the rungs from top to bottom."""
    rungs = list(next(iter(found.values())).index)
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    figure, axes = plt.subplots(2, 4, figsize=(13, 7.5), sharey=True, layout="constrained")
    for ax, (name, title) in zip(axes.flat, FIGURES.items(), strict=True):
        for program, colour in PROGRAMS.items():
            if name in (errors := compared(found[program])):
                ax.plot(
                    errors[name].clip(lower=LEAST),
                    range(len(rungs)),
                    "o-",
                    color=colour,
                    ms=4,
                    lw=1.4,
                    label=program,
                )
        ax.set_xscale("log")
        ax.set_xlim(LEAST * 0.8, 300)
        ax.set_xticks([0.01, 0.1, 1, 10, 100], ["1 %", "10 %", "100 %", "10x", "100x"])
        ax.set_title(title)
        ax.grid(axis="x", color="#dddddd", lw=0.6)
    axes[0, 0].set_yticks(range(len(rungs)), rungs)
    axes[0, 0].invert_yaxis()
    axes[0, 0].legend(frameon=False, loc="lower right")
    figure.supxlabel("median error over the recorded settings")
    figure.savefig(PICTURE, dpi=110)


def main() -> None:
    """Print a table per program and draw the picture."""
    found = tables()
    for program, table in found.items():
        shown = compared(table).rename(columns=FIGURES)
        print(f"\n{program}:\n")
        print(shown.map("{:.1%}".format).rename_axis("rung").to_markdown())
    draw(found)


if __name__ == "__main__":
    main()
