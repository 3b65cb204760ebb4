"""`gomemsim schema`: JSON Schemas for editors."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import write


class Kind(StrEnum):
    """Which file the schema is for."""

    CONFIG = "config"
    WORKLOAD = "workload"


def schema(
    kind: Annotated[Kind, typer.Argument(help="Kind of file.")] = Kind.CONFIG,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write to a file.")] = None,
) -> None:
    """Print the JSON Schema of config or workload files."""
    from sim.config import json_schema

    text = json.dumps(json_schema(kind.value), indent=2) + "\n"
    if out is None:
        print(text, end="")
    else:
        write(out, text)
