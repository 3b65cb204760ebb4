"""Phases of a run: start-up, warm-up, service. Every row of the tables knows its own.

The table `phases` says when each began. The other tables get a column `phase` when they are read
or sealed: a row belongs to the phase in which the time in its first column of unit ns lies; one
about a stretch of time, which has its end there, to the phase in which it ended. Only the table
`run` has none, it is about all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from sim.record.facts import TABLES
from sim.record.schema import schema

COLUMN: Final = "phase"
_MEANING: Final = "phase in which it lies, see the table phases: start-up, warm-up or service"
_WITHOUT: Final = frozenset({"run", "phases"})

Begins: TypeAlias = dict[str, int]
"""Begin in ns of each phase, in order."""


class PhaseName(StrEnum):
    """What a run goes through."""

    START_UP = "start-up"
    """The main goroutine runs and stores are filled; nobody asks for anything yet."""
    WARM_UP = "warm-up"
    """Load runs, but what is measured still depends on how the run began."""
    SERVICE = "service"
    """What statistics are about."""


@cache
def full_schema(table: str) -> pa.Schema:
    """The schema of a table as it is stored, with the column `phase`."""
    fields = schema(TABLES[table])
    if table in _WITHOUT:
        return fields
    about = {"unit": "text", "meaning": _MEANING}
    return fields.append(pa.field(COLUMN, pa.string(), nullable=False, metadata=about))


def begins_of(phases: Iterable[pa.RecordBatch]) -> Begins:
    """When each phase began, from the rows of `phases`; all is service if there are none.

    A phase that begins no later than others before it takes their place.
    """
    begins: Begins = {}
    for row in (row for batch in phases for row in batch.to_pylist()):
        earlier = {name: at for name, at in begins.items() if at < row["begin_ns"]}
        begins = {**earlier, row["phase"]: row["begin_ns"]}
    return begins or {PhaseName.SERVICE: 0}


def with_phase(table: str, rows: pa.RecordBatch, begins: Begins) -> pa.RecordBatch:
    """The rows with the phase in which each lies."""
    if table in _WITHOUT:
        return rows
    starts = np.array(list(begins.values()), dtype=np.int64)
    at = rows.column(_when(table)).to_numpy(zero_copy_only=False)
    # A stretch that ends when a phase begins was before it.
    side: Literal["left", "right"] = "left" if _when(table) == "end_ns" else "right"
    index = np.maximum(np.searchsorted(starts, at, side=side) - 1, 0)
    names = np.array(list(begins), dtype=object)
    columns = [*rows.columns, pa.array(names[index], pa.string())]
    return pa.RecordBatch.from_arrays(columns, schema=full_schema(table))


@cache
def _when(table: str) -> str:
    """The column that says when a row happened: the first in ns."""
    fields = schema(TABLES[table])
    return next(str(field.name) for field in fields if field.metadata[b"unit"] == b"ns")
