"""`gomemsim effects`: which factor of a stored sweep moves which figure."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import writable, write_json
from sim.cli.options import Json
from sim.cli.terminal import say
from sim.errors import UserError
from sim.files import write

if TYPE_CHECKING:
    import pandas as pd


def effects(
    sweep: Annotated[str, typer.Argument(help="Folder or URL of a sweep.")],
    figure: Annotated[str, typer.Option(help="Figure of the summary.")] = "gc_cpu",
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", "-o", callback=writable, help="Draw means into a file, .svg or .png."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            callback=writable, help="Write the effects to a file: .csv, .parquet or .json."
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Show the effects of what a sweep varied: each factor, and each two together."""
    from sim.experiment.effects import effects as found_in
    from sim.experiment.effects import factors_of
    from sim.experiment.tidy import check_suffix, serialized
    from sim.report.documents import of_found
    from sim.report.effects import effects_picture, share_text, verdict
    from sim.results.load import load
    from sim.results.result import Results
    from sim.units import Figure

    if table is not None:
        check_suffix(table)
    if plot is not None:
        from sim.report.plot import check_picture

        check_picture(plot)
    runs = load(sweep)
    if not isinstance(runs, Results):
        raise UserError(f"{sweep}: expected a sweep, got a single run")
    figures = runs.summary()
    found = found_in(figures, figure)
    unit = figures.attrs["units"][figure]
    if table is not None:
        write(table, serialized(found, table.suffix))
    if plot is not None:
        write(plot, effects_picture(figures, factors_of(figures), figure, unit, plot.suffix))
    lines = verdict(found, figure, unit, figures)
    if write_json(json, lambda: of_found(lines, found)):
        return

    def with_unit(values: pd.Series[float]) -> list[str]:
        return ["" if math.isnan(value) else str(Figure(value, unit)) for value in values]

    shown = found.assign(
        low=with_unit(found["low"]),
        high=with_unit(found["high"]),
        share=found["share"].map(share_text),
        p=found["p"].map("{:.3f}".format),
    )
    say(*lines, "")
    print(shown.to_markdown(index=False, disable_numparse=True))
    say(
        "\nlow, high: least and largest mean over the values of the factor, or the thirds of its"
        " range; share: of the variation that is not of seeds; p: F test (ANOVA, type II),"
        " corrected (Holm)."
    )
