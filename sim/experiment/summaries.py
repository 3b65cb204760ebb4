"""The figures of all runs of a sweep in one file, for pandas, DuckDB, polars and spreadsheets."""

from __future__ import annotations

from io import BytesIO
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.record.places import Place, put
from sim.results.frames import summary_frame
from sim.results.load import load_inside

NAME: Final = "summary"


def write_summary(folder: Place) -> None:
    """Renew `summary.parquet` and `summary.csv` of a sweep: a row per run.

    Settings and seed come first, then workload and status, then the figures; in parquet every
    figure has its `unit` as metadata. Both files appear whole or not at all.
    """
    runs = load_inside(folder)
    if runs:
        frame = summary_frame(runs)
        put(folder / f"{NAME}.parquet", _parquet(frame))
        put(folder / f"{NAME}.csv", frame.to_csv(index=False).encode())


def _parquet(frame: pd.DataFrame) -> bytes:
    table = pa.Table.from_pandas(frame.reset_index(drop=True), preserve_index=False)
    units = frame.attrs["units"]
    fields = [field.with_metadata({"unit": units.get(field.name, "")}) for field in table.schema]
    buffer = BytesIO()
    pq.write_table(table.cast(pa.schema(fields)), buffer, compression="zstd")
    return buffer.getvalue()
