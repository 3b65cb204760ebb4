"""Facts in, blocks of rows out: memory stays bounded however long the run is."""

from __future__ import annotations

from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sim.record.facts import TABLES, Fact, RunInfo
from sim.record.schema import block_dtype, schema, table_of

BLOCK_ROWS: Final = 4096

_Rows: TypeAlias = NDArray[np.void]


class Sink(Protocol):
    """Where the blocks go: a folder of parquet files, or memory."""

    def open(self, run: pa.RecordBatch) -> None:
        """A run begins; what is known of it so far."""

    def write(self, table: str, rows: pa.RecordBatch) -> None:
        """More rows of a table."""

    def seal(self, run: pa.RecordBatch) -> None:
        """The run has ended; its final row."""


class _Block:
    """Rows of one table that the sink has not got yet."""

    __slots__ = ("fact", "filled", "rows")

    def __init__(self, fact: type[Fact]) -> None:
        self.fact = fact
        self.filled = 0
        self.rows = np.zeros(BLOCK_ROWS, dtype=block_dtype(fact))

    def take(self) -> pa.RecordBatch:
        """The rows as Arrow, and an empty block."""
        rows, self.filled = self.rows[: self.filled], 0
        return _batch(self.fact, rows)


class Recorder:
    """Takes facts and hands them to its sink in blocks.

    Whenever one block is full, all of them are handed over: what a killed run leaves behind ends
    at one instant in all tables.
    """

    def __init__(self, sink: Sink, run: RunInfo) -> None:
        """Begin a run; `run.status` should be running."""
        self._sink = sink
        self._blocks = {fact: _Block(fact) for fact in TABLES.values() if fact is not RunInfo}
        sink.open(_run_batch(run))

    def emit(self, fact: Fact) -> None:
        """Write a fact down. Raises KeyError for a class that is not in TABLES."""
        block = self._blocks[type(fact)]
        row = block.filled
        block.rows[row] = fact
        block.filled = row = row + 1
        if row == BLOCK_ROWS:
            self._flush()

    def seal(self, run: RunInfo) -> None:
        """End the run with what is known of it now; the tables are complete from here on."""
        self._flush()
        self._sink.seal(_run_batch(run))

    def _flush(self) -> None:
        for fact, block in self._blocks.items():
            if block.filled:
                self._sink.write(table_of(fact), block.take())


class MemorySink:
    """Keeps the tables in memory, for use as a library and for tests."""

    def __init__(self) -> None:
        self._batches: dict[str, list[pa.RecordBatch]] = {name: [] for name in TABLES}

    def open(self, run: pa.RecordBatch) -> None:
        """Keep the opening row."""
        self._batches["run"] = [run]

    def write(self, table: str, rows: pa.RecordBatch) -> None:
        """Keep the rows."""
        self._batches[table].append(rows)

    def seal(self, run: pa.RecordBatch) -> None:
        """Keep the final row in place of the opening one."""
        self._batches["run"] = [run]

    def table(self, name: str) -> pa.Table:
        """A table as it is by now. Raises KeyError for a name that is not in TABLES."""
        return pa.Table.from_batches(self._batches[name], schema(TABLES[name]))


def _run_batch(run: RunInfo) -> pa.RecordBatch:
    return _batch(RunInfo, np.array([run], dtype=block_dtype(RunInfo)))


def _batch(fact: type[Fact], rows: _Rows) -> pa.RecordBatch:
    fields = schema(fact)
    columns = [pa.array(_values(rows[field.name]), field.type) for field in fields]
    return pa.RecordBatch.from_arrays(columns, schema=fields)


def _values(column: NDArray[Any]) -> NDArray[Any] | list[str]:
    """Copied, since the block is used again; strings as Python has them."""
    return column.tolist() if column.dtype == np.object_ else column.copy()
