"""`gomemsim fit`: a workload from a log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import writable, write_json
from sim.cli.options import Json, Memory, Quiet
from sim.cli.source import fitted, takes_source
from sim.cli.terminal import say
from sim.files import write
from sim.fitting.source import Source
from sim.quantities import CONTAINER, MOST_PS


@takes_source(without={"horizon"}, logged="")
def fit(
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=writable, help="Workload file to write.")
    ],
    source: Source,
    memory: Memory = None,
    cpu: Annotated[
        float | None, typer.Option(min=0.01, max=MOST_PS, help="CPUs of the container.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="Machine profile that prices the simulation.")
    ] = "default-x86-64",
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Write a workload that allocates, keeps and marks what the program of the log does."""
    found = fitted(source, quiet=quiet)
    # Only now: a log that holds nothing is refused before the rest is loaded.
    from sim.config.machine import load_profile
    from sim.fitting.report import doubts, identified
    from sim.fitting.workload import Container, to_yaml
    from sim.report.documents import of_fit

    container = Container(None if memory is None else CONTAINER.read(memory), cpu)
    write(out, to_yaml(found, source.name, load_profile(profile), container))
    if write_json(json, lambda: of_fit(found)):
        return
    say(*filter(None, [doubts(found) if quiet else identified(found)]))
    print(f"workload: {out}")
