"""Main effects and interactions of a design as one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import combinations
from typing import Any, Final

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.experiment.effects import factors_of, levels, many, numbers
from sim.report.colors import SERIES
from sim.report.style import dress, text_as_it_is
from sim.results.names import words
from sim.results.statistics import CONFIDENCE
from sim.units import MS, SECOND, US, Fraction, GiB, KiB, MiB
from sim.units import Figure as Told

LEAST_TOLD: Final[Fraction] = 0.001
"""Smallest share that is told in digits."""
SIZES: Final = {"B": 1, "KiB": KiB, "MiB": MiB, "GiB": GiB}
SCALES: Final[Mapping[str, Mapping[str, float]]] = {
    "bytes": SIZES,
    "bytes_per_second": {f"{name}/s": size for name, size in SIZES.items()},
    "ns": {"ns": 1, "us": US, "ms": MS, "s": SECOND},
    "fraction": {"%": 0.01},
    "per_second": {"a second": 1},
}
"""By unit of figures, what axes are in: the largest that is not more than what they show."""


def verdict(found: pd.DataFrame, name: str, unit: str, figures: pd.DataFrame) -> list[str]:
    """What moves a figure most, from where to where, what else surely does, and of how many runs.

    `found` are the effects in the runs whose `figures` these are.
    """
    having = figures.dropna(subset=[name])
    alone = [factor for factor in factors_of(figures) if factor not in factors_of(having)]
    others = ""
    if len(having) < len(figures):
        others = f" of {len(figures)}, those that have {words(name)}"
    most = found.iloc[0].to_dict()
    ends = [str(Told(most[end], unit)) for end in ("low", "high") if not math.isnan(most[end])]
    span = f", {' to '.join(ends)}" if ends else ""
    rest = [row for row in found.iloc[1:].to_dict("records") if row["p"] < 1 - CONFIDENCE]
    sure = ", ".join(f"{row['effect']} {share_text(row['share'])}" for row in rest)
    effect = f"{most['effect']}, {share_text(most['share'])} of its variation{span}"
    chance = "" if most["p"] < 1 - CONFIDENCE else ", which may be chance"
    return [
        f"{words(name)} hangs most on {effect}{chance}.",
        f"Of the rest, surely not chance: {sure or 'nothing'}.",
        f"Rests on: {len(having)} runs{others}; what seeds explain is left out.",
        *(f"Nothing is told of {factor}, which is the same in all of these." for factor in alone),
    ]


def share_text(share: Fraction) -> str:
    """A share in percent; what is not all, or not nothing, is not told as that."""
    if 0 < share < LEAST_TOLD:
        return f"under {LEAST_TOLD:.1%}"
    if 1 - LEAST_TOLD < share < 1:
        return f"over {1 - LEAST_TOLD:.1%}"
    return f"{share:.1%}"


def effects_picture(
    figures: pd.DataFrame, factors: Sequence[str], figure: str, unit: str, suffix: str
) -> bytes:
    """A panel per factor on the diagonal, below it one per pair; the suffix names the format.

    Means of the figure, which is in `unit`, over all runs with the value, or in a third of the
    range, with the runs as dots; in a pair, a line per value or third of the other factor: lines
    that are not parallel interact.
    """
    shown, up = _scaled(figures[figure], unit)
    across = {name: _scaled(*numbers(figures[name])) for name in factors}
    data = pd.DataFrame({name: values for name, (values, _) in across.items()}).assign(y=shown)
    heads = {name: f"{name}{label}" for name, (_, label) in across.items()}
    count = len(factors)
    with text_as_it_is():
        drawing = Figure(
            figsize=(max(5.0, 3.2 * count), max(3.5, 2.6 * count)), layout="constrained"
        )
        grid = drawing.subplots(count, count, squeeze=False, sharey=True)
        for row, name in zip(grid, factors, strict=True):
            for n, axes in enumerate(row):
                dress(axes, "", heads[name], "" if n else words(figure) + up)
                axes.set_visible(False)
        for n, name in enumerate(factors):
            _lines(grid[n][n], {"": data}, name)
        for a, b in combinations(range(count), 2):
            _lines(grid[b][a], _parts(data, factors[a], across[factors[a]][1]), factors[b])
        drawing.suptitle(words(figure), x=0.01, ha="left", fontsize=12)
        drawn = BytesIO()
        drawing.savefig(drawn, format=suffix.lstrip("."))
    return drawn.getvalue()


def _scaled(values: pd.Series[Any], unit: str) -> tuple[pd.Series[Any], str]:
    """Values as an axis shows them, and what it says of their unit."""
    if unit not in SCALES:
        return values, ""
    most = float(values.abs().max())
    name, size = next(iter(SCALES[unit].items()))
    for name_of, size_of in SCALES[unit].items():
        if size_of <= most:
            name, size = name_of, size_of
    return values / size, f" [{name}]"


def _parts(data: pd.DataFrame, name: str, label: str) -> dict[str, pd.DataFrame]:
    """The runs by the values of a factor, or by thirds of its range."""
    values = data[name]
    unit = label.strip(" []")
    if many(values):
        return {
            f"{name} {part[name].min():.4g} to {part[name].max():.4g}{unit}": part
            for _, part in data.groupby(levels(values))
        }
    told = values.map("{:g}".format) if pd.api.types.is_numeric_dtype(values) else values
    return {f"{name}={told[part.index[0]]}{unit}": part for _, part in data.groupby(values)}


def _lines(axes: Axes, parts: Mapping[str, pd.DataFrame], name: str) -> None:
    """Means over the values or thirds of a factor, a line for each part."""
    axes.set_visible(True)
    for (label, part), color in zip(parts.items(), SERIES, strict=False):
        means = part.groupby(levels(part[name]))["y"].mean()
        numeric = pd.api.types.is_numeric_dtype(means.index)
        at = means.index if numeric else means.index.astype(str)
        if many(part[name]):
            axes.plot(part[name], part["y"], ".", color=color, alpha=0.4)
        axes.plot(at, means.to_numpy(), marker="o", markersize=4, color=color, label=label)
    if len(parts) > 1:
        axes.legend(frameon=False, fontsize="x-small")
