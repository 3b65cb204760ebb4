"""A gctrace log with its measured part, as the fit needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from sim.errors import UserError
from sim.formats.gctrace import Found, GCTraceLine, parse
from sim.formats.log import Problem, open_log
from sim.units import Bytes, Nanoseconds, format_bytes, format_duration

BEGIN_MARK: Final = "=== begin"
END_MARK: Final = "=== end"
FEWEST_CYCLES: Final = 3
MOST_PROBLEMS: Final = 5
"""Lines that are quoted; of more, the number is told."""


class Gap(NamedTuple):
    """Consecutive cycles whose lines are missing, as the numbers of their neighbours tell."""

    number: int
    """Of the first of them, counted as Go counts cycles."""
    cycles: int


class GoVersions(NamedTuple):
    """Go versions 1.`oldest` to 1.`newest`: those that print lines of such a format."""

    oldest: int
    newest: int


class Segment(NamedTuple):
    """Consecutive cycles under one setting."""

    cycles: slice
    """In `GCTraceLog.lines`."""
    gogc: int | None
    """None: off."""
    memory_limit: Bytes | None
    procs: int
    how: str
    """What in the log says so, in words."""


class ProcessSummary(NamedTuple):
    """One of the processes that wrote a log."""

    label: str
    """What stands before its lines, such as `web-1`; else its place in the log, such as `#2`."""
    cycles: int
    gc_cpu: Nanoseconds


@dataclass(frozen=True, slots=True)
class GCTraceLog:
    """The cycles of one process; `measured` is the slice of them that is asked about."""

    lines: tuple[GCTraceLine, ...]
    """In the order of their numbers, without jumps: cycles whose lines are missing stand in it
    interpolated between their neighbours, so that what is added up stays right."""
    measured: slice
    marked: bool
    """The log says by `=== begin` and `=== end` which part is measured."""
    warnings: tuple[str, ...]
    """What to doubt."""
    notes: tuple[str, ...] = ()
    """What was done with the log; no reason to doubt it."""
    seen: tuple[bool, ...] = ()
    """Of each of `lines`: it was in the log, not interpolated. Empty: all were."""
    gaps: tuple[Gap, ...] = ()
    starts_full: bool = False
    """The log begins at a later cycle than the program's first: its heap was there before.
    `lines` then begins with the cycle before the first one seen, which is not measured."""
    segment: Segment | None = None
    """The setting of the measured part, as far as its goals show it; None: they do not."""
    others: tuple[Segment, ...] = ()
    """Parts under other settings, which `lines` leaves out."""
    go: GoVersions | None = None
    processes: tuple[ProcessSummary, ...] = ()
    """All processes in the log, most GC CPU first; the first one is this, unless one was chosen."""


def read_gctrace(path: str | Path, fewest: int = FEWEST_CYCLES) -> GCTraceLog:
    """The gctrace lines of a log, plain or gzipped; `-` is standard input.

    Of several processes in one log the one with most cycles is taken. Raises UserError for a log
    without gctrace lines, or with less than `fewest` in its measured part; with 0, that part may
    be empty.
    """
    marks = _Marks()
    problems: list[Problem] = []
    with open_log(path) as source:
        found = [f for f in parse(marks.watch(source), problems.append) if f.line.procs > 0]
    if not found:
        raise UserError(
            f"{path}: there is no gctrace line in it; run the Go program with"
            f" GODEBUG=gctrace=1 and keep its standard error"
        )
    warnings = [f"line {line}: {reason}" for line, reason, _ in problems[:MOST_PROBLEMS]]
    if len(problems) > MOST_PROBLEMS:
        warnings.append(f"{len(problems) - MOST_PROBLEMS} more lines like these")
    processes = Counter(item.process for item in found)
    if len(processes) > 1:
        warnings.append(f"the log holds {len(processes)} processes; the longest one is used")
    chosen = processes.most_common(1)[0][0]
    mine = [item for item in found if item.process == chosen]
    measured = marks.slice_of(mine)
    if fewest and marks.begin is not None and measured.start == measured.stop:
        warnings.append("no cycle between the marks; the whole log is taken as measured")
        measured = slice(0, len(mine))
    lines = tuple(item.line for item in mine)
    _check_enough(path, lines[measured], fewest)
    return GCTraceLog(lines, measured, marks.begin is not None, tuple(warnings))


def _check_enough(path: str | Path, lines: tuple[GCTraceLine, ...], fewest: int) -> None:
    """UserError for too few cycles, with what they say all the same."""
    if len(lines) >= fewest:
        return
    last = lines[-1]
    cpu = last.cpu_assist + last.cpu_background + last.cpu_idle
    raise UserError(
        f"{path}: only {len(lines)} cycles are measured, and a prediction needs at least"
        f" {fewest}; of the last one can be told that it found"
        f" {format_bytes(last.heap_marked)} alive, with a goal of {format_bytes(last.heap_goal)},"
        f" and marked for {format_duration(cpu)} of CPU: record for longer"
    )


class _Marks:
    """Notes where the measured part begins and ends while a log is read."""

    def __init__(self) -> None:
        self.begin: int | None = None
        self.end: int | None = None

    def watch(self, lines: Iterator[str]) -> Iterator[str]:
        for number, text in enumerate(lines, start=1):
            if self.begin is None and BEGIN_MARK in text:
                self.begin = number
            elif END_MARK in text:
                self.end = number
            yield text

    def slice_of(self, found: list[Found]) -> slice:
        """Cycles whose line, which Go prints at their end, lies between the marks."""
        first = sum(item.line_number < (self.begin or 0) for item in found)
        last = sum(self.end is None or item.line_number < self.end for item in found)
        return slice(first, max(first, last))
