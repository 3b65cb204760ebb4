"""The trade-off of memory, GC CPU and latency between runs: a point per run, named on hover."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import pandas as pd
from matplotlib.ticker import MaxNLocator

from sim.report.style import BLUE, BROWN, GREEN, ORANGE, PINK, PURPLE, RED, TEAL, YELLOW
from sim.results.summary import Figure
from sim.units import GiB, KiB, MiB

WIDTH: Final = 720
HEIGHT: Final = 380
LEFT: Final = 70
BOTTOM: Final = 50
LETTER: Final = 9
"""Room for a letter of a setting's name, to the right."""
TICKS: Final = 6
LINE: Final = 18
COLORS: Final = (BLUE, ORANGE, GREEN, RED, PURPLE, TEAL, YELLOW, PINK, BROWN)


def tradeoff(figures: pd.DataFrame, settings: Sequence[str]) -> str:
    """Peak memory against GC CPU, the size of a point by its p99 latency, its colour by setting.

    `figures` are those of Results.summary, `settings` the name of each row's setting. Empty where
    the figures lack one of the first two.
    """
    across = next((name for name in ("peak_rss", "peak_heap") if name in figures), None)
    if across is None or "gc_cpu" not in figures:
        return ""
    shown = figures.assign(setting=list(settings)).dropna(subset=[across, "gc_cpu"])
    if shown.empty:
        return ""
    units = figures.attrs["units"]
    names = list(dict.fromkeys(shown["setting"]))
    colors = {name: COLORS[n % len(COLORS)] for n, name in enumerate(names)}
    x = _Scale(shown[across], units[across], LEFT, WIDTH - 20)
    y = _Scale(shown["gc_cpu"], units["gc_cpu"], HEIGHT - BOTTOM, 20)
    legend = 30 + LETTER * max(len(name) for name in names)
    turned = f"translate(16 {HEIGHT / 2}) rotate(-90)"
    dots = [
        f'<circle cx="{x.at(row[across]):.1f}" cy="{y.at(row["gc_cpu"]):.1f}" r="{r:.1f}"'
        f' fill="{colors[row["setting"]]}" stroke="{colors[row["setting"]]}" tabindex="0"'
        f' aria-label="{escape(_told(str(name), row, units))}"/>'
        for (name, row), r in zip(shown.iterrows(), _radius(shown), strict=True)
    ]
    return "\n".join(
        [
            f'<svg class="tradeoff" viewBox="0 0 {WIDTH + legend} {HEIGHT}">',
            *_grid(x, y),
            f'<text x="{WIDTH / 2}" y="{HEIGHT - 8}" text-anchor="middle">{across}</text>',
            f'<text text-anchor="middle" transform="{turned}">gc_cpu</text>',
            *dots,
            *(_legend(colors) if any(names) else ()),
            "</svg>",
        ]
    )


class _Scale:
    """From a figure to a place on the page, with some room at both ends."""

    def __init__(self, values: pd.Series[float], unit: str, begin: float, end: float) -> None:
        low, high = float(values.min()), float(values.max())
        room = (high - low) / 10 or abs(high) / 10 or 1.0
        self.low, self.high = max(low - room, 0.0), high + room
        self.begin, self.end, self.unit = begin, end, unit

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers in the unit in which they are shown: where, and their text."""
        units = (GiB, MiB, KiB) if self.unit == "bytes" else ()
        one = next((unit for unit in units if self.high >= unit), 1)
        found = MaxNLocator(TICKS).tick_values(self.low / one, self.high / one)
        inside = [float(value) * one for value in found if self.low <= value * one <= self.high]
        return [(self.at(value), escape(str(Figure(value, self.unit)))) for value in inside]


def _grid(x: _Scale, y: _Scale) -> list[str]:
    below = HEIGHT - BOTTOM + LINE
    lines = [
        f'<text x="{at:.1f}" y="{below}" text-anchor="middle">{text}</text>'
        for at, text in x.ticks()
    ]
    for at, text in y.ticks():
        lines.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 20}" y1="{at:.1f}" y2="{at:.1f}"/>'
        )
        lines.append(f'<text x="{LEFT - 6}" y="{at:.1f}" dy="4" text-anchor="end">{text}</text>')
    return lines


def _legend(colors: dict[str, str]) -> list[str]:
    most = (HEIGHT - BOTTOM) // LINE
    lines = []
    for n, (name, color) in enumerate(list(colors.items())[:most]):
        y = 20 + n * LINE
        lines.append(f'<rect x="{WIDTH}" y="{y - 5}" width="10" height="10" fill="{color}"/>')
        lines.append(f'<text x="{WIDTH + 16}" y="{y}" dy="4">{escape(name)}</text>')
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
