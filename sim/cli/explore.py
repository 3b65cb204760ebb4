"""`gomemsim explore`: a local page with sliders, on a log or a config."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from sim.cli.options import Memory, Quiet, Seed
from sim.cli.progress import progress
from sim.cli.source import fitted, takes_source
from sim.fitting.source import Source
from sim.quantities import CONTAINER


@takes_source(without={"log", "pprof"})
def explore(
    log: Annotated[
        Path,
        typer.Argument(
            metavar="LOG|CONFIG",
            help="Output under GODEBUG=gctrace=1, or a config, which is simulated for its log.",
        ),
    ],
    memory: Memory = None,
    *,
    source: Source,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 0,
    browse: Annotated[
        bool, typer.Option("--browse/--no-browse", help="Open the page in a browser.")
    ] = True,
    seed: Seed = 1,
    quiet: Quiet = False,
) -> None:
    """Open a local page with sliders for settings, load and live heap, on the model itself."""
    from sim.explore.serve import serve
    from sim.explore.source import is_config, simulate_log

    container = None if memory is None else CONTAINER.read(memory)
    with TemporaryDirectory() as folder:
        given = replace(source, log=log)
        if is_config(log):
            with progress(log.stem, quiet=quiet) as report:
                name, metrics, rss = simulate_log(log, Path(folder), report)
            given = replace(source, log=name, metrics=metrics, rss=rss)
        fit = fitted(given, quiet=quiet)

    def ready(address: str) -> None:
        print(f"explore: {address} (Ctrl-C ends it)", flush=True)

    serve(fit, log.name, container, seed, port=port, browse=browse, ready=ready)
