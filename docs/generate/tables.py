"""The tables of a run, column by column, and the figures of its summary."""

from __future__ import annotations

from generate.markdown import code, table
from sim.record.facts import TABLES
from sim.record.schema import schema
from sim.results.formulas import FORMULAS
from sim.results.names import by_worth, words


def tables() -> str:
    """A section a table."""
    parts = [
        "# Tables of a run",
        "A run is a folder with one parquet file a table. Times are simulated nanoseconds since its"
        " start, memory is in bytes. Units and meanings are in the metadata of the files, too.",
    ]
    for name, fact in TABLES.items():
        about = schema(fact)
        rows = [_column(field) for field in about]
        description = about.metadata[b"description"].decode()
        parts += [f"## {name}", description, table(["column", "type", "unit", "meaning"], rows)]
    return "\n\n".join(parts)


def _column(field: object) -> list[str]:
    about = {key.decode(): value.decode() for key, value in field.metadata.items()}
    return [code(field.name), str(field.type), about["unit"], about["meaning"]]


def figures() -> str:
    """What `summary()` has, by formula, in the order in which it is printed."""
    rows = [[code(name), words(name), FORMULAS[name]] for name in by_worth(FORMULAS)]
    return "\n\n".join(
        [
            "# Figures of a summary",
            "What `gomemsim run` prints and `result.summary()` has, from the columns of the"
            " [tables](tables.md). Figures whose tables are empty are left out.",
            table(["name", "printed as", "formula"], rows),
        ]
    )
