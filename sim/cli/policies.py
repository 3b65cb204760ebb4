"""`gomemsim policies`: everything that can be named in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def policies(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Python files that register policies.")
    ] = None,
) -> None:
    """List the policies by kind, with their parameters; broken plug-ins with the reason."""
    from sim.config import catalogue
    from sim.registry import load_file

    for file in files or ():
        load_file(file)
    table = Table("kind", "name", "parameters", "what it does", box=None, pad_edge=False)
    for entry in catalogue():
        table.add_row(entry.kind, entry.name, entry.parameters, entry.about)
    Console().print(table)
