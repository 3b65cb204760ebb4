"""Which of several processes wrote which lines of a log: replicas, restarts, children."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from sim.errors import UserError
from sim.formats.gctrace import Found, GCTraceLine
from sim.units import MiB, Nanoseconds

_NOISE: Final = re.compile(
    r"\x1b\[[0-9;]*m"  # colours
    r"|\d{4}[-/]\d\d[-/]\d\d[T ]?|\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"  # dates, times
    r"|[A-Z][a-z]{2} +\d{1,2} |\b\d{9,}(?:\.\d+)?\b|\[ *\d+\.\d+\]"  # syslog, epochs, dmesg
    r"|\bstd(?:err|out) [FP]\b|^[>\s]+"  # Kubernetes CRI, quotes
)
_SEPARATORS: Final = " \t|]:>-\"'"
_AROUND: Final = " \t|:>-\"'"
_NAMED: Final = re.compile(
    r'"(?:pod|pod_name|container|container_name|container_id|host|hostname|instance|service|pid)"'
    r'\s*:\s*"?([^",}]+)'
)
"""Keys by which JSON loggers say where a line comes from."""
_REPEATED_LINES: Final = 2
"""Lines; a text before so many is no chance neighbour of them."""
_MOST_NAMED: Final = 10
"""Processes that a sentence lists; the rest is counted."""
_SHRUNK: Final = 2 * MiB
"""Bytes by which a heap is smaller than what was marked before only in another process: what
rounding to MiB hides, twice."""


@dataclass(slots=True)
class Process:
    """Lines of one process, in the order of their numbers."""

    label: str
    """What stands before them, such as `web-1`; empty where nothing does."""
    found: list[Found] = field(default_factory=list)
    last_place: int = 0
    """Of the last of them, among all lines."""

    @property
    def last(self) -> GCTraceLine:
        """The line seen last."""
        return self.found[-1].line

    @property
    def gc_cpu(self) -> Nanoseconds:
        """Of marking, whoever did it, in the cycles that were seen."""
        lines = (one.line for one in self.found)
        return sum(line.cpu_assist + line.cpu_background + line.cpu_idle for line in lines)


def separate(found: Sequence[Found]) -> list[Process]:
    """The processes of a log, in the order in which they appear; names made distinct.

    Lines of a process follow each other in number and time; what stands before them tells replicas
    apart that no number does. A log with the newest line first is turned around.
    """
    texts = [_label(one) for one in found]
    often = {text for text, count in Counter(texts).items() if count >= _REPEATED_LINES}
    labels = [text if text in often else "" for text in texts]
    lines = list(zip(found, labels, strict=True))
    if _newest_first(lines):
        lines.reverse()
    lines = _in_order(lines)
    processes: list[Process] = []
    for first_place, part in _unbroken(lines):
        known = (one for one in processes if one.last_place < first_place)
        process = _nearest(known, part.found[0].line, part.label)
        if process is None:
            processes.append(part)
        else:
            process.found += part.found
            process.label = process.label or part.label
            process.last_place = part.last_place
    _name(processes)
    return processes


def _unbroken(lines: Sequence[tuple[Found, str]]) -> list[tuple[int, Process]]:
    """Parts of processes in which no number is missing, with the place of their first line."""
    parts: list[tuple[int, Process]] = []
    by_last: dict[int, list[Process]] = defaultdict(list)
    for place, (one, label) in enumerate(lines):
        twice = (part for part in by_last[one.line.number] if part.label in {"", label})
        if any(part.last == one.line for part in twice):
            continue
        part = _nearest(by_last[one.line.number - 1], one.line, label)
        if part is None:
            part = Process(label)
            parts.append((place, part))
        else:
            by_last[one.line.number - 1].remove(part)
        part.found.append(one)
        part.label, part.last_place = part.label or label, place
        by_last[one.line.number].append(part)
    return parts


def _label(found: Found) -> str:
    """What distinguishes the source of a line; empty for text that merely ran into it."""
    before = found.before
    if named := _NAMED.search(found.after) or _NAMED.search(before):
        return named[1]
    if not before or before[-1] not in _SEPARATORS or before.lstrip().startswith("{"):
        return ""
    return _NOISE.sub("", before).strip(_AROUND)


def _newest_first(lines: Iterable[tuple[Found, str]]) -> bool:
    """Whether numbers go down by one in most places where they go by one at all."""
    last: dict[str, GCTraceLine] = {}
    down = up = 0
    for one, label in lines:
        before = last.get(label)
        if before is not None:
            down += one.line.number == before.number - 1 and one.line.at <= before.at
            up += one.line.number == before.number + 1
        last[label] = one.line
    return down > up


def _in_order(lines: list[tuple[Found, str]]) -> list[tuple[Found, str]]:
    """Lines of one process that came out of order, as those that shippers stamp alike: put right.

    They are of one process if none is missing, none is twice, and time goes with the numbers.
    """
    ordered = sorted(lines, key=lambda one: one[0].line.number)
    numbers = [one.line.number for one, _ in ordered]
    times = [one.line.at for one, _ in ordered]
    whole = numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    one_source = len({label for _, label in lines}) == 1
    return ordered if whole and one_source and times == sorted(times) else lines


def _nearest(processes: Iterable[Process], line: GCTraceLine, label: str) -> Process | None:
    """The process that a line may belong to; None: it begins one."""
    possible = [
        process
        for process in processes
        if (not label or not process.label or process.label == label)
        and line.number > process.last.number
        # The clock of the next cycle may be bad.
        and (line.at >= process.last.at or line.number == process.last.number + 1)
    ]
    return min(possible, key=lambda process: _unlikely(process, line, label), default=None)


def _unlikely(process: Process, line: GCTraceLine, label: str) -> tuple[bool, bool, int, int]:
    """Least for the process that a line belongs to."""
    last = process.last
    shrunk = line.heap_start + _SHRUNK < last.heap_marked
    return process.label != label, shrunk, line.number - last.number, abs(line.at - last.at)


def _name(processes: list[Process]) -> None:
    """Labels that are distinct: places in the log where there are none, restarts counted."""
    seen: Counter[str] = Counter()
    for place, process in enumerate(processes, start=1):
        label = process.label or f"#{place}"
        seen[label] += 1
        process.label = label if seen[label] == 1 else f"{label} ({seen[label]})"


def chosen(processes: Sequence[Process], name: str | None, path: str | Path) -> Process:
    """The process of that name, or of which it is a part; None: the one with most GC CPU.

    Raises UserError for a name that none has, or several.
    """
    if name is None:
        return max(processes, key=lambda process: (process.gc_cpu, len(process.found)))
    matching = [process for process in processes if process.label == name] or [
        process for process in processes if name in process.label
    ]
    if len(matching) == 1:
        return matching[0]
    labels = [process.label for process in (matching or processes)]
    near = get_close_matches(name, labels, 1)
    hint = f"; did you mean {near[0]!r}?" if near and not matching else ""
    shown = ", ".join(labels[:_MOST_NAMED]) + (", ..." if len(labels) > _MOST_NAMED else "")
    fault = "several processes match" if matching else "no process of the log has the name"
    raise UserError(f"{path}: --process: {fault} {name!r}: {shown}{hint}")
