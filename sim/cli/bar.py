"""A bar in the terminal; with rich, which takes as long to load as all of the command line."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from sim.cli.progress import Report, in_words, left


@contextmanager
def bar(title: str, file: IO[str], expected: float) -> Iterator[Report]:
    """A function that moves the bar to a fraction."""
    columns = (
        SpinnerColumn(),
        TextColumn(title, markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        _Left(expected),
    )
    with Progress(*columns, console=Console(file=file), transient=True) as shown:
        task = shown.add_task(title, total=1.0)
        yield lambda fraction: shown.update(task, completed=fraction)


class _Left(ProgressColumn):
    """What is left; nothing as long as nobody can know."""

    def __init__(self, expected: float) -> None:
        super().__init__()
        self._expected = expected

    def render(self, task: Task) -> Text:
        """Seconds or minutes, in words."""
        seconds = left(task.completed, task.elapsed or 0.0, self._expected)
        return Text("" if math.isnan(seconds) else f"{in_words(seconds)} left")
