"""The options of the commands that predict: a log, and what else is known of its run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import typer

from sim.cli.options import readable
from sim.cli.progress import progress
from sim.fitting.source import Source
from sim.quantities import ARRIVALS, GOGC, GOMEMLIMIT, HORIZON, LOG_TIME, MOST_PS, RESIDENT

if TYPE_CHECKING:
    from sim.fitting.fit import Fit

_Text: TypeAlias = str | None
_File: TypeAlias = Path | None
_Files: TypeAlias = list[Path] | None

OPTIONS: Final[Mapping[str, Any]] = {
    "log": Annotated[
        _File,
        typer.Argument(help="Output of a program under GODEBUG=gctrace=1; - is standard input."),
    ],
    "gogc": Annotated[
        _Text,
        typer.Option(
            callback=readable(GOGC),
            metavar="N|off",
            help="GOGC under which the log was written [default: its goals tell].",
        ),
    ],
    "gomemlimit": Annotated[
        _Text,
        typer.Option(
            callback=readable(GOMEMLIMIT),
            metavar="SIZE",
            help="GOMEMLIMIT under which the log was written.",
        ),
    ],
    "logged_gomaxprocs": Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_PS, help="GOMAXPROCS of the process, if its metrics do not say."
        ),
    ],
    "load": Annotated[
        _Text,
        typer.Option(
            metavar="busy|waiting",
            help="Whether CPU or load limits the program [default: idle mark workers tell].",
        ),
    ],
    "arrivals": Annotated[
        _Text,
        typer.Option(
            callback=readable(ARRIVALS),
            metavar="N/s",
            help="Requests that came, such as 200/s: their latency follows.",
        ),
    ],
    "process": Annotated[
        _Text,
        typer.Option(
            metavar="NAME",
            help="Which of several processes in the log [default: that with the most GC CPU];"
            " whatif also takes all, and sums what adds up.",
        ),
    ],
    "rss": Annotated[
        _Text,
        typer.Option(
            callback=readable(RESIDENT),
            metavar="SIZE",
            help="Largest resident memory of the logged run, as ps or the container tells it.",
        ),
    ],
    "go": Annotated[
        _Text,
        typer.Option(
            metavar="1.N",
            help="Version of Go that wrote the log [default: as far as its lines tell].",
        ),
    ],
    "also": Annotated[
        _Files, typer.Option(metavar="LOG", help="Another log of it, under another setting.")
    ],
    "binary": Annotated[
        _File,
        typer.Option(metavar="FILE", help="The program's file: what it takes in memory."),
    ],
    "begin": Annotated[
        _Text,
        typer.Option(
            "--from",
            callback=readable(LOG_TIME),
            metavar="TIME",
            help="Only cycles from here on, such as 30s.",
        ),
    ],
    "end": Annotated[
        _Text,
        typer.Option(
            "--to",
            callback=readable(LOG_TIME),
            metavar="TIME",
            help="Only cycles before, such as 5m.",
        ),
    ],
    "horizon": Annotated[
        _Text,
        typer.Option(
            callback=readable(HORIZON),
            metavar="TIME",
            help="Predict the steady part of a service for so long [default: as long as the log].",
        ),
    ],
    "metrics": Annotated[
        _File, typer.Option(help="Dumps of runtime/metrics of the process, JSON lines.")
    ],
    "prometheus": Annotated[
        _Files,
        typer.Option(
            help="A scrape of the process, again for each, or the JSON of a query_range: beside a"
            " log, or instead of one."
        ),
    ],
    "pprof": Annotated[
        _File, typer.Option(help="A heap profile (/debug/pprof/heap) of the process.")
    ],
    "trace": Annotated[
        _File,
        typer.Option(
            help="An execution trace of the process, as `go tool trace -d=parsed` prints it."
        ),
    ],
}
"""By name, which is that of a field of `Source`; `begin` and `end` are its window."""


def takes_source(
    *, without: Collection[str] = (), logged: str = "logged_"
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command one option for each of `OPTIONS` instead of its parameter `source`.

    `logged` is put before the settings of the log, where the command has settings of its own.
    """
    options = {
        logged + field if field in {"gogc", "gomemlimit"} else field: annotation
        for field, annotation in OPTIONS.items()
        if field not in without
    }

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def called(**given: Any) -> None:
            fields = {name.removeprefix("logged_"): given.pop(name) for name in options}
            fields["window"] = (fields.pop("begin"), fields.pop("end"))
            command(source=Source(**fields), **given)

        own = inspect.signature(command, eval_str=True)
        called.__signature__ = own.replace(  # type: ignore[attr-defined]
            parameters=[
                parameter for name in own.parameters for parameter in _expand(own, name, options)
            ]
        )
        return called

    return decorate


def _expand(
    own: inspect.Signature, name: str, options: Mapping[str, Any]
) -> list[inspect.Parameter]:
    if name != "source":
        return [own.parameters[name].replace(kind=inspect.Parameter.KEYWORD_ONLY)]
    return [
        inspect.Parameter(option, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for option, kind in options.items()
    ]


def fitted(source: Source, *, quiet: bool) -> Fit:
    """The program. A log that holds nothing is refused before the rest is loaded."""
    with progress("fitting the log", quiet=quiet):
        from sim.fitting.fit_log import fit_source

        return fit_source(source)
