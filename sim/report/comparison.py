"""Several runs side by side as HTML: the trade-off, the settings and the runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape

import pandas as pd

from sim.experiment.groups import title as setting_of
from sim.experiment.markdown import Shown, legend, shown
from sim.experiment.table import compare_runs, find_baseline
from sim.report.tradeoff import tradeoff
from sim.results.load import sweep_of
from sim.results.result import Result, Results
from sim.results.summary import Figure


def comparison(runs: Results, baseline: Sequence[str] = ()) -> Iterator[str]:
    """Trade-off plot and tables. Differences are to the setting that has the values `baseline`.

    Raises UserError if no setting of a sweep has, or several.
    """
    ordered = sorted(runs, key=_natural)
    settings = [_setting(runs[name]) for name in ordered]
    figures = runs.summary().loc[ordered]
    figures.index = pd.Index(_short(runs, ordered), name="run")
    yield "<h2>Comparison</h2>"
    if drawing := tradeoff(figures, settings):
        yield "<p>A point is a run; the larger, the higher its p99 latency. Hover for figures.</p>"
        yield f'<figure>{drawing}<div class="hover" hidden></div></figure>'
    for sweep in dict.fromkeys(map(_sweep, ordered)):
        yield from _settings(sweep, [runs[n] for n in ordered if _sweep(n) == sweep], baseline)
    yield "<h3>Runs</h3>"
    yield from _sortable(list(_rows(figures)))


def one_of_each(runs: Results) -> dict[str, Result]:
    """The first run of every setting, in order; a run of no sweep is a setting of its own."""
    first: dict[str, str] = {}
    for name in sorted(runs, key=_natural):
        setting = _setting(runs[name])
        first.setdefault(f"{_sweep(name)} {setting}" if setting else name, name)
    return {name: runs[name] for name in first.values()}


def _setting(run: Result) -> str:
    return setting_of(run.settings) if run.settings else ""


def _sweep(name: str) -> str:
    return sweep_of(name).rpartition("/")[2]


def _natural(name: str) -> list[str | int]:
    """So that 50 comes before 100."""
    parts: list[str | int] = list(re.split(r"(\d+)", name))
    parts[1::2] = map(int, parts[1::2])
    return parts


def _short(runs: Results, names: Sequence[str]) -> list[str]:
    """What tells the runs apart, as short as possible."""
    short = [
        f"{_setting(runs[name])} seed={runs[name].run['seed']}"
        if runs[name].settings
        else name.rpartition("/")[2]
        for name in names
    ]
    return short if len(set(short)) == len(short) else list(names)


def _settings(sweep: str, runs: Sequence[Result], baseline: Sequence[str]) -> Iterator[str]:
    settings = {_setting(run): run.settings for run in runs}
    if len(settings) == 1 or "" in settings:
        return
    base = find_baseline(list(settings.values()), baseline)
    table = compare_runs([(run.settings, run) for run in runs], base)
    yield f"<h3>Settings of {escape(sweep)}</h3>"
    yield from _sortable(shown(table))
    yield f"<p>{'<br>'.join(map(escape, legend(table)))}</p>"


def _rows(figures: pd.DataFrame) -> Iterator[dict[str, Shown]]:
    units = figures.attrs["units"]
    for name, row in figures.iterrows():
        told = {key: _cell(row[key], units.get(key)) for key in figures.columns}
        yield {"run": Shown(str(name), str(name)), **told}


def _cell(value: object, unit: str | None) -> Shown:
    missing = isinstance(value, float) and math.isnan(value)
    plain = f"{value:g}" if isinstance(value, float) else str(value)
    text = "" if missing else str(Figure(float(str(value)), unit)) if unit else plain
    return Shown(text, str(value))


def _sortable(rows: Sequence[Mapping[str, Shown]]) -> Iterator[str]:
    heads = "".join(f"<th><button>{escape(name)}</button></th>" for name in rows[0])
    yield f'<div class="scroll"><table class="sortable"><thead><tr>{heads}</tr></thead><tbody>'
    for row in rows:
        cells = "".join(
            f'<td data-value="{escape(str(cell.value))}">{escape(cell.text)}</td>'
            for cell in row.values()
        )
        yield f"<tr>{cells}</tr>"
    yield "</tbody></table></div>"
