"""`gomemsim contention`: waiting for the runtime's locks over GOMAXPROCS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.files import folder_path, writable, write_json
from sim.cli.options import Jobs, Json, Quiet, Sets, readable
from sim.cli.sweeping import all_simulated
from sim.cli.terminal import say
from sim.files import write
from sim.quantities import GOMAXPROCS_VALUES
from sim.units import format_duration

if TYPE_CHECKING:
    import pandas as pd


SHOWN = 4
"""Locks of each setting that are printed."""


def contention(
    config: Annotated[Path, typer.Argument(help="A config file, or the name of an example.")],
    gomaxprocs: Annotated[
        str,
        typer.Option(
            callback=readable(GOMAXPROCS_VALUES), metavar="N,N", help="GOMAXPROCS values."
        ),
    ] = "1,2,4,8,16,32,64",
    sets: Sets = None,
    exact: Annotated[
        bool,
        typer.Option("--exact", help="Every refill an event as well; says first what it costs."),
    ] = False,
    out: Annotated[
        Path, typer.Option(parser=folder_path, metavar="DIR", help="Folder for the runs.")
    ] = Path("results/contention"),
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", "-o", callback=writable, help="Draw the curve into a file, .svg or .png."
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(callback=writable, help="Write all locks to a file: .csv, .parquet or .json."),
    ] = None,
    jobs: Jobs = None,
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Show for each lock how often it is taken and waited for, as GOMAXPROCS grows."""
    import pandas as pd

    from sim.experiment.contention import BATCHED, EXACT, contention_frame
    from sim.experiment.design import design
    from sim.experiment.grid import points
    from sim.experiment.sweep import own_folder
    from sim.experiment.tidy import check_suffix, serialized
    from sim.report.contention import verdict
    from sim.report.documents import of_found

    if table is not None:
        check_suffix(table)
    if plot is not None:
        from sim.report.plot import check_picture

        check_picture(plot)
    settings = design("grid", [f"GOMAXPROCS={gomaxprocs}"])

    def simulated(switch: str, inside: str) -> pd.DataFrame:
        todo = points(config, settings, 1, [*(sets or ()), switch])
        folder = own_folder(todo, out / inside)
        all_simulated(todo, folder, jobs, quiet=quiet)
        return contention_frame(todo, folder)

    frames = {"batches": simulated(BATCHED, "batches")}
    if exact:
        frames["exact"] = simulated(EXACT, "exact")
    rows = pd.concat(frames, names=["refills"]).reset_index("refills")
    if table is not None:
        write(table, serialized(rows, table.suffix))
    if plot is not None:
        from sim.report.contention import curve

        write(plot, curve(rows, plot.suffix))
    if not write_json(json, lambda: of_found(verdict(rows), rows)):
        say(*verdict(rows), "")
        print(_markdown(rows))


def _markdown(rows: pd.DataFrame) -> str:
    """The locks that are most waited for under each setting."""
    import pandas as pd

    from sim.report.contention import share_text

    first = rows.groupby(["refills", "setting"], sort=False).head(SHOWN + 1)
    shown = pd.DataFrame(
        {
            "refills": first["refills"],
            "setting": first["setting"],
            "lock": first["lock"],
            "taken/s": first["per_second"].map("{:.4g}".format),
            "contended": first["contended"].map("{:.2%}".format),
            "wait mean": first["mean_wait_ns"].map(format_duration),
            "p99": first["p99_wait_ns"].map(format_duration),
            "max": first["max_wait_ns"].map(format_duration),
            "of all Ps": first["cpu_share"].map(share_text),
        }
    )
    text = shown.to_markdown(index=False, disable_numparse=True)
    return (
        f"{text}\n\nWaits are per acquisition. p99: if waits are exponential; max: as seen, or"
        " expected where refills go in batches. of all Ps: of the time of all Ps, idle or not."
    )
