"""`gomemsim policies`: everything that can be named in YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def policies(
    files: Annotated[list[Path] | None, typer.Argument(help="Python files that register policies.")] = None,
) -> None:
    """List the policies by kind, with their parameters; broken plug-ins with the reason."""
    import sim.config  # noqa: F401  registers the shipped policies
    from sim.config.policy import describe
    from sim.registry import load_file

    for file in files or ():
        load_file(file)
    print(describe())
