"""The tables of docs/sensitivity.md: `python docs/make_sensitivity.py` (a second).

They are data/sensitivity.csv, which `gomemsim sensitivity --table data/sensitivity.csv` makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd
from make_errors import TABLES

from sim.experiment.sensitivity import MACHINE, markdown
from sim.results.names import words

ROOT: Final = Path(__file__).parents[1]
DATA: Final = ROOT / "data" / "sensitivity.csv"
PAGE: Final = ROOT / "docs" / "sensitivity.md"
MATTERS: Final = 0.1
"""A tenth of the error of a parameter arrives in the figure."""


def costs(found: pd.DataFrame) -> str:
    """Costs of the machine that matter to any program, and to how many."""
    rows = found[found["parameter"].str.startswith(f"{MACHINE}.")]
    sure = (rows["low"] > 0) | (rows["high"] < 0)
    rows = rows[sure & (rows["elasticity"].abs() >= MATTERS)]
    size = rows["elasticity"].abs()
    order = rows.assign(size=size).groupby("parameter")["size"].agg(["count", "max"])
    order = order.sort_values(["count", "max"], ascending=False, kind="stable")
    cells = {cost: _by_figure(rows[rows["parameter"] == cost]) for cost in order.index}
    figures = [name for name in found["figure"].unique() if name in set(rows["figure"])]
    table = pd.DataFrame.from_dict(cells, orient="index").reindex(columns=figures).fillna("")
    table.index.name = "cost"
    text: str = table.rename(columns=words).to_markdown(disable_numparse=True)
    return text


def _by_figure(rows: pd.DataFrame) -> dict[str, str]:
    """Of one cost: how many programs it matters to, and the range of its elasticities."""
    cells = {}
    for figure, some in rows.groupby("figure", sort=False):
        values, largest = some["elasticity"], some.loc[some["elasticity"].abs().idxmax()]
        bounds = f"{values.min():+.2f} to {values.max():+.2f}"
        span = bounds if len(some) > 1 else f"{values.iloc[0]:+.2f}"
        cells[str(figure)] = f"{len(some)}: {span} ({largest['program']})"
    return cells


def tables(found: pd.DataFrame) -> str:
    """All tables of the page."""
    parts = ["## Costs of the machine", costs(found)]
    for program, rows in found.groupby("program"):
        parts += [f"## {program}", markdown(rows)]
    return "\n\n".join(parts)


if __name__ == "__main__":
    old = PAGE.read_text(encoding="utf-8")
    text = tables(pd.read_csv(DATA))
    PAGE.write_text(TABLES.sub(lambda _: f"\n{text}\n\n", old), encoding="utf-8")
