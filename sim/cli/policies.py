"""`gomemsim policies`: everything that can be named in YAML."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import write_json
from sim.cli.options import Json


def policies(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Python files that register policies; they are run."),
    ] = None,
    json: Json = None,
) -> None:
    """List what can be named in YAML, by kind, with parameters; of broken plug-ins the reason."""
    from sim.config import catalogue
    from sim.registry import load_file

    for file in files or ():
        load_file(file)
    entries = catalogue()
    if write_json(json, lambda: [asdict(entry) for entry in entries]):
        return
    for entry in entries:
        keys = f" ({entry.parameters})" if entry.parameters else ""
        print(f"{entry.kind:13} {entry.name:13} {entry.about}{keys}")
