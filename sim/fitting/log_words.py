"""What was found about a log itself, in words: what it lacks, and who wrote it under what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sim.fitting.processes import Process
from sim.fitting.recognise import Segment
from sim.fitting.settings import name_gogc, name_limit
from sim.formats.gctrace import OLDER_FORMAT, Found
from sim.formats.log import Problem
from sim.formats.torn import PIECE, TORN
from sim.units import format_duration

if TYPE_CHECKING:
    from sim.fitting.gctrace_log import GCTraceLog

_MOST_LISTED: Final = 5
"""Items of a list in a sentence; the rest is counted."""
_SAID_OTHERWISE: Final = {TORN, OLDER_FORMAT}

_METRICS: Final = (
    ("# HELP ", "--prometheus"),
    ("# TYPE ", "--prometheus"),
    ("go_", "--prometheus"),
    ('{"status"', "--prometheus"),
    ('{"/', "--metrics"),
    ('{"at_ns"', "--metrics"),
)
"""How metrics begin, and what takes them."""


def nothing_found(problems: Sequence[Problem], beginning: str, suffix: str) -> str:
    """Why a log holds nothing to predict from; `beginning` is its first line."""
    if suffix in (".yaml", ".yml"):
        return "this is no log of a Go program; `gomemsim run` simulates configs and workloads"
    for mark, option in _METRICS:
        if beginning.lstrip().startswith(mark):
            return f"these are metrics, and no log: {option} takes it instead of one"
    if any(problem.reason == OLDER_FORMAT for problem in problems):
        return (
            "its gctrace lines are of Go 1.4 or older, whose collector stopped the world while it"
            " marked; lines of Go 1.5 on are read"
        )
    if any(problem.reason == PIECE for problem in problems):
        return "it holds only pieces of gctrace lines, none of them whole"
    impossible = (problem for problem in problems if problem.reason.startswith("impossible"))
    if (first := next(impossible, None)) is not None:
        return f"no program can have written its gctrace lines; line {first[0]}: {first.reason}"
    return (
        "there is no gctrace line in it; either it is not the standard error of a Go program under"
        " GODEBUG=gctrace=1, or the program never collected: one whose heap stays below 4 MiB, or"
        " that runs under GOGC=off, does not"
    )


def oddities(problems: Sequence[Problem]) -> Iterator[str]:
    """Lines that were not understood."""
    told = [problem for problem in problems if problem.reason not in _SAID_OTHERWISE]
    yield from (f"line {line}: {reason}" for line, reason, _ in told[:_MOST_LISTED])
    if len(told) > _MOST_LISTED:
        yield f"{len(told) - _MOST_LISTED} more lines like these"


def mended(problems: Sequence[Problem]) -> Iterator[str]:
    """Torn lines that were put together."""
    count = sum(problem.reason == TORN for problem in problems)
    if count:
        yield f"{count} lines that other output had torn apart were put together"


def several(processes: Sequence[Process], mine: Process) -> Iterator[str]:
    """Which of several processes is used, and the others with their GC CPU."""
    others = [process for process in processes if process is not mine]
    if not others:
        return
    listed = ", ".join(map(_brief, others[:_MOST_LISTED]))
    more = f" and {len(others) - _MOST_LISTED} more" if len(others) > _MOST_LISTED else ""
    cycles = sum(len(process.found) for process in processes)
    cpu = format_duration(sum(process.gc_cpu for process in processes))
    yield (
        f"the log holds {len(processes)} processes with {cycles} cycles and {cpu} of GC CPU in all;"
        f" {_brief(mine)} is used, not {listed}{more}; --process chooses another"
    )


def of_processes(processes: Sequence[Process]) -> str:
    """Where few cycles are left because many processes share them."""
    return "" if len(processes) == 1 else f" of the longest of {len(processes)} processes"


def _brief(process: Process) -> str:
    cpu = format_duration(process.gc_cpu)
    return f"{process.label} ({len(process.found)} cycles, {cpu})"


def cut(found: Sequence[Found], part: slice) -> Iterator[str]:
    """What a gap that is too long to be bridged leaves out."""
    used = found[part]
    if len(used) == len(found):
        return
    first, last = found[0].line.number, found[-1].line.number
    yield (
        f"of the cycles {first} to {last} only {len(found)} are in the log: predictions are from"
        f" the longest part of it, cycles {used[0].line.number} to {used[-1].line.number}"
    )


def doubts(log: GCTraceLog) -> Iterator[str]:
    """What may be wrong with predictions from such a log."""
    missing = sum(gap.cycles for gap in log.gaps)
    if missing:
        longest = max(log.gaps, key=lambda gap: gap.cycles)
        cycles = missing + sum(log.seen)
        yield (
            f"{missing:,} of {cycles:,} cycles are missing, as their numbers tell, at most"
            f" {longest.cycles} in a row from cycle {longest.number} on: they are taken to be like"
            " their neighbours"
        )
    backwards = sum(b.at < a.at for a, b in pairwise(log.lines))
    if backwards:
        yield f"the clock ran backwards between cycles, {backwards} times"
    if log.coarse_clock:
        yield (
            "the clock of the machine moves in steps longer than most mark phases: CPU times and"
            " pauses hold on average only, and whether CPU is to spare is not known"
        )
    segment = log.segment
    if not segment.recognised:
        yield f"GOGC does not show ({segment.how}): 100 is assumed; --gogc or --logged-gogc says it"
    if log.others:
        yield _changed(log, segment)


def _changed(log: GCTraceLog, used: Segment) -> str:
    parts = sorted((used, *log.others), key=lambda one: one.cycles.start)
    told = [
        f"{_setting(one)} in cycles {log.lines[one.cycles][0].number} to"
        f" {log.lines[one.cycles][-1].number}"
        for one in parts
    ]
    shown = told if len(told) <= _MOST_LISTED else [*told[:2], "...", *told[-2:]]
    first = log.lines[used.cycles][0].number
    return (
        f"the setting changes in the log ({'; '.join(shown)}): predictions are from the part that"
        f" begins with cycle {first}"
    )


def _setting(one: Segment) -> str:
    percent = f"GOGC={name_gogc(one.gogc)}" if one.recognised else "an unknown GOGC"
    limit = "" if one.memory_limit is None else f" GOMEMLIMIT={name_limit(one.memory_limit)}"
    return f"{percent}{limit} on {one.procs} Ps"


def notes(log: GCTraceLog) -> tuple[str, ...]:
    """What was recognised, where nothing is wrong with it."""
    found = []
    if log.starts_full:
        found.append(
            f"the log begins with cycle {log.lines[1].number}: the heap of the program was there"
            " before"
        )
    segment = log.segment
    if segment.memory_limit is not None:
        found.append(f"GOMEMLIMIT is about {name_limit(segment.memory_limit)}: {segment.how}")
    return tuple(found)
