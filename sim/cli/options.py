"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from sim.cli.files import writable

Sets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key, such as GOGC=50 or workload.load.api.arrivals.poisson=3000/s.",
    ),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print results and doubts only, no progress.")
]
Json: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--json",
        callback=writable,
        metavar="FILE",
        help="Write the result as JSON; - is standard output, with no other text.",
    ),
]
Growth: TypeAlias = Annotated[
    str, typer.Option(metavar="SHARE", help="Growth of the live heap to predict for.")
]
Traffic: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SHARE", help="Load offered to a program that waits for it, of that in the log."
    ),
]
Html: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        callback=writable,
        metavar="FILE",
        help="Write a page with sliders too, one file for any browser.",
    ),
]
