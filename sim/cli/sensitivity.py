"""`gomemsim sensitivity`: what must be measured well, because figures hang on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import STANDARD_OUTPUT, writable, write_json
from sim.cli.options import Jobs, Json, Quiet, Sets
from sim.cli.progress import progress
from sim.cli.terminal import say
from sim.errors import UserError
from sim.files import write
from sim.quantities import MOST_RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

WORTH_TELLING = 0.05
"""Elasticity below which a figure hangs on nothing."""
FIXED = ("model.detail=fluid", "GOMAXPROCS=4", "duration=10s")
"""Before those that are given with --set."""


def sensitivity(
    configs: Annotated[
        list[str] | None,
        typer.Argument(help="Configs, or names of examples [default: all that run as rates]."),
    ] = None,
    sets: Sets = None,
    seeds: Annotated[int, typer.Option(min=1, max=MOST_RUNS, help="Runs of each variant.")] = 3,
    table: Annotated[
        Path | None,
        typer.Option(callback=writable, help="Write all of it to a file: .csv, .parquet or .json."),
    ] = None,
    jobs: Jobs = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Show which costs and parameters move which figure, and how much."""
    import pandas as pd

    from sim.config import load
    from sim.experiment.processes import ALL_CORES
    from sim.experiment.sensitivity import elasticities, markdown
    from sim.experiment.shipped import shipped
    from sim.experiment.tidy import check_suffix, serialized
    from sim.report.documents import of_found

    if table is not None:
        check_suffix(table)
    frames, verdict = [], []
    known = shipped()
    for name, file in _files(configs or known.fluid).items():
        config = load(file, [*FIXED, *(sets or ())])
        with progress(Path(name).stem, quiet=quiet) as report:
            found = elasticities(config, seeds, jobs or ALL_CORES, report)
        program, lines = Path(name).stem, [_verdict(found), *found.attrs["remarks"]]
        frames.append(found.assign(program=program))
        verdict += [f"{program}: {line}" for line in lines]
        if json != STANDARD_OUTPUT:
            say(f"## {program}\n", *lines, "")
            print(f"{markdown(found)}\n")
    if known.note and not configs:
        verdict.append(known.note)
        if json != STANDARD_OUTPUT:
            say(known.note)
    rows = pd.concat(frames, ignore_index=True)
    if table is not None:
        write(table, serialized(rows.round(4), table.suffix))
    write_json(json, lambda: of_found(verdict, rows))


def _files(configs: Sequence[str]) -> dict[str, Path]:
    """Where each config is, by what it is called. Raises UserError for one that comes twice."""
    from sim.examples import examples

    shipped, files = examples("workloads"), dict[str, Path]()
    for name in configs:
        file = shipped.get(name, Path(name)).resolve()
        if file in files.values():
            raise UserError(f"{name}: is given twice")
        files[name] = file
    return files


def _verdict(found: pd.DataFrame) -> str:
    """What each figure hangs on most."""
    from sim.results.names import by_worth, words

    most = found.loc[found["elasticity"].abs().groupby(found["figure"]).idxmax()]
    rows = {str(row["figure"]): row for row in most.to_dict("records")}
    told = [
        f"{words(name)} on {rows[name]['parameter']} ({rows[name]['elasticity']:+.2f})"
        for name in by_worth(rows)
        if abs(rows[name]["elasticity"]) >= WORTH_TELLING
    ]
    return f"Most hangs: {', '.join(told)}." if told else "Nothing moves a figure."
