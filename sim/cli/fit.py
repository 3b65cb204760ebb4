"""`gomemsim fit`: a workload from a log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.files import writable, write_json
from sim.cli.fitting import fitted
from sim.cli.options import (
    RSS,
    Also,
    Arrivals,
    Binary,
    Expositions,
    From,
    GivenLoad,
    GivenProcess,
    Go,
    Json,
    Log,
    LoggedGOGC,
    LoggedLimit,
    LoggedProcs,
    Metrics,
    Quiet,
    To,
    Trace,
)
from sim.files import write


def fit(
    out: Annotated[
        Path, typer.Option("--out", "-o", callback=writable, help="Workload file to write.")
    ],
    log: Log = None,
    gogc: LoggedGOGC = None,
    gomemlimit: LoggedLimit = None,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Memory of the container.")
    ] = None,
    cpu: Annotated[float | None, typer.Option(min=0.01, help="CPUs of the container.")] = None,
    logged_gomaxprocs: LoggedProcs = None,
    load: GivenLoad = None,
    arrivals: Arrivals = None,
    process: GivenProcess = None,
    rss: RSS = None,
    go: Go = None,
    also: Also = None,
    binary: Binary = None,
    begin: From = None,
    end: To = None,
    metrics: Metrics = None,
    prometheus: Expositions = None,
    pprof: Annotated[
        Path | None, typer.Option(help="A heap profile (/debug/pprof/heap) of the process.")
    ] = None,
    trace: Trace = None,
    profile: Annotated[
        str, typer.Option(help="Machine profile that prices the simulation.")
    ] = "default-x86-64",
    json: Json = None,
    quiet: Quiet = False,
) -> None:
    """Write a workload that allocates, keeps and marks what the program of the log does."""
    found = fitted(
        log,
        quiet=quiet,
        gogc=gogc,
        gomemlimit=gomemlimit,
        gomaxprocs=logged_gomaxprocs,
        load=load,
        arrivals=arrivals,
        process=process,
        rss=rss,
        window=(begin, end),
        go=go,
        also=also,
        binary=binary,
        metrics=metrics,
        prometheus=prometheus,
        pprof=pprof,
        trace=trace,
    )
    # Only now: a log that holds nothing is refused before the rest is loaded.
    from sim.config.machine import load_profile
    from sim.fitting.report import doubts, identified
    from sim.fitting.workload import Container, to_yaml
    from sim.report.documents import of_fit
    from sim.units import parse_bytes

    container = Container(None if memory is None else parse_bytes(memory), cpu)
    write(out, to_yaml(found, log.name if log else "metrics", load_profile(profile), container))
    if write_json(json, lambda: of_fit(found)):
        return
    print(doubts(found) if quiet else identified(found))
    print(f"workload: {out}")
