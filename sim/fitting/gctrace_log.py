"""A gctrace log with its measured part, as the fit needs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import UserError
from sim.fitting import log_words
from sim.fitting.gaps import Gap, GoalRule, bridged, cycle_before, gaps, longest_part
from sim.fitting.processes import Process, chosen, separate
from sim.fitting.recognise import Segment, recognise
from sim.formats.gctrace import Found, GCTraceLine, parse
from sim.formats.go_version import in_text
from sim.formats.log import Problem, open_log
from sim.formats.log_export import entries
from sim.quantities import ADDRESS_SPACE, MOST_CYCLES, MOST_PS
from sim.text import quoted
from sim.units import SECOND, Fraction, MiB, Nanoseconds, format_bytes, format_duration

BEGIN_MARK: Final = "=== begin"
END_MARK: Final = "=== end"
FEWEST_CYCLES: Final = 3
"""Cycles of a log that is fitted: one that begins, one that is measured, one that ends."""
_BEYOND: Final = 4 * MiB
"""Bytes by which what was marked may be more than the heap: rounding, and what finalizers keep."""
_BEYOND_SHARE: Final[Fraction] = 0.25
"""The same, of the heap. A bound, above all that was recorded; smaller drops lines of Go."""
_LONGEST: Final[Nanoseconds] = 1 << 62
"""Since the start; Go counts in 63 bits."""
_LAST: Final = 1 << 32
"""Number of a cycle; Go counts in 32 bits (runtime/mgc.go: work.cycles)."""
_ENOUGH_TO_PREFER: Final = 10
"""Cycles under the last setting of a log; with fewer, the longest part is predicted from. As
`FEW_CYCLES`; decides which part of a log of several settings is the program."""
_STOPPED: Final[Fraction] = 0.2
"""Share of mark phases that take no time: a clock that moves in steps longer than they are. A
judgement; decides whether times are trusted."""


class GoVersions(NamedTuple):
    """Go versions 1.`oldest` to 1.`newest`: those that print lines of such a format."""

    oldest: int
    newest: int


_ANY_VERSION: Final = GoVersions(5, 27)


@dataclass(frozen=True, slots=True)
class GCTraceLog:
    """The cycles of one process; `measured` is the slice of them that is asked about."""

    lines: tuple[GCTraceLine, ...]
    """In the order of their numbers, without jumps: cycles whose lines are missing stand in it
    interpolated between their neighbours, so that what is added up stays right."""
    measured: slice
    marked: bool
    """The log says by `=== begin` and `=== end` which part is measured."""
    segment: Segment
    """The setting of the measured part."""
    warnings: tuple[str, ...] = ()
    """What to doubt."""
    notes: tuple[str, ...] = ()
    """What was recognised and done; no reason to doubt it."""
    seen: tuple[bool, ...] = ()
    """Of each of `lines`: it was in the log, not interpolated."""
    gaps: tuple[Gap, ...] = ()
    starts_full: bool = False
    """The log begins at a later cycle than the program's first: its heap was there before.
    `lines` then begins with the cycle before the first one seen, which is not measured."""
    others: tuple[Segment, ...] = ()
    """Parts under other settings, which are not measured."""
    go: GoVersions = _ANY_VERSION
    processes: tuple[Process, ...] = ()
    """All processes in the log, most GC CPU first."""
    unsure_cost: float = 0.0
    unsure_live: float = 0.0
    """Standard deviations of the logarithms of what marking costs and of the live heap, beyond what
    any log leaves open: where metrics stand for a log."""
    coarse_clock: bool = False
    """Many times are 0 because the clock moves in steps: only their sums say something."""


def read_gctrace(
    path: str | Path, fewest: int = FEWEST_CYCLES, process: str | None = None
) -> GCTraceLog:
    """The gctrace lines of a log, plain, gzipped or UTF-16; `-` is standard input.

    Of several processes in one log the one with most GC CPU is taken, or the one named. Raises
    UserError for a log without gctrace lines, for an unknown process, or with less than `fewest`
    cycles in its measured part; with 0, that part may be empty.
    """
    marks = _Marks()
    problems: list[Problem] = []
    with open_log(path) as source:
        every = parse(entries(marks.watch(source)), problems.append)
        found = [f for f in islice(every, MOST_CYCLES + 1) if _possible(f, problems)]
    if len(found) > MOST_CYCLES:
        raise UserError(f"{path}: expected at most {MOST_CYCLES:,} cycles, got more: cut the log")
    if not found:
        why = log_words.nothing_found(problems, marks.first_line, Path(path).suffix)
        raise UserError(f"{path}: {why}")
    processes = sorted(separate(found), key=lambda one: -one.gc_cpu)
    mine = chosen(processes, process, path)
    warnings = [*log_words.oddities(problems), *log_words.several(processes, mine)]
    part = longest_part([one.line for one in mine.found])
    warnings += log_words.cut(mine.found, part)
    log = _of_process(mine.found[part], marks, fewest, warnings)
    _check_enough(path, log, fewest, processes)
    notes = (*log.notes, *log_words.mended(problems))
    return replace(log, notes=notes, processes=tuple(processes))


def _possible(found: Found, problems: list[Problem]) -> bool:
    """Whether a program can have done so; else it is told, and the line is not used."""
    line = found.line
    clock = line.stw_sweep_termination + line.concurrent_mark + line.stw_mark_termination
    cpu = line.cpu_assist + line.cpu_background + line.cpu_idle
    heap = (line.heap_start, line.heap_end, line.heap_marked)
    sizes = (*heap, line.stacks or 0, line.globals or 0)
    if line.procs == 0:
        return False  # which was told
    if line.procs > MOST_PS:
        reason = f"GOMAXPROCS={quoted(line.procs)}"
    elif max(sizes) > ADDRESS_SPACE:
        reason = "more bytes than there are addresses"
    elif line.heap_marked > line.heap_end + _BEYOND + _BEYOND_SHARE * line.heap_end:
        reason = "more alive than there was"
    elif line.at + clock >= _LONGEST or line.number >= _LAST:
        reason = "a time or a number that Go does not count to"
    elif cpu > line.procs * (line.at + clock + SECOND):
        reason = f"more CPU time than {line.procs} Ps had since the start"
    else:
        return True
    problems.append(Problem(found.line_number, f"impossible: {reason}", kept=False))
    return False


def _of_process(
    found: Sequence[Found], marks: _Marks, fewest: int, warnings: list[str]
) -> GCTraceLog:
    """One process, without gaps that are too long to be bridged."""
    seen_lines = [one.line for one in found]
    segments = recognise(seen_lines)
    measured = marks.slice_of(found)
    if fewest and marks.begin is not None and measured.start == measured.stop:
        warnings.append("no cycle between the marks; the whole log is taken as measured")
        measured = slice(0, len(found))
    segment = _preferred(segments, measured, marked=marks.begin is not None)
    if marks.begin is None:
        measured = segment.cycles
    rule = _rule(segment, seen_lines)
    lines, seen = bridged(seen_lines, rule)
    starts_full = lines[0].number > 1
    if starts_full:
        lines, seen = [cycle_before(lines, rule), *lines], [False, *seen]
    place = np.flatnonzero(seen)
    coarse = sum(line.concurrent_mark == 0 for line in seen_lines) > _STOPPED * len(seen_lines)
    log = GCTraceLog(
        lines=tuple(lines),
        measured=_moved(measured, place),
        marked=marks.begin is not None,
        seen=tuple(seen),
        gaps=tuple(gaps(seen_lines)),
        starts_full=starts_full,
        segment=segment._replace(cycles=_moved(segment.cycles, place)),
        others=tuple(
            one._replace(cycles=_moved(one.cycles, place)) for one in segments if one is not segment
        ),
        go=_told(_versions(seen_lines, segments), marks.versions),
        coarse_clock=coarse,
    )
    return replace(log, warnings=(*warnings, *log_words.doubts(log)), notes=log_words.notes(log))


def _moved(part: slice, place: NDArray[np.intp]) -> slice:
    """A part of the lines that were seen, among all."""
    if part.start == part.stop:
        first = int(place[part.start]) if part.start < len(place) else int(place[-1]) + 1
        return slice(first, first)
    return slice(int(place[part.start]), int(place[part.stop - 1]) + 1)


def _preferred(segments: Sequence[Segment], measured: slice, *, marked: bool) -> Segment:
    """The setting of most of the marked part; without marks, the last one if it held for long."""

    def cycles(segment: Segment) -> int:
        first, last = int(segment.cycles.start), int(segment.cycles.stop)
        if marked:
            first, last = max(first, measured.start), min(last, measured.stop)
        return last - first

    if not marked and cycles(segments[-1]) >= _ENOUGH_TO_PREFER:
        return segments[-1]
    longest: Segment = max(reversed(segments), key=cycles)
    return longest


def _rule(segment: Segment, lines: Sequence[GCTraceLine]) -> GoalRule | None:
    """How goals follow from what was marked, where nothing but GOGC makes them."""
    if segment.gogc is None or segment.memory_limit is not None or not segment.recognised:
        return None
    globals_ = [line.globals or 0 for line in lines]
    return GoalRule(segment.gogc / 100, sum(globals_) // len(globals_))


def _versions(lines: Sequence[GCTraceLine], segments: Sequence[Segment]) -> GoVersions:
    """By what lines print: five phases, stacks and globals, goroutine leak checks, goals."""
    if any(line.leak_check for line in lines):
        return GoVersions(26, 27)
    if lines[0].stacks is not None:
        return GoVersions(19, 19) if _outgrown_goals(lines, segments) else GoVersions(18, 27)
    return GoVersions(5, 5) if any(line.five_phases for line in lines) else GoVersions(6, 17)


def _outgrown_goals(lines: Sequence[GCTraceLine], segments: Sequence[Segment]) -> bool:
    """A heap beyond its goal began a cycle, and the goal was not moved there, as no limit moves it.

    Go 1.19 alone keeps goals above the trigger as it was set; others above the heap that began the
    cycle (runtime/mgcpacer.go: startCycle, heapGoalInternal).
    """
    return any(
        line.heap_start > line.heap_goal
        for segment in segments
        if segment.recognised and segment.gogc is not None and segment.memory_limit is None
        for line in lines[segment.cycles]
    )


def _told(go: GoVersions, told: set[int]) -> GoVersions:
    """The version that a line of the log names, if it is one that writes such lines."""
    if len(told) != 1:
        return go
    (version,) = told
    return GoVersions(version, version) if go.oldest <= version <= go.newest else go


def _check_enough(
    path: str | Path, log: GCTraceLog, fewest: int, processes: Sequence[Process]
) -> None:
    """UserError for too few cycles, with what they say all the same."""
    found = sum(log.seen[log.measured])
    if found >= fewest:
        return
    last = log.lines[log.measured][-1]
    cpu = last.cpu_assist + last.cpu_background + last.cpu_idle
    raise UserError(
        f"{path}: only {found} cycles are measured"
        f"{log_words.of_processes(processes)}, and a prediction needs at least"
        f" {fewest}; of the last one can be told that it found"
        f" {format_bytes(last.heap_marked)} alive, with a goal of {format_bytes(last.heap_goal)},"
        f" and marked for {format_duration(cpu)} of CPU: record for longer"
    )


class _Marks:
    """Notes where the measured part begins and ends while a log is read."""

    def __init__(self) -> None:
        self.begin: int | None = None
        self.end: int | None = None
        self.first_line = ""
        self.versions: set[int] = set()
        """Of Go, that lines beside the trace tell."""

    def watch(self, lines: Iterator[str]) -> Iterator[str]:
        for number, text in enumerate(lines, start=1):
            if number == 1:
                self.first_line = text
            if self.begin is None and BEGIN_MARK in text:
                self.begin = number
            elif END_MARK in text:
                self.end = number
            if (version := in_text(text)) is not None:
                self.versions.add(version)
            yield text

    def slice_of(self, found: Sequence[Found]) -> slice:
        """Cycles whose line, which Go prints at their end, lies between the marks."""
        first = sum(item.line_number < (self.begin or 0) for item in found)
        last = sum(self.end is None or item.line_number < self.end for item in found)
        return slice(first, max(first, last))
