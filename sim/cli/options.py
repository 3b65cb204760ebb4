"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from sim.cli.files import writable
from sim.quantities import CONTAINER, GROWTH, MOST_PROCESSES, MOST_SEED, TRAFFIC, Readable


def readable(quantity: Readable[object]) -> Callable[[str | None], str | None]:
    """Looks at what is typed for an option, so that it is refused before work begins."""

    def look(text: str | None) -> str | None:
        if text is not None:
            quantity.read(text)
        return text

    return look


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
    str,
    typer.Option(
        callback=readable(GROWTH), metavar="SHARE", help="Growth of the live heap to predict for."
    ),
]
Traffic: TypeAlias = Annotated[
    str,
    typer.Option(
        callback=readable(TRAFFIC),
        metavar="SHARE",
        help="Load offered to a program that waits for it, of that in the log.",
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
Memory: TypeAlias = Annotated[
    str | None,
    typer.Option(callback=readable(CONTAINER), metavar="SIZE", help="Memory of the container."),
]
Seed: TypeAlias = Annotated[
    int, typer.Option(min=0, max=MOST_SEED, help="Seed of all random streams.")
]
Jobs: TypeAlias = Annotated[
    int | None, typer.Option(min=1, max=MOST_PROCESSES, help="Processes [default: all cores].")
]
