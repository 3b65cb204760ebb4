"""A comparison for people: what stands in its cells, and what its signs mean."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import pandas as pd

from sim.experiment.table import TRADED, Cell, Comparison, Row
from sim.results.compare import CONFIDENCE, Interval
from sim.results.summary import Figure

_NUMBER: Final = re.compile(r"-?[\d.]+")


class Shown(NamedTuple):
    """What stands in a cell, and by what to sort it."""

    text: str
    value: float | str


def markdown(table: Comparison) -> str:
    """The table for people, and below it what its signs mean."""
    rows = [{name: cell.text for name, cell in row.items()} for row in shown(table)]
    text = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return "\n".join([text, "", *legend(table)])


def shown(table: Comparison) -> list[dict[str, Shown]]:
    """The rows: settings, figures with their bounds, differences to the baseline, verdicts."""
    return [_row(row, table.units) for row in table.rows]


def _row(row: Row, units: Mapping[str, str]) -> dict[str, Shown]:
    settings = dict(row.settings) or {"setting": "as configured"}
    verdict = row.verdict or ("yes" if row.optimal else "")
    cells = {name: Shown(value, value) for name, value in settings.items()}
    cells["Pareto"] = Shown(verdict, verdict)
    for name, cell in row.cells.items():
        cells[name] = Shown(_median(cell.median, units[name]), cell.median.value)
        change = 0.0 if row.baseline else cell.change.value
        cells[f"{name} +-"] = Shown("baseline" if row.baseline else _change(cell), change)
    return cells


def _median(median: Interval, unit: str) -> str:
    value, low, high = (str(Figure(part, unit)) for part in median)
    if math.isnan(median.low):
        return value
    if len({_NUMBER.sub("", text) for text in (value, low, high)}) == 1:
        # The unit once is enough.
        low, high = (str(_NUMBER.findall(text)[0]) for text in (low, high))
    return f"{value} [{low}, {high}]"


def _change(cell: Cell) -> str:
    if math.isnan(cell.change.value):
        return ""
    return f"{cell.change.value:+.1%}{'*' if cell.significant else ''}"


def legend(table: Comparison) -> list[str]:
    """What the signs of the table mean, line by line."""
    traded = ", ".join(list(table.units)[:TRADED])
    lines = [f"Pareto: no other setting is better in one of {traded} and no worse in the others."]
    if table.confidence:
        more = f" (six seeds or more: {CONFIDENCE:.0%})" if table.confidence < CONFIDENCE else ""
        lines.append(
            "Medians over seeds; brackets hold the true one with"
            f" {table.confidence:.0%} confidence{more}."
        )
        lines.append(
            f"+-: mean difference to the baseline with the same seeds; * significant at"
            f" {1 - CONFIDENCE:.0%}, each for itself."
        )
    else:
        lines.append("One seed: there are no confidence intervals; see --seeds.")
    return lines
