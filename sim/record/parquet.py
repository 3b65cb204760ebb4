"""A run's folder: streams while it runs, parquet files once it is sealed.

Parquet keeps its directory at the end of the file, so a killed run would leave nothing readable.
Rows therefore go to Arrow streams, and become parquet files at the end. A folder with
`run.parquet` is sealed: that file appears last, and every file appears whole. The same rows give
the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import UserError
from sim.record.facts import TABLES
from sim.record.phases import begins_of, full_schema, with_phase
from sim.record.places import Place
from sim.record.schema import schema

GROUP_ROWS: Final = 1 << 16
"""Rows in a row group; they do not depend on when blocks were handed over."""


class ParquetSink:
    """Writes a run's tables into a folder. A run that was there before is replaced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._streams: dict[str, pa.RecordBatchStreamWriter] = {}

    def open(self, run: pa.RecordBatch) -> None:
        """Make the folder and begin the streams. Raises UserError if it cannot be written to."""
        with _explained(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            sealed_path(self._folder, "run").unlink(missing_ok=True)
            for table, fact in TABLES.items():
                sealed_path(self._folder, table).unlink(missing_ok=True)
                file = pa.OSFile(str(stream_path(self._folder, table)), mode="wb")
                self._streams[table] = pa.ipc.new_stream(file, schema(fact))
            self.write("run", run)

    def write(self, table: str, rows: pa.RecordBatch) -> None:
        """Append to a stream. Raises UserError if there is no room."""
        with _explained(self._folder):
            self._streams[table].write_batch(rows)

    def seal(self, run: pa.RecordBatch) -> None:
        """Turn the streams into parquet files. Raises UserError if there is no room."""
        with _explained(self._folder):
            for stream in self._streams.values():
                stream.close()
            for table in TABLES:
                if table != "run":
                    _write_sealed(self._folder, table, _stored_batches(self._folder, table))
            _write_sealed(self._folder, "run", [run])
            for table in TABLES:
                stream_path(self._folder, table).unlink()


def is_run(folder: Place) -> bool:
    """Whether the folder holds a run, sealed or not."""
    return is_sealed(folder) or stream_path(folder, "run").is_file()


def is_sealed(folder: Place) -> bool:
    """Whether the run in the folder came to its end, and all its rows are there."""
    return sealed_path(folder, "run").is_file()


def read_table(folder: Place, table: str) -> pa.Table:
    """A table of a run. Of a run that is not sealed, the rows that reached the folder.

    Raises UserError if a sealed run lacks the table or has it damaged.
    """
    if not is_sealed(folder):
        return pa.Table.from_batches(_stored_batches(folder, table), full_schema(table))
    path = sealed_path(folder, table)
    try:
        with path.open("rb") as file:
            return pq.ParquetFile(file).read()
    except FileNotFoundError:
        raise UserError(f"{folder}: this run has no table {table!r}") from None
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: damaged: {error}") from None


def sealed_path(folder: Place, table: str) -> Place:
    """Where a table is once its run is sealed."""
    return folder / _sealed(table)


def _sealed(table: str) -> str:
    return f"{table}.parquet"


def stream_path(folder: Place, table: str) -> Place:
    """Where a table grows while its run goes on."""
    return folder / f".{table}.arrows.partial"


def _stream_batches(folder: Place, table: str) -> Iterator[pa.RecordBatch]:
    """The whole blocks in a stream; a stream that breaks off just ends."""
    try:
        with pa.ipc.open_stream(pa.OSFile(str(stream_path(folder, table)))) as stream:
            yield from stream
    except (pa.ArrowInvalid, OSError):
        return


def _stored_batches(folder: Place, table: str) -> Iterator[pa.RecordBatch]:
    """The blocks in a stream as they are stored: with their phases."""
    begins = begins_of(_stream_batches(folder, "phases"))
    return (with_phase(table, rows, begins) for rows in _stream_batches(folder, table))


def _write_sealed(folder: Path, table: str, batches: Iterable[pa.RecordBatch]) -> None:
    whole = folder / _sealed(table)
    growing = folder / f".{whole.name}.partial"
    with pq.ParquetWriter(growing, full_schema(table), compression="zstd") as writer:
        for group in _groups(batches):
            writer.write_table(group)
    growing.replace(whole)


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows in groups of GROUP_ROWS, the last one shorter."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= GROUP_ROWS:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, GROUP_ROWS).combine_chunks()
            waiting = table.slice(GROUP_ROWS).to_batches()
            rows -= GROUP_ROWS
    if rows:
        yield pa.Table.from_batches(waiting).combine_chunks()


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Failures of the file system, as a sentence for the user."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{folder}: cannot write the tables: {error.strerror or error}") from None
