"""A comparison as a table for people: what stands in its cells, and what its signs mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from sim.experiment.dominance import INDIFFERENT
from sim.experiment.groups import WORKLOAD
from sim.experiment.table import TRADED, Cell, Comparison, Row
from sim.results.names import words
from sim.results.statistics import CONFIDENCE, Interval
from sim.units import Figure, in_one_unit

MEAN: Final = "geometric mean"


class Shown(NamedTuple):
    """What stands in a cell, and by what to sort it."""

    text: str
    value: float | str


def shown(table: Comparison) -> list[dict[str, Shown]]:
    """The rows: settings, figures with their bounds, differences to the baseline, verdicts."""
    return [_row(row, table) for row in (*table.rows, *table.means)]


def _row(row: Row, table: Comparison) -> dict[str, Shown]:
    settings = dict(row.settings) or {"setting": "as configured"}
    if table.means:
        settings = {WORKLOAD: row.workload or MEAN, **settings}
    verdict = row.verdict or ("yes" if row.optimal else "")
    cells = {name: Shown(value, value) for name, value in settings.items()}
    cells["Pareto"] = Shown(verdict, verdict)
    for name, unit in table.units.items():
        cell = row.cells.get(name)
        if cell is None:
            cells[name] = cells[f"{name} +-"] = Shown("", "")
            continue
        cells[name] = Shown(_median(cell.median, unit), cell.median.value)
        change = 0.0 if row.baseline else cell.change.value
        cells[f"{name} +-"] = Shown("baseline" if row.baseline else _change(cell), change)
    senses = ", ".join(row.senses)
    cells["holds"] = Shown(senses, senses)
    return cells


def _median(median: Interval, unit: str) -> str:
    if math.isnan(median.value):
        return ""
    if math.isnan(median.low):
        return str(Figure(median.value, unit))
    value, low, high = in_one_unit(median, unit)
    return f"{value} [{low}, {high}]"


def _change(cell: Cell) -> str:
    change = cell.change
    if math.isnan(change.value):
        return ""
    bounds = "" if math.isnan(change.low) else f" [{change.low:+.1%}, {change.high:+.1%}]"
    return f"{change.value:+.1%}{'*' if cell.holds else ''}{bounds}"


def legend(table: Comparison) -> list[str]:
    """What the signs of the table mean, line by line."""
    traded = ", ".join(words(name) for name in table.units if name in TRADED)
    within = " of the same workload" if table.means else ""
    surely = "significantly " if table.confidence else ""
    better = f"{surely}better in one of {traded} and {surely}worse in none"
    lines = [f"Pareto: no other setting{within} is {better}, by {INDIFFERENT:.0%} or more."]
    if not table.confidence:
        return [*lines, "One seed: there are no confidence intervals; see --seeds."]
    more = f" (six seeds or more: {CONFIDENCE:.0%})" if table.confidence < CONFIDENCE else ""
    lines.append(
        f"Medians over seeds; brackets hold the true one with {table.confidence:.0%} confidence"
        f"{more}."
    )
    lines.append(
        f"+-: mean difference to the baseline{within} with the same seeds, brackets hold the true"
        f" one with {CONFIDENCE:.0%} confidence; * and the words: paired t test, significant at"
        f" {1 - CONFIDENCE:.0%} in the whole table of {table.tests} differences (Holm)."
    )
    if table.means:
        lines.append(
            f"{MEAN.capitalize()}: of the ratios to the baseline, over the workloads that have the"
            " figure."
        )
    return [*lines, *_saved(table.saved)]


def _saved(saved: Mapping[str, float]) -> list[str]:
    """What common random numbers buy, as far as the runs at hand tell."""
    if not saved:
        return []
    told = ", ".join(f"{words(name)} {float(f'{r:.2g}'):,.15g}" for name, r in saved.items())
    line = "Common random numbers: had the settings seeds of their own, differences would have so"
    return [f"{line} many times the variance: {told} (measured here)."]
