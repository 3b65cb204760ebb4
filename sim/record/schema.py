"""The schema of a table, derived from the class of its rows."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Final, NamedTuple, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa

from sim.record.column import Column
from sim.record.facts import TABLES, Fact


class _Storage(NamedTuple):
    arrow: pa.DataType
    block: Any
    """Type of the column in a block of rows."""


_STORAGE: Final = {
    bool: _Storage(pa.bool_(), np.bool_),
    int: _Storage(pa.int64(), np.int64),
    float: _Storage(pa.float64(), np.float64),
    str: _Storage(pa.string(), np.object_),
}


@cache
def schema(fact: type[Fact]) -> pa.Schema:
    """The Arrow schema of a fact's table: the docstring is its description, as metadata.

    Every column carries its `unit` and `meaning`. Raises TypeError for a field without a Column
    or of another type than bool, int, float and str.
    """
    fields = [
        pa.field(
            name, storage.arrow, nullable=False,
            metadata={"unit": column.unit, "meaning": column.meaning},
        )
        for name, column, storage in _columns(fact)
    ]  # fmt: skip
    return pa.schema(fields, metadata={"description": " ".join((fact.__doc__ or "").split())})


def block_dtype(fact: type[Fact]) -> np.dtype[np.void]:
    """The numpy type of a row in memory; strings are references."""
    return np.dtype([(name, storage.block) for name, _, storage in _columns(fact)])


def table_of(fact: type[Fact]) -> str:
    """The name of a fact's table. Raises TypeError for a class that is no fact."""
    for name, known in TABLES.items():
        if known is fact:
            return name
    raise TypeError(f"{fact.__name__} is no fact: sim.record.facts.TABLES does not list it")


def _columns(fact: type[Fact]) -> list[tuple[str, Column, _Storage]]:
    hints = get_type_hints(fact, include_extras=True)
    return [_column(fact, name, hint) for name, hint in hints.items()]


def _column(fact: type[Fact], field: str, hint: Any) -> tuple[str, Column, _Storage]:
    metadata = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    column = next((item for item in metadata if isinstance(item, Column)), None)
    if column is None:
        raise TypeError(f"{fact.__name__}.{field} has no Column")
    base = get_args(hint)[0]
    storage = _STORAGE.get(str if issubclass(base, str) else base)
    if storage is None:
        raise TypeError(f"{fact.__name__}.{field}: no column holds {base.__name__}")
    return column.name or field, column, storage
