"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from sim.cli.files import writable

Sets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override a key, such as GOGC=50 or workload.load.api.arrivals.poisson=3000/s.",
    ),
]
_LOG = typer.Argument(help="Output of a program under GODEBUG=gctrace=1; - is standard input.")
GivenLog: TypeAlias = Annotated[Path, _LOG]
Log: TypeAlias = Annotated[Path | None, _LOG]
LoggedGOGC: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="N|off", help="GOGC under which the log was written [default: its goals tell]."
    ),
]
LoggedLimit: TypeAlias = Annotated[
    str | None, typer.Option(metavar="SIZE", help="GOMEMLIMIT under which the log was written.")
]
Metrics: TypeAlias = Annotated[
    Path | None, typer.Option(help="Dumps of runtime/metrics of the process, JSON lines.")
]
Expositions: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(
        "--prometheus",
        help="A scrape of the process, again for each, or the JSON of a query_range: beside a log,"
        " or instead of one.",
    ),
]
LoggedProcs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--logged-gomaxprocs", min=1, help="GOMAXPROCS of the process, if its metrics do not say."
    ),
]
RSS: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--rss",
        metavar="SIZE",
        help="Largest resident memory of the logged run, as ps or the container tells it.",
    ),
]
From: TypeAlias = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Only cycles from here on, such as 30s."),
]
To: TypeAlias = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="Only cycles before, such as 5m.")
]
Also: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--also", metavar="LOG", help="Another log of it, under another setting."),
]
Binary: TypeAlias = Annotated[
    Path | None,
    typer.Option("--binary", metavar="FILE", help="The program's file: what it takes in memory."),
]
Go: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="1.N", help="Version of Go that wrote the log [default: as far as its lines tell]."
    ),
]
Horizon: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Predict the steady part of a service for so long [default: as long as the log].",
    ),
]
Trace: TypeAlias = Annotated[
    Path | None,
    typer.Option(help="An execution trace of the process, as `go tool trace -d=parsed` prints it."),
]
GivenLoad: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="busy|waiting",
        help="Whether CPU or load limits the program [default: idle mark workers tell].",
    ),
]
Arrivals: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="N/s", help="Requests that came, such as 200/s: their latency follows."),
]
GivenProcess: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--process",
        metavar="NAME",
        help="Which of several processes in the log [default: that with the most GC CPU]; whatif"
        " also takes all, and sums what adds up.",
    ),
]
Quiet: TypeAlias = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print results and doubts only, no progress.")
]
Json: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--json",
        callback=writable,
        metavar="FILE",
        help="Write the result as JSON; - is standard output, with no other text.",
    ),
]
Growth: TypeAlias = Annotated[
    str, typer.Option(metavar="SHARE", help="Growth of the live heap to predict for.")
]
Traffic: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SHARE", help="Load offered to a program that waits for it, of that in the log."
    ),
]
Html: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        callback=writable,
        metavar="FILE",
        help="Write a page with sliders too, one file for any browser.",
    ),
]
