"""The schema of a table, derived from the class of its rows."""

from __future__ import annotations

from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import pyarrow as pa

from sim.record.column import Column
from sim.record.facts import Fact

_ARROW: Final = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}


@cache
def schema(fact: type[Fact]) -> pa.Schema:
    """The Arrow schema of a fact's table: the docstring is its description, as metadata.

    Every column carries its `unit` and `meaning`; one that may be None is nullable. Raises
    TypeError for a field without a Column or of another type than bool, int, float and str.
    """
    hints = get_type_hints(fact, include_extras=True)
    fields = [_field(f"{fact.__name__}.{name}", name, hint) for name, hint in hints.items()]
    return pa.schema(fields, metadata={"description": " ".join((fact.__doc__ or "").split())})


def _field(where: str, name: str, hint: Any) -> pa.Field:
    metadata = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    column = next((item for item in metadata if isinstance(item, Column)), None)
    if column is None:
        raise TypeError(f"{where} has no Column")
    base, nullable = get_args(hint)[0], False
    if get_origin(base) is UnionType:
        base, nullable = get_args(base)[0], NoneType in get_args(base)
    arrow = _ARROW.get(str if issubclass(base, str) else base)
    if arrow is None:
        raise TypeError(f"{where}: no column holds {base.__name__}")
    about = {"unit": column.unit, "meaning": column.meaning}
    return pa.field(column.name or name, arrow, nullable=nullable, metadata=about)
