"""What a program is fitted from: a log, other evidence, and what somebody knows about the run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeAlias, TypeVar

Filename: TypeAlias = str | Path
Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Source:
    """A log, or metrics instead of one, as people name them; None: the log tells, or nobody knows.

    The options of the commands that predict, and the keywords of `sim.fit`.
    """

    log: Filename | None = None
    """Output of a program under GODEBUG=gctrace=1."""
    _: KW_ONLY
    gogc: str | int | None = None
    """GOGC that it ran under, or `off`."""
    gomemlimit: str | None = None
    """GOMEMLIMIT that it ran under, such as `512MiB`."""
    gomaxprocs: int | None = None
    """GOMAXPROCS that it ran under, which some metrics do not say."""
    load: str | None = None
    """`busy` or `waiting`: whether its CPUs or its load limit the program."""
    arrivals: str | None = None
    """Requests that came, such as `500/s`."""
    process: str | None = None
    """One of several that wrote the log; None: the one with most GC CPU."""
    rss: str | None = None
    """Largest resident memory of the process, such as `82MiB`."""
    go: str | None = None
    """Version that wrote the log, such as `1.22`."""
    also: Sequence[Filename] | None = None
    """More logs of the program, under other settings."""
    binary: Filename | None = None
    """File of the program."""
    window: tuple[str | None, str | None] = (None, None)
    """Part of the log that is measured: from and to a time since the start of the process."""
    horizon: str | None = None
    """For how long a service is predicted; None: for as long as the log."""
    metrics: Filename | None = None
    """Dumps of runtime/metrics of the process."""
    prometheus: Filename | Sequence[Filename] | None = None
    """Scrapes of the process, or the JSON of a query_range."""
    pprof: Filename | None = None
    """A heap profile."""
    trace: Filename | None = None
    """An execution trace as text."""

    @property
    def name(self) -> str:
        """What it is called where its predictions are shown."""
        return "metrics" if self.log is None else Path(self.log).name


def paths(files: Filename | Sequence[Filename] | None) -> list[Path]:
    """One name, several or none, as a list."""
    named = [files] if isinstance(files, str | Path) else files or ()
    return [Path(file) for file in named]


def path(file: Filename | None) -> Path | None:
    """The name of a file, where there is one."""
    return None if file is None else Path(file)


def by_keywords(
    of_source: Callable[[Source], Result], make: Callable[Given, Source]
) -> Callable[Given, Result]:
    """A function of a Source as one that takes what a Source is made of, by name."""

    @wraps(of_source)
    def called(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        return of_source(make(*args, **kwargs))

    called.__signature__ = inspect.signature(make)  # type: ignore[attr-defined]
    return called
