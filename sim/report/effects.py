"""Main effects and interactions of a design as one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from itertools import combinations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.experiment.effects import MOST_LEVELS, numbers
from sim.results.names import words
from sim.results.statistics import CONFIDENCE
from sim.units import Figure as Told


def verdict(found: pd.DataFrame, name: str, unit: str, runs: int) -> list[str]:
    """What moves a figure most, from where to where, and what else surely does."""
    most = found.iloc[0].to_dict()
    ends = [str(Told(most[end], unit)) for end in ("low", "high") if not math.isnan(most[end])]
    span = f", {' to '.join(ends)}" if ends else ""
    rest = [row for row in found.iloc[1:].to_dict("records") if row["p"] < 1 - CONFIDENCE]
    others = ", ".join(f"{row['effect']} {row['share']:.0%}" for row in rest)
    effect = f"{most['effect']}, {most['share']:.0%} of its variation{span}"
    return [
        f"{words(name)} hangs most on {effect}.",
        f"Of the rest, surely not chance: {others or 'nothing'}.",
        f"Rests on: {runs} runs; what seeds explain is left out.",
    ]


def effects_picture(
    figures: pd.DataFrame, factors: Sequence[str], figure: str, suffix: str
) -> bytes:
    """A panel per factor on the diagonal, below it one per pair; the suffix names the format.

    Means of the figure over all runs with the value; in a pair, a line per value of the other
    factor, or per third of its range: lines that are not parallel interact.
    """
    figures = figures.assign(**{name: numbers(figures[name]) for name in factors})
    count = len(factors)
    drawing = Figure(figsize=(3 * count, 2.5 * count), layout="constrained")
    grid = drawing.subplots(count, count, squeeze=False)
    for row in grid:
        for axes in row:
            axes.set_visible(False)
    for n, name in enumerate(factors):
        _line(grid[n][n], figures.groupby(name)[figure].mean(), name)
    for a, b in combinations(range(count), 2):
        values = figures[factors[a]]
        if values.nunique() > MOST_LEVELS and pd.api.types.is_numeric_dtype(values):
            values = pd.qcut(values, 3).astype(str)
        for value, part in figures.groupby(values):
            line = part.groupby(factors[b])[figure].mean()
            _line(grid[b][a], line, factors[b], f"{factors[a]}={value}")
        grid[b][a].legend(fontsize="x-small")
    drawing.suptitle(figure)
    drawn = BytesIO()
    drawing.savefig(drawn, format=suffix.lstrip("."))
    return drawn.getvalue()


def _line(axes: Axes, means: pd.Series[float], name: str, label: str = "") -> None:
    axes.set_visible(True)
    across = means.index if pd.api.types.is_numeric_dtype(means.index) else means.index.astype(str)
    axes.plot(across, means.to_numpy(), marker="o", label=label)
    axes.set_xlabel(name)
