"""`gomemsim sensitivity`: what must be measured well, because figures hang on it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import STANDARD_OUTPUT, writable, write_json
from sim.cli.options import Json, Quiet, Sets
from sim.cli.progress import progress
from sim.files import write

if TYPE_CHECKING:
    import pandas as pd

WORTH_TELLING = 0.05
"""Elasticity below which a figure hangs on nothing."""
SHOWN = 12
"""Parameters of each program that are printed."""
FIXED = ("model.detail=fluid", "GOMAXPROCS=4", "duration=20s")
"""Before those that are given with --set."""
HEAD = """# What figures hang on

Elasticities: the change of a figure in percent where a cost of the machine profile, or a parameter
of the workload, is one percent higher (measured with ten percent, one at a time, as rates, on
four Ps for 20 s, unless set otherwise; brackets: 95 % over seeds). What is not listed moves less.
Made by `gomemsim sensitivity`; without names it takes all shipped workloads.
"""


def sensitivity(
    configs: Annotated[
        list[str] | None,
        typer.Argument(help="Configs, or names of examples [default: all shipped workloads]."),
    ] = None,
    sets: Sets = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each variant.")] = 2,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", callback=writable, help="Write the page to a file."),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes [default: all cores].")] = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Show which costs and parameters move which figure, and how much."""
    import pandas as pd

    from sim.config import load
    from sim.examples import examples
    from sim.experiment.processes import ALL_CORES
    from sim.experiment.sensitivity import elasticities
    from sim.report.documents import of_table

    parts, frames = [HEAD], []
    for name in configs or list(examples("workloads")):
        config = load(examples("workloads").get(name, Path(name)), [*FIXED, *(sets or ())])
        with progress(Path(name).stem, quiet=quiet) as report:
            found = elasticities(config, seeds, jobs or ALL_CORES, report)
        parts.append(f"## {Path(name).stem}\n\n{_verdict(found)}\n\n{_markdown(found)}\n")
        frames.append(found.assign(program=Path(name).stem))
        if not quiet and json != STANDARD_OUTPUT:
            print(parts[-1])
    if out is not None:
        write(out, "\n".join(parts))
    write_json(json, lambda: of_table(pd.concat(frames, ignore_index=True)))


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


def _markdown(found: pd.DataFrame) -> str:
    """Parameters by the figure that they move most, and figures as columns."""
    import pandas as pd

    from sim.results.names import words

    if found.empty:
        return "No figure is known."
    order = found.assign(size=found["elasticity"].abs()).groupby("parameter")["size"].max()
    largest = order.sort_values(ascending=False, kind="stable").head(SHOWN).index
    rows = found[found["parameter"].isin(largest)]
    texts = rows.assign(
        text=[
            f"{value:+.2f}" if math.isnan(low) else f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"
            for value, low, high in zip(rows["elasticity"], rows["low"], rows["high"], strict=True)
        ]
    )
    wide = texts.pivot_table("text", "parameter", "figure", aggfunc="first", sort=False)
    wide = wide.rename(columns=words)
    table: str = pd.DataFrame(wide).loc[largest].fillna("").to_markdown(disable_numparse=True)
    return table
