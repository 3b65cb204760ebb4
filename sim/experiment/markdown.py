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
HUGE: Final = 1e4
"""Relative change from which on its digits are not counted out."""


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
        told = change_text(cell, unit, bounds=True)
        if row.cells and not row.workload and cell.workloads < table.workloads and told:
            told += f" ({cell.workloads} of {table.workloads} workloads)"
        cells[f"{name} +-"] = Shown("baseline" if row.baseline else told, change)
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


def change_text(cell: Cell, unit: str, *, bounds: bool = False) -> str:
    """A change as `+1.2%*`, or where there is no ratio in the unit, `+1.2 points` of percent."""
    change = cell.change
    if math.isnan(change.value):
        return ""
    of, unit_text = ("percent", "%") if cell.relative else (unit, "")
    value, low, high = (f"{_signed(part, of)}{unit_text}" for part in change)
    points = " points" if of == "fraction" else ""
    told = f"{value}{points}{'*' if cell.holds else ''}"
    return f"{told} [{low}, {high}]" if bounds and not math.isnan(change.low) else told


def _signed(value: float, unit: str) -> str:
    match unit:
        case "percent":
            return f"{100 * value:+.1f}" if value < HUGE else f"{100 * value:+.1e}"
        case "fraction":
            return f"{100 * value:+.3g}"
        case _:
            return f"{'+' if value >= 0 else ''}{Figure(value, unit)}"


def legend(table: Comparison) -> list[str]:
    """What the signs of the table mean, line by line."""
    traded = ", ".join(words(name) for name in table.units if name in TRADED)
    within = " of the same workload" if table.means else ""
    surely = "significantly " if table.confidence else ""
    better = f"{surely}better in one of {traded} and worse in none"
    lines = [f"Pareto: no other setting{within} is {better}, by {INDIFFERENT:.0%} or more."]
    if not table.confidence:
        return [*lines, "One seed: there are no confidence intervals; see --seeds."]
    more = f" (six seeds or more: {CONFIDENCE:.0%})" if table.confidence < CONFIDENCE else ""
    lines.append(
        f"Medians over seeds; brackets hold the true one with {table.confidence:.0%} confidence"
        f"{more}."
    )
    lines.append(
        f"+-: change from the baseline{within} with the same seeds (geometric mean of the ratios),"
        f" brackets hold the true one with {CONFIDENCE:.0%} confidence; * and the words: paired t"
        f" test of the logarithms, significant at {1 - CONFIDENCE:.0%} in the whole table of"
        f" {table.tests} changes (Holm)."
    )
    cells = [(cell, name) for row in table.rows for name, cell in row.cells.items()]
    if zero := dict.fromkeys(words(name) for cell, name in cells if not cell.relative):
        lines.append(
            f"{', '.join(zero)}: 0 in some runs, which leaves no ratio; there, +- is the mean"
            " difference itself."
        )
    if table.has_other_pairs:
        lines.append(
            "Pairs without the baseline: the same test, significant in all such pairs together"
            " (Bonferroni)."
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
