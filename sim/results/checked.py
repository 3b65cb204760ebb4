"""Tables as they were written: stored files may come from anywhere, and through other hands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.errors import UserError
from sim.record.phases import full_schema
from sim.text import visible

if TYPE_CHECKING:
    import pyarrow as pa


def checked(run: str, name: str, table: pa.Table) -> pa.Table:
    """The table with the columns, types, units and meanings of its schema.

    Other programs keep numbers and drop what is said about them. Raises UserError, which names the
    run, for columns that are missing or hold something else.
    """
    schema = full_schema(name)
    there = table.column_names  # a list that pyarrow makes anew each time it is asked
    if missing := [column for column in schema.names if column not in there]:
        raise UserError(
            f"{run}: table {name!r} has no column {missing[0]!r}: another version of gomemsim"
            " wrote it; simulate again"
        )
    try:
        return _seen(table.select(schema.names).cast(schema))
    except (ValueError, TypeError, NotImplementedError, LookupError) as error:
        raise UserError(f"{run}: table {name!r} is damaged: {error}") from None


def _seen(table: pa.Table) -> pa.Table:
    """Texts that move no terminal and no page."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for index, field in enumerate(table.schema):
        if field.type != pa.string():
            continue
        column = table.column(index)
        shown = {text: visible(text) for text in pc.unique(column).to_pylist()}
        if any(text != seen for text, seen in shown.items()):
            texts = pa.array([shown[text] for text in column.to_pylist()], field.type)
            table = table.set_column(index, field, texts)
    return table
