"""The trade-off of memory and GC CPU: a point per run, a colour and a mark per setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure

from sim.report.bokeh import hover, legend, plot
from sim.report.colors import SERIES
from sim.results.names import words
from sim.units import Figure, MiB

MARKERS: Final = ("circle", "square", "triangle", "diamond", "inverted_triangle", "hex", "star")
TOLD: Final = ("peak_rss", "peak_heap", "gc_cpu", "latency_p99")


def tradeoff(figures: pd.DataFrame, settings: Sequence[str]) -> figure | None:
    """Peak memory against GC CPU of each run, those of a setting alike; hollow, as points may meet.

    `figures` are those of Results.summary, `settings` the name of the setting of each. None where
    the figures lack one of the two.
    """
    across = next((name for name in ("peak_rss", "peak_heap") if name in figures), None)
    if across is None or "gc_cpu" not in figures:
        return None
    shown = figures.assign(setting=list(settings)).dropna(subset=[across, "gc_cpu"])
    if shown.empty:
        return None
    made = plot("What memory buys", f"{words(across)} [MiB]", "GC CPU [%]", height=280)
    made.x_range.start = made.y_range.start = 0
    for n, (setting, rows) in enumerate(shown.groupby("setting", sort=False)):
        data = {
            "x": rows[across] / MiB,
            "y": 100 * rows["gc_cpu"],
            "told": [
                _told(str(name), row, figures.attrs["units"]) for name, row in rows.iterrows()
            ],
        }
        dots = made.scatter(
            "x",
            "y",
            source=ColumnDataSource(data),
            marker=MARKERS[n % len(MARKERS)],
            size=11,
            line_color=SERIES[n % len(SERIES)],
            fill_color=SERIES[n % len(SERIES)],
            fill_alpha=0.25,
            line_width=2,
            legend_label=str(setting),
        )
        hover(made, [("", "@told")], [dots])
    legend(made)
    return made


def _told(name: str, row: pd.Series[float], units: dict[str, str]) -> str:
    told = [
        f"{words(key)} {Figure(row[key], units[key])}"
        for key in TOLD
        if key in row and row[key] == row[key]
    ]
    return ", ".join([name, *told])
