"""`gomemsim accuracy`: simulated runs beside recorded runs of the same program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import write_json
from sim.cli.options import Json, Quiet, Sets
from sim.cli.progress import progress
from sim.cli.terminal import say


def accuracy(
    configs: Annotated[list[Path], typer.Argument(help="Configs whose programs were recorded.")],
    recorded: Annotated[
        Path, typer.Option(help="Folder of recorded runs: pairs of .gctrace and .json files.")
    ] = Path("tests/golden/real"),
    sets: Sets = None,
    ladder: Annotated[
        bool, typer.Option("--ladder", help="Errors with one mechanism after the other.")
    ] = False,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Simulate every setting that was recorded, and print real, simulated and error as Markdown."""
    from sim.report.documents import of_found
    from sim.truth.accuracy import accuracy as measure
    from sim.truth.accuracy import errors_markdown, markdown
    from sim.truth.ladder import climb
    from sim.truth.verdict import of_errors, of_rungs

    with progress("accuracy", quiet=quiet) as report:
        if ladder:
            rungs = climb(configs, recorded, report)
            if not write_json(json, lambda: of_found(of_rungs(rungs), rungs.reset_index())):
                say(*of_rungs(rungs), "")
                print(rungs.to_markdown())
            return
        table = measure(configs, recorded, sets or (), report)
    verdict = of_errors(table)
    if write_json(json, lambda: of_found(verdict, table)):
        return
    say(*verdict, "")
    print(errors_markdown(table), markdown(table), sep="\n")
