"""Progress of a long command on stderr, when somebody watches, with what is left of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sim.cli.terminal import raw
from sim.text import one_line
from sim.units import SECOND, format_duration

Report = Callable[[float], None]
WEIGHT: Final = 0.05
"""An estimate from beforehand counts as much as so much of the work."""


@contextmanager
def progress(title: str, *, quiet: bool, expected: float = math.nan) -> Iterator[Report | None]:
    """A function that takes the finished fraction, or None when nobody watches.

    `expected` are the seconds that it will take, as far as somebody knows.
    """
    stderr = raw(sys.stderr)
    if quiet or not stderr.isatty():
        yield None
        return
    from sim.cli.bar import bar

    with bar(one_line(title), stderr, expected) as report:
        yield report


def left(done: float, elapsed: float, expected: float) -> float:
    """Seconds that are left, from what is done and from what was expected; NaN for neither."""
    if math.isnan(expected):
        return elapsed / done * (1 - done) if done else math.nan
    return (elapsed + WEIGHT * expected) / (done + WEIGHT) * (1 - done)


def in_words(seconds: float) -> str:
    """So many seconds, or minutes, or hours, to two digits."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.2g}{unit}"
    return format_duration(max(1, round(seconds)) * SECOND)
