"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Sets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key, such as GOGC=50 or workload.load.api.arrivals.poisson=3000/s.",
    ),
]
Log: TypeAlias = Annotated[
    Path, typer.Argument(help="Output of a program under GODEBUG=gctrace=1.")
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print results only, no progress.")
]
