"""The trade-off of memory, GC CPU and latency between runs: a point per run, named on hover."""

from __future__ import annotations

from html import escape
from typing import Final

import pandas as pd

from sim.report.style import BLUE
from sim.results.summary import Figure

WIDTH: Final = 720
HEIGHT: Final = 380
LEFT: Final = 70
BOTTOM: Final = 50
TICKS: Final = 5


def tradeoff(figures: pd.DataFrame) -> str:
    """Peak memory against GC CPU, the size of a point by its p99 latency.

    `figures` are those of Results.summary. Empty where they lack one of the first two.
    """
    across = next((name for name in ("peak_rss", "peak_heap") if name in figures), None)
    if across is None or "gc_cpu" not in figures:
        return ""
    shown = figures.dropna(subset=[across, "gc_cpu"])
    if shown.empty:
        return ""
    units = figures.attrs["units"]
    x, y = _Scale(shown[across], LEFT, WIDTH - 20), _Scale(shown["gc_cpu"], HEIGHT - BOTTOM, 20)
    radius, turned = _radius(shown), f"translate(16 {HEIGHT / 2}) rotate(-90)"
    dots = [
        f'<circle cx="{x.at(row[across]):.1f}" cy="{y.at(row["gc_cpu"]):.1f}" r="{r:.1f}"'
        f' fill="{BLUE}" fill-opacity="0.6" stroke="{BLUE}" tabindex="0">'
        f"<title>{escape(_told(str(name), row, units))}</title></circle>"
        for (name, row), r in zip(shown.iterrows(), radius, strict=True)
    ]
    return "\n".join(
        [
            f'<svg class="tradeoff" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            *_grid(x, y, units[across], units["gc_cpu"]),
            f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>',
            f'<text text-anchor="middle" transform="{turned}">gc_cpu</text>',
            *dots,
            "</svg>",
        ]
    )


class _Scale:
    """From a figure to a place on the page, with some room at both ends."""

    def __init__(self, values: pd.Series[float], begin: float, end: float) -> None:
        low, high = float(values.min()), float(values.max())
        room = (high - low) / 10 or abs(high) / 10 or 1.0
        self.low, self.high = max(low - room, 0.0), high + room
        self.begin, self.end = begin, end

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        step = (self.high - self.low) / TICKS
        return [self.low + step * (n + 0.5) for n in range(TICKS)]


def _grid(x: _Scale, y: _Scale, x_unit: str, y_unit: str) -> list[str]:
    lines = []
    for value in x.ticks():
        at = f"{x.at(value):.1f}"
        text = escape(str(Figure(value, x_unit)))
        lines.append(
            f'<text x="{at}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{text}</text>'
        )
    for value in y.ticks():
        at = f"{y.at(value):.1f}"
        text = escape(str(Figure(value, y_unit)))
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 20}" y1="{at}" y2="{at}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{at}" dy="4" text-anchor="end">{text}</text>')
    return lines


def _radius(figures: pd.DataFrame) -> list[float]:
    """Area by p99 latency; all the same where there are no requests."""
    if "latency_p99" not in figures or not figures["latency_p99"].max() > 0:
        return [6.0] * len(figures)
    share = (figures["latency_p99"] / figures["latency_p99"].max()).fillna(0.0)
    return [3.0 + 9.0 * float(part) ** 0.5 for part in share]


def _told(name: str, row: pd.Series[float], units: dict[str, str]) -> str:
    keys = [key for key in ("peak_rss", "peak_heap", "gc_cpu", "latency_p99") if key in row]
    figures = [f"{key} {Figure(row[key], units[key])}" for key in keys if row[key] == row[key]]
    return "\n".join([name, *figures])
