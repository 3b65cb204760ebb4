"""A comparison as a file: one row per workload, setting and figure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pandas as pd

from sim.errors import UserError
from sim.experiment.groups import WORKLOAD
from sim.experiment.table import Cell, Comparison, Row

SUFFIXES: Final = (".csv", ".parquet", ".json")


def check_suffix(file: Path) -> None:
    """UserError unless the file's name says in which format it is to be written."""
    if file.suffix not in SUFFIXES:
        raise UserError(f"--table {file}: expected a name that ends in {', '.join(SUFFIXES)}")


def comparison_frame(table: Comparison) -> pd.DataFrame:
    """Settings, then `figure`, `unit` and what is known of it; NaN where nothing is.

    `median`, `low`, `high` are in the unit; `change`, `change_low`, `change_high` are relative to
    the baseline of the workload (-0.1: a tenth less); where a run has 0 there is no ratio, and
    `difference`, `difference_low`, `difference_high` are in the unit; `workloads` is over how many
    a mean is; `p` is corrected for the whole table (Holm),
    `holds` is what is significant in words, as printed, and `verdict` what befell the runs. Means
    over workloads have an empty workload.
    """
    rows = (*table.rows, *table.means)
    return pd.DataFrame([cell for row in rows for cell in _cells(row, table)])


def _cells(row: Row, table: Comparison) -> Iterator[dict[str, Any]]:
    for name, cell in row.cells.items():
        yield {
            WORKLOAD: row.workload,
            **row.settings,
            "figure": name,
            "unit": table.units[name],
            "median": cell.median.value,
            "low": cell.median.low,
            "high": cell.median.high,
            **_change(cell),
            "p": cell.p,
            "significant": cell.holds,
            "holds": cell.sense(name),
            "pareto": row.optimal,
            "baseline": row.baseline,
            "verdict": row.verdict,
            "workloads": cell.workloads,
        }


def _change(cell: Cell) -> dict[str, float]:
    parts = ("", "_low", "_high")
    known, other = ("change", "difference") if cell.relative else ("difference", "change")
    return {
        **{f"{known}{part}": value for part, value in zip(parts, cell.change, strict=True)},
        **{f"{other}{part}": math.nan for part in parts},
    }


def serialized(frame: pd.DataFrame, suffix: str) -> bytes:
    """The rows in one of the formats of SUFFIXES; the same rows give the same bytes."""
    match suffix:
        case ".csv":
            return frame.to_csv(index=False).encode()
        case ".json":
            return f"{frame.to_json(orient='records', indent=1)}\n".encode()
        case _:
            buffer = BytesIO()
            frame.to_parquet(buffer, index=False)
            return buffer.getvalue()
