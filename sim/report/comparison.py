"""Several runs side by side: the verdict, the trade-off, the settings and the runs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd
from bokeh.plotting import figure

from sim.experiment.groups import title as setting_of
from sim.experiment.markdown import Shown, legend, shown
from sim.experiment.table import Comparison, compare_runs, find_baseline
from sim.report.tradeoff import TOLD, tradeoff
from sim.report.verdict import MOST_TOLD, of_comparison
from sim.results.load import sweep_of
from sim.results.names import by_worth, head, words
from sim.results.result import Result, Results
from sim.units import Figure


class Table(NamedTuple):
    """A table of a page: rows of cells by their heads, and what its signs mean."""

    title: str
    rows: Sequence[Mapping[str, Shown]]
    notes: Sequence[str] = ()


class Side(NamedTuple):
    """Runs side by side."""

    verdict: Sequence[str]
    tradeoff: figure | None
    tables: Sequence[Table]


def comparison(runs: Results, baseline: Sequence[str] = ()) -> Side:
    """The settings of each sweep and all runs. Differences are to the setting named `baseline`.

    Raises UserError if no setting of a sweep has its values, or several.
    """
    ordered = sorted(runs, key=_natural)
    figures, names = runs.summary().loc[ordered], _short(runs, ordered)
    settings = [_setting(runs[name]) or short for name, short in zip(ordered, names, strict=True)]
    figures.index = pd.Index(names, name="run")
    tables, verdict = [], []
    for sweep in dict.fromkeys(map(_sweep, ordered)):
        compared = _compared([runs[n] for n in ordered if _sweep(n) == sweep], baseline)
        if compared is not None:
            verdict += of_comparison(compared)
            tables.append(Table(f"Settings of {sweep}", _titled(shown(compared)), legend(compared)))
    tables.append(Table("Runs", _titled(_rows(figures))))
    verdict = verdict or _side_by_side(figures)
    return Side(verdict, tradeoff(figures, settings), tables)


def _side_by_side(figures: pd.DataFrame) -> list[str]:
    """What came out of runs of no sweep, the first ones in a line each."""
    units = figures.attrs["units"]
    names = [name for name in TOLD if name in figures]
    lines = []
    for run, row in figures.head(MOST_TOLD).iterrows():
        told = ", ".join(
            f"{words(name)} {Figure(row[name], units[name])}"
            for name in names
            if not math.isnan(row[name])
        )
        lines.append(f"{run}: {told}.")
    return [*lines, "Rests on: one run of each, which tells no chance from a difference."]


def _titled(rows: Iterable[Mapping[str, Shown]]) -> list[dict[str, Shown]]:
    return [{head(name): cell for name, cell in row.items()} for row in rows]


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


def _compared(runs: Sequence[Result], baseline: Sequence[str]) -> Comparison | None:
    """The settings of a sweep beside each other; None if there is only one."""
    settings = {_setting(run): run.settings for run in runs}
    if len(settings) == 1 or "" in settings:
        return None
    base = find_baseline(list(settings.values()), baseline)
    return compare_runs([(run.settings, run) for run in runs], base)


def _rows(figures: pd.DataFrame) -> Iterator[dict[str, Shown]]:
    units = figures.attrs["units"]
    for name, row in figures.iterrows():
        told = {key: _cell(row[key], units.get(key)) for key in by_worth(figures.columns)}
        yield {"run": Shown(str(name), str(name)), **told}


def _cell(value: object, unit: str | None) -> Shown:
    missing = isinstance(value, float) and math.isnan(value)
    plain = f"{value:g}" if isinstance(value, float) else str(value)
    text = "" if missing else str(Figure(float(str(value)), unit)) if unit else plain
    return Shown(text, str(value))
