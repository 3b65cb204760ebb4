"""`gomemsim check`: is a config right, without running anything that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import write_json
from sim.cli.options import Json, Sets


def check(
    config: Annotated[Path, typer.Argument(help="A config, a workload or the name of an example.")],
    sets: Sets = None,
    json: Json = None,
) -> None:
    """Check a config without simulating, and without running the plug-ins it names."""
    from sim.config import check as checked

    plugins = checked(config, sets or ())
    document = {"config": str(config), "plugins": [str(file) for file in plugins]}
    if write_json(json, lambda: document):
        return
    print(f"{config}: right")
    for file in plugins:
        print(f"not looked into: {file}, a Python program that `run` runs; read it before you do")
