"""`gomemsim validate-memory`: simulated memory beside that of real Go programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import write_json
from sim.cli.options import Json, Quiet
from sim.cli.progress import progress
from sim.cli.terminal import say


def validate_memory(
    configs: Annotated[
        list[Path],
        typer.Argument(help="Configs of shrink, steady-leak, every-second and deep-stacks."),
    ],
    recorded: Annotated[
        Path | None,
        typer.Option(help="Folder of real runs; what is missing is measured and kept there."),
    ] = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Run real Go programs and their simulations; print heap, RSS over time and errors."""
    from sim.report.documents import of_found
    from sim.truth.memory import markdown, validate
    from sim.truth.verdict import of_memory

    with progress("memory", quiet=quiet) as report:
        table = validate(configs, recorded, report)
    verdict = of_memory(table)
    if not write_json(json, lambda: of_found(verdict, table.reset_index())):
        say(*verdict, "")
        print(markdown(table))
