"""`gomemsim evaluate`: the model beside all recordings, and beside what it was."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.ending import FAILED
from sim.cli.files import write_json
from sim.cli.options import Json, Quiet
from sim.cli.progress import progress
from sim.cli.terminal import say

LOGS = (Path("tests/golden/real"), Path("tests/golden/real-more"))
TABLE, ERRORS = "evaluation.parquet", "errors.csv"


def evaluate(
    data: Annotated[
        Path, typer.Option(help="Folder of real figures and of the last table.")
    ] = Path("data"),
    logs: Annotated[
        list[Path] | None,
        typer.Option(help="Folders of recorded logs [default: those of the repository]."),
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Keep the new table.")] = False,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Simulate everything that was recorded of real Go, and tell what changed since the last table.

    Exit code 1 where a median error grew by more than the spread of the real runs.
    """
    import pandas as pd

    from sim.report.documents import of_table
    from sim.truth.evaluation import Sources, changes, summary
    from sim.truth.evaluation import evaluate as measure
    from sim.truth.verdict import of_changes

    with progress("evaluate", quiet=quiet) as report:
        table = measure(Sources(data, tuple(logs or LOGS)), report)
    found = summary(table)
    before = pd.read_csv(data / ERRORS) if (data / ERRORS).is_file() else found.iloc[:0]
    changed = changes(before, found)
    verdict = of_changes(found, changed)
    document = {"verdict": verdict, "errors": of_table(found), "changes": of_table(changed)}
    if not write_json(json, lambda: document):
        say(*verdict)
        if len(changed):
            print("", changed.to_markdown(index=False), sep="\n")
    if write:
        table.to_parquet(data / TABLE, compression="zstd")
        found.to_csv(data / ERRORS, index=False, lineterminator="\n")
    elif changed["worse"].any():
        raise typer.Exit(FAILED)  # the verdict has said why
