"""Facts in, blocks of rows out: memory stays bounded however long the run is."""

from __future__ import annotations

import threading
import weakref
from array import array
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from sim.errors import ModelError
from sim.record.facts import TABLES, Fact, RunInfo
from sim.record.phases import begins_of, full_schema, with_phase
from sim.record.schema import schema

BLOCK_ROWS: Final = 4096


class Sink(Protocol):
    """Where the blocks go: a folder of parquet files, or memory."""

    every: float | None
    """Seconds of wall time after which it wants what there is; None: when blocks are full."""

    def open(self, run: pa.RecordBatch) -> None:
        """A run begins; what is known of it so far."""

    def write(self, table: str, rows: pa.RecordBatch) -> None:
        """More rows of a table."""

    def seal(self, run: pa.RecordBatch) -> None:
        """The run has ended; its final row."""


class _Block(NamedTuple):
    """Rows that the sink has not got yet, one value after the other.

    A flat list is the cheapest to append to, and nothing in it concerns the cyclic collector.
    """

    values: list[Any]
    full: int
    """Number of values in BLOCK_ROWS rows."""
    table: str


class Recorder:
    """Takes facts and hands them to its sink in blocks.

    Whenever one block is full, and as often as the sink wants it, all of them are handed over: what
    a killed run leaves behind ends at one instant in all tables. Values that do not fit their
    columns are found at that time, and raise ModelError.
    """

    def __init__(self, sink: Sink, run: RunInfo) -> None:
        """Take facts from now on; `run.status` should be running."""
        self._sink = sink
        self._run: RunInfo | None = run
        self._blocks = {
            fact: _Block([], BLOCK_ROWS * len(schema(fact)), table)
            for table, fact in TABLES.items()
            if fact is not RunInfo
        }
        self._handing_over = threading.Lock()
        self._sealed = threading.Event()
        self._failure: Exception | None = None

    def begin(self) -> None:
        """Open the sink, which the first full block would do otherwise. Raises what it raises."""
        if self._run is None:
            return
        self._sink.open(_batch(RunInfo, list(self._run)))
        self._run = None
        if self._sink.every is not None:
            arguments = (weakref.ref(self), self._sealed, self._sink.every)
            threading.Thread(target=_hand_over_regularly, args=arguments, daemon=True).start()

    def emit(self, fact: Fact) -> None:
        """Write a fact down. Raises KeyError for a class that is not in TABLES."""
        values, full, _ = self._blocks[type(fact)]
        values += fact
        if len(values) >= full:
            self.flush()

    def seal(self, run: RunInfo) -> None:
        """End the run with what is known of it now; the tables are complete from here on."""
        self._sealed.set()
        self.flush()
        self._sink.seal(_batch(RunInfo, list(run)))

    def hand_over(self) -> None:
        """Hand over what there is, in a thread of its own; `emit` and `seal` raise what failed."""
        try:
            self.flush()
        except Exception as error:  # noqa: BLE001  told where the run can end by it
            self._failure = error
            self._sealed.set()

    def flush(self) -> None:
        """Hand over what there is, so that it can be read before the run is sealed."""
        self.begin()
        with self._handing_over:
            if self._failure is not None:
                raise self._failure
            # Facts may come meanwhile, at the ends of the lists.
            rows = [(fact, block, block.values[:]) for fact, block in self._blocks.items()]
            # Where the disk is full, the shortest tables, which say most, are there already.
            for fact, block, values in sorted(rows, key=lambda row: len(row[2])):
                if values:
                    del block.values[: len(values)]  # first: an interruption must not write twice
                    self._sink.write(block.table, _batch(fact, values))


def _hand_over_regularly(
    recorder: weakref.ref[Recorder], sealed: threading.Event, every: float
) -> None:
    while not sealed.wait(every):
        if (found := recorder()) is None:
            return
        found.hand_over()
        del found


class MemorySink:
    """Keeps the tables in memory, for use as a library and for tests."""

    every: float | None = None

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
        begins = begins_of(self._batches["phases"])
        rows = [with_phase(name, batch, begins) for batch in self._batches[name]]
        return pa.Table.from_batches(rows, full_schema(name))


def _batch(fact: type[Fact], values: list[Any]) -> pa.RecordBatch:
    fields = schema(fact)
    columns = []
    for index, field in enumerate(fields):
        try:
            columns.append(_column(values[index :: len(fields)], field))
        except (pa.ArrowException, OverflowError, TypeError) as error:
            raise ModelError(f"{fact.__name__}: column {field.name!r}: {error}") from None
    return pa.RecordBatch.from_arrays(columns, schema=fields)


_NUMBERS: Final = {pa.int64(): "q", pa.float64(): "d"}


def _column(values: list[Any], field: pa.Field) -> pa.Array:
    """The values as Arrow. Other than Arrow's own conversion, an array refuses to cut fractions."""
    if field.type not in _NUMBERS:
        return pa.array(values, field.type)
    code = _NUMBERS[field.type]
    if not field.nullable:
        return pa.Array.from_buffers(
            field.type, len(values), [None, pa.py_buffer(array(code, values))]
        )
    known = array(code, [0 if value is None else value for value in values])
    return pa.array(np.asarray(known), mask=np.array([value is None for value in values]))
