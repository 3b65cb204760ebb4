"""`gomemsim check`: is a config right, without running anything that it names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import Sets


def check(
    config: Annotated[Path, typer.Argument(help="A config, a workload or the name of an example.")],
    sets: Sets = None,
) -> None:
    """Check a config without simulating, and without running the plug-ins it names."""
    from sim.config import check as checked

    plugins = checked(config, sets or ())
    print(f"{config}: right")
    for file in plugins:
        print(f"not looked into: {file}, a Python program that `run` runs; read it before you do")
