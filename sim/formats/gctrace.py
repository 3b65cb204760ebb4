"""`GODEBUG=gctrace=1` lines: written byte for byte as Go 1.27 does, read from Go 1.5 on.

Source: runtime/mgc.go, gcMarkTermination and fmtNSAsMS; the older formats from the runtime's
package documentation of their time (stacks and globals came with Go 1.18, and Go 1.5 still timed
five phases).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from sim.formats.log import Problem
from sim.formats.torn import LOOKS_LIKE_A_PIECE, Torn
from sim.text import quoted
from sim.units import MS, US, Bytes, Nanoseconds

_MB_SHIFT: Final = 20
_THREE_DIGITS: Final = 100
_MOST_BYTES: Final = 1 << 64  # the goal of GOGC=off, rounded down to MB, is below
_MOST_DIGITS: Final = 20  # of what 64 bits count to
_WRAPPED_NS: Final = 1 << 63  # a negative int64, printed by Go as uint64, starts here


@dataclass(frozen=True, slots=True)
class GCTraceLine:
    """What one line says about one GC cycle.

    The writer takes exact values and rounds them as Go does; the reader gives what the line still
    says, i.e. the values rounded down to its precision (1 ms for `at`, 1 MiB for sizes, two digits
    for times).
    """

    number: int
    """Cycles since program start, this one included."""
    at: Nanoseconds
    """Start of sweep termination, since program start."""
    percent: int
    """Share of all CPU time since program start spent in GC, idle workers excluded."""
    stw_sweep_termination: Nanoseconds
    concurrent_mark: Nanoseconds
    stw_mark_termination: Nanoseconds
    cpu_sweep_termination: Nanoseconds
    """GOMAXPROCS times the pause, as is `cpu_mark_termination`."""
    cpu_assist: Nanoseconds
    cpu_background: Nanoseconds
    """Dedicated and fractional mark workers."""
    cpu_idle: Nanoseconds
    """Mark workers on Ps that had nothing else to do."""
    cpu_mark_termination: Nanoseconds
    heap_start: Bytes
    heap_end: Bytes
    heap_marked: Bytes
    heap_goal: Bytes
    stacks: Bytes | None
    """Scannable stacks; None, like `globals`, before Go 1.18."""
    globals: Bytes | None
    procs: int
    forced: bool = False
    """Somebody called runtime.GC and waited."""
    leak_check: bool = False
    """The cycle looked for leaked goroutines (Go 1.26 on)."""
    five_phases: bool = False
    """Printed as Go 1.5 does, which scanned roots in phases of their own."""


class Found(NamedTuple):
    """A gctrace line, and where it stood."""

    line_number: int
    before: str
    """What stands before it in its line of the log, such as a time or the name of a container."""
    line: GCTraceLine
    after: str = ""


def format_line(line: GCTraceLine) -> str:
    """The line as Go 1.27 prints it, without the newline."""
    clock = (line.stw_sweep_termination, line.concurrent_mark, line.stw_mark_termination)
    stw1, stw2 = format_ms(line.cpu_sweep_termination), format_ms(line.cpu_mark_termination)
    mark = map(format_ms, (line.cpu_assist, line.cpu_background, line.cpu_idle))
    heap = (line.heap_start, line.heap_end, line.heap_marked)
    return (
        f"gc {line.number} @{format_seconds(line.at)}s {line.percent}%"
        f"{_LEAK_CHECK if line.leak_check else ''}: {'+'.join(map(format_ms, clock))} ms clock, "
        f"{stw1}+{'/'.join(mark)}+{stw2} ms cpu, "
        f"{'->'.join(str(size >> _MB_SHIFT) for size in heap)} MB, {_mb(line.heap_goal)} goal, "
        f"{'' if line.stacks is None else _mb(line.stacks) + ' stacks, '}"
        f"{'' if line.globals is None else _mb(line.globals) + ' globals, '}"
        f"{line.procs} P{_FORCED if line.forced else ''}"
    )


def format_ms(ns: Nanoseconds) -> str:
    """Milliseconds with two digits and at most three decimals, rounded down (fmtNSAsMS)."""
    if ns >= 10 * MS:
        return str(ns // MS)
    digits, decimals = ns // US, 3
    if digits == 0:
        return "0"
    while digits >= _THREE_DIGITS:
        digits //= 10
        decimals -= 1
    return f"{digits // 10**decimals}.{digits % 10**decimals:0{decimals}d}"


def format_seconds(ns: Nanoseconds) -> str:
    """Seconds with three decimals, rounded down."""
    return f"{ns // (1000 * MS)}.{ns // MS % 1000:03d}"


def _mb(size: Bytes) -> str:
    return f"{size >> _MB_SHIFT} MB"


_FORCED: Final = " (forced)"
_LEAK_CHECK: Final = " (checking for goroutine leaks)"
_N: Final = r"(-?[0-9]+(?:\.[0-9]+)?|NaN)"
_TIMES: Final = r"([-+/.0-9]+|[-+/.0-9]*NaN[-+/.0-9NaN]*)"
_LINE: Final = re.compile(
    rf"gc {_N} @{_N}s {_N}%({re.escape(_LEAK_CHECK)})?: {_TIMES} ms clock, {_TIMES} ms cpu, "
    rf"{_N}->{_N}->{_N} MB, {_N} MB goal, (?:{_N} MB stacks, {_N} MB globals, )?"
    rf"{_N} P({re.escape(_FORCED)})?"
)
_ESCAPED: Final = re.compile(r"\\u003e|&gt;")
"""The arrow's head in JSON and HTML."""
_GO_1_4: Final = re.compile(r"\bgc[0-9]+\([0-9]+\): ")
OLDER_FORMAT: Final = "a line of Go 1.4 or older"


def parse(
    lines: Iterable[str], report: Callable[[Problem], None] = lambda problem: None
) -> Iterator[Found]:
    """The gctrace lines in a log, in order; every other line is passed over.

    Whatever a log shipper puts before and after a line is ignored, JSON strings included, and lines
    torn apart by other output are put together. `report` hears of these, of pieces whose rest is
    missing, of lines of Go 1.4 and of impossible values, none of which are used, and of a heap
    triple out of order.
    """
    torn = Torn(report, _complete)
    for line_number, text in enumerate(lines, start=1):
        if LOOKS_LIKE_A_PIECE.search(text) is None and not torn.waits(line_number, text):
            if _GO_1_4.search(text):
                report(Problem(line_number, OLDER_FORMAT, kept=False))
            continue
        for found in _found(line_number, _ESCAPED.sub(">", text), torn, report):
            for oddity in _oddities(found.line):
                report(Problem(line_number, oddity, kept=True))
            torn.last_number = found.line.number
            yield found
    torn.give_up()


def _found(
    line_number: int, text: str, torn: Torn, report: Callable[[Problem], None]
) -> Iterator[Found]:
    """What a line of the log holds: a gctrace line as a rule, more where newlines were lost."""
    end, pieces = 0, 0
    for match in _LINE.finditer(text):
        before, end = text[end : match.start()], match.end()
        pieces += len(LOOKS_LIKE_A_PIECE.findall(match[0]))
        try:
            yield Found(line_number, before, _read(match), text[end:])
        except ValueError as error:
            report(Problem(line_number, f"impossible value: {error}", kept=False))
    if end == 0 or len(LOOKS_LIKE_A_PIECE.findall(text)) > pieces:
        for mended in torn.put_together(line_number, _LINE.sub("", text)):
            yield Found(*mended)


def _complete(text: str, longer_than: int) -> GCTraceLine | None:
    """The line at the start of a text, if it is one that Go would print."""
    match = _LINE.match(text)
    if match is None or match.end() <= longer_than:
        return None
    try:
        line = _read(match)
    except ValueError:
        return None
    return line if line.procs and (line.five_phases or format_line(line) == match[0]) else None


def _read(match: re.Match[str]) -> GCTraceLine:
    """Raises ValueError for a value that no Go program can have meant."""
    number, at, percent, leak_check, clock, cpu, *sizes, procs, forced = match.groups()
    sweep, *concurrent, termination = _times(clock, counts=(3, 5))
    cpu_sweep, *scan, assist, background, idle, cpu_termination = _times(cpu, counts=(5, 7))
    start, end, marked, goal = map(_megabytes, sizes[:4])
    stacks, globals_ = (None if size is None else _megabytes(size) for size in sizes[4:])
    return GCTraceLine(
        number=_count(number),
        at=_fixed(at, 3) * MS,
        percent=_count(percent),
        stw_sweep_termination=sweep,
        concurrent_mark=sum(concurrent),
        stw_mark_termination=termination,
        cpu_sweep_termination=cpu_sweep,
        cpu_assist=assist,
        # Before the workers began.
        cpu_background=sum(scan) + background,
        cpu_idle=idle,
        cpu_mark_termination=cpu_termination,
        heap_start=start,
        heap_end=end,
        heap_marked=marked,
        heap_goal=goal,
        stacks=stacks,
        globals=globals_,
        procs=_count(procs),
        forced=forced is not None,
        leak_check=leak_check is not None,
        five_phases=len(concurrent) > 1,
    )


def _times(text: str, counts: tuple[int, ...]) -> list[Nanoseconds]:
    times = [_fixed(term, 6) for term in re.split(r"[+/]", text)]
    if len(times) not in counts:
        raise ValueError(quoted(text))
    if max(times) >= _WRAPPED_NS:
        raise ValueError(f"{quoted(text)} holds a negative time")
    return times


def _megabytes(text: str) -> Bytes:
    if len(text) > _MOST_DIGITS or _count(text) << _MB_SHIFT >= _MOST_BYTES:
        raise ValueError(f"{quoted(text)} MB, more bytes than there are addresses")
    return _count(text) << _MB_SHIFT


def _count(text: str) -> int:
    return _fixed(text, 0)


@lru_cache(maxsize=1 << 16)
def _fixed(text: str, decimals: int) -> int:
    """A decimal number times 10**decimals, exactly: floats would lose the last digit."""
    whole, _, fraction = text.partition(".")
    if text.startswith("-") or not (whole + fraction).isdecimal() or len(fraction) > decimals:
        raise ValueError(quoted(text))
    if len(whole) > _MOST_DIGITS:
        raise ValueError(quoted(text))
    return int(whole + fraction.ljust(decimals, "0"))


def _oddities(line: GCTraceLine) -> Iterator[str]:
    if not line.heap_start <= line.heap_end >= line.heap_marked:
        yield "the heap at the end of a cycle is less than at its start or than what was marked"
    if line.procs == 0:
        yield "no processors"
