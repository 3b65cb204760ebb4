"""`gomemsim explore`: a local page with sliders, on a log or a config."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from sim.cli.fitting import fitted
from sim.cli.options import (
    RSS,
    Arrivals,
    Expositions,
    From,
    GivenLoad,
    GivenProcess,
    Go,
    Horizon,
    LoggedGOGC,
    LoggedLimit,
    Metrics,
    Quiet,
    To,
    Trace,
)
from sim.cli.progress import progress


def explore(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="LOG|CONFIG",
            help="Output under GODEBUG=gctrace=1, or a config, which is simulated for its log.",
        ),
    ],
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory of the container.")
    ] = None,
    logged_gogc: LoggedGOGC = None,
    logged_gomemlimit: LoggedLimit = None,
    load: GivenLoad = None,
    arrivals: Arrivals = None,
    process: GivenProcess = None,
    metrics: Metrics = None,
    prometheus: Expositions = None,
    trace: Trace = None,
    rss: RSS = None,
    begin: From = None,
    end: To = None,
    horizon: Horizon = None,
    go: Go = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 0,
    browse: Annotated[
        bool, typer.Option("--browse/--no-browse", help="Open the page in a browser.")
    ] = True,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random streams.")] = 1,
    quiet: Quiet = False,
) -> None:
    """Open a local page with sliders for settings, load and live heap, on the model itself."""
    from sim.explore.serve import serve
    from sim.explore.source import is_config, simulate_log
    from sim.units import parse_bytes

    container = None if memory is None else parse_bytes(memory)
    with TemporaryDirectory() as folder:
        log = source
        if is_config(source):
            with progress(source.stem, quiet=quiet) as report:
                log, metrics, rss = simulate_log(source, Path(folder), report)
        fit = fitted(
            log,
            quiet=quiet,
            gogc=logged_gogc,
            gomemlimit=logged_gomemlimit,
            load=load,
            arrivals=arrivals,
            process=process,
            rss=rss,
            window=(begin, end),
            horizon=horizon,
            go=go,
            metrics=metrics,
            prometheus=prometheus,
            trace=trace,
        )

    def ready(address: str) -> None:
        print(f"explore: {address} (Ctrl-C ends it)", flush=True)

    serve(fit, source.name, container, seed, port=port, browse=browse, ready=ready)
