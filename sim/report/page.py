"""Runs as one HTML file that works offline: pictures, figures, findings, a table that sorts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape
from importlib.metadata import version
from typing import Final

import pandas as pd

from sim.report.panels import PANELS
from sim.report.plot import title
from sim.report.svg import picture
from sim.report.tradeoff import tradeoff
from sim.results.result import Result, Results
from sim.results.summary import Figure

MOST_PICTURED: Final = 6
"""Runs with pictures: a page of a whole sweep would be too large for a browser."""

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1d2330; --faint: #dde1e8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171d; --ink: #e4e7ee; --faint: #343a46; }
}
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--faint); }
figure { margin: 1rem 0; }
svg { width: 100%; height: auto; color: var(--ink); }
svg.tradeoff { max-width: 60rem; font-size: 12px; }
svg.tradeoff text { fill: currentColor; }
svg .grid { stroke: var(--faint); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid var(--faint); }
th:first-child, td:first-child { text-align: left; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th[aria-sort=ascending] button::after { content: " \\25B2"; }
th[aria-sort=descending] button::after { content: " \\25BC"; }
"""

_SCRIPT: Final = """
for (const head of document.querySelectorAll("table.sortable th")) {
  head.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    const key = (row) => row.cells[head.cellIndex].dataset.value;
    const order = (a, b) => {
      const [x, y] = [key(a), key(b)];
      return isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
    };
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...[...body.rows].sort((a, b) => (up ? order(a, b) : order(b, a))));
  });
}
"""


def page(runs: Results) -> str:
    """The whole file: a comparison if there are several runs, and then each run."""
    parts = [*(_comparison(runs) if len(runs) > 1 else ()), *_each(runs)]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>gomemsim: {escape(', '.join(_workloads(runs)))}</title>",
            f"<style>{_STYLE}</style></head><body>",
            f"<h1>{escape(', '.join(_workloads(runs)))}</h1>",
            f"<p>gomemsim {escape(version('gomemsim'))}, {len(runs)} run(s)</p>",
            *parts,
            f"<script>{_SCRIPT}</script></body></html>\n",
        ]
    )


def _workloads(runs: Results) -> list[str]:
    return list(dict.fromkeys(str(run.run["workload"]) for run in runs.values()))


def _comparison(runs: Results) -> Iterator[str]:
    figures = runs.summary()
    names = {name: name.rsplit("/", 1)[-1] for name in runs}
    if len(set(names.values())) == len(names):
        figures = figures.rename(index=names)
    yield "<h2>Comparison</h2>"
    if drawing := tradeoff(figures):
        yield "<p>A point is a run; the larger, the higher its p99 latency. Hover for its name.</p>"
        yield f"<figure>{drawing}</figure>"
    yield from _sortable(figures)


def _sortable(figures: pd.DataFrame) -> Iterator[str]:
    units = figures.attrs["units"]
    heads = "".join(f"<th><button>{escape(str(name))}</button></th>" for name in figures.columns)
    yield '<div class="scroll"><table class="sortable"><thead><tr>'
    yield f"<th><button>run</button></th>{heads}</tr></thead><tbody>"
    for name, row in figures.iterrows():
        cells = "".join(_cell(row[key], units.get(key)) for key in figures.columns)
        yield f"<tr>{_cell(name, None)}{cells}</tr>"
    yield "</tbody></table></div>"


def _cell(value: object, unit: str | None) -> str:
    missing = isinstance(value, float) and math.isnan(value)
    plain = f"{value:g}" if isinstance(value, float) else str(value)
    shown = "" if missing else str(Figure(float(str(value)), unit)) if unit else plain
    return f'<td data-value="{escape(str(value))}">{escape(shown)}</td>'


def _each(runs: Results) -> Iterator[str]:
    for index, run in enumerate(runs.values()):
        if index == MOST_PICTURED:
            left = len(runs) - MOST_PICTURED
            yield f"<p>{left} more runs: in the table only; report one for its pictures.</p>"
            return
        yield f"<section><h2>{escape(title(run))}</h2><p>{escape(run.name)}</p>"
        yield from _findings(run)
        yield from _figures(run)
        for name, panel in PANELS.items():
            yield f"<figure>{picture(f'r{index}-{name}', panel, run)}</figure>"
        yield "</section>"


def _findings(run: Result) -> Iterator[str]:
    found = run.diagnose()
    if found:
        items = "".join(
            f"<li><b>{escape(finding.name)}</b>: {escape(finding.figure)}."
            f" <i>{escape(finding.remedy)}.</i></li>"
            for finding in found
        )
        yield f'<ul class="findings">{items}</ul>'


def _figures(run: Result) -> Iterator[str]:
    figures = run.summary()
    yield "<table>"
    for name, figure in figures.items():
        yield f"<tr><td>{escape(name)}</td><td>{escape(str(figure))}</td></tr>"
    yield "</table>"
    if figures.verdict:
        yield f"<p>{escape(figures.verdict)}</p>"
