"""gctrace lines torn apart by other output, put together again.

Go prints a line number by number and word by word, each with a write of its own (runtime/print.go),
so that what the program writes at that moment lands in the middle of it.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sim.formats.log import Problem
from sim.units import US

if TYPE_CHECKING:
    from sim.formats.gctrace import GCTraceLine

PIECE: Final = "a piece of a gctrace line"
TORN: Final = "a line torn apart by other output, and put together"
LOOKS_LIKE_A_PIECE: Final = re.compile(
    r"gc [0-9]+ @|[0-9] ms (?:clock(?!, [0-9]+ bytes)|cpu), | MB goal, | MB stacks, | MB globals, "
)
"""`ms clock, 0 bytes` is of `GODEBUG=inittrace=1`."""
_BEGINNING: Final = re.compile(r"gc [0-9]+ @")
_FARTHEST_TAIL: Final = 4
"""Lines after the beginning of a torn line in which its end is looked for."""
_STEPS: Final = (
    "gc",
    " ",
    "[0-9]+",
    " @",
    "[0-9.]+",
    "s ",
    "[0-9]+",
    "%",
    ": ",
    "[-+/.0-9]+",
    " ms clock, ",
    "[-+/.0-9]+",
    " ms cpu, ",
    "[0-9]+",
    "->",
    "[0-9]+",
    "->",
    "[0-9]+",
    " MB, ",
    "[0-9]+",
    " MB goal, ",
    "[0-9]+",
    " MB stacks, ",
    "[0-9]+",
    " MB globals, ",
    "[0-9]+",
    " P",
)
_LEAKS: Final = r"(?: \(checking for goroutine leaks\))?"
"""Before the colon, in some lines."""
_FORCED: Final = r" \(forced\)"
"""After the last step, in some lines."""


def _rests() -> tuple[str, ...]:
    """Of each step, and after the last one: what is left of a line from there on."""
    rests = [""]
    for step in reversed(_STEPS):
        match step:
            case ": ":
                rests.append(f"{_LEAKS}{step}{rests[-1]}")
            case " MB stacks, ":  # and globals, which older lines do not have
                rests.append(f"(?:{step}[0-9]+ MB globals, [0-9]+)?{_STEPS[-1]}")
            case _:
                rests.append(step + rests[-1])
    return tuple(reversed(rests))


_REST: Final = _rests()
_DATE: Final = re.compile(r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}|[0-9]{2}:[0-9]{2}:[0-9]{2}")
"""How lines of other loggers begin that could be taken for numbers."""
_FIGURES: Final = frozenset("0123456789.")
_MOST_FOREIGN: Final = 12
"""Characters of foreign text that may look like the rest of a line."""
_LONGEST: Final = 1000
"""Characters among which an intruder is looked for."""

Complete = Callable[[str, int], "GCTraceLine | None"]
"""The line at the start of a text, if Go would print it so and it is longer than a length."""


class Mended(NamedTuple):
    """A line that was put together; `before` is what stands before it in its line of the log."""

    line_number: int
    before: str
    line: GCTraceLine


class Torn:
    """Beginnings of lines whose end is still to come."""

    def __init__(self, report: Callable[[Problem], None], complete: Complete) -> None:
        self.last_number = 0
        """Of the line read last."""
        self._report, self._complete = report, complete
        self._open: tuple[int, str] | None = None
        self._perhaps: tuple[int, str] | None = None
        """The last text that may end in the first word or two of a line."""

    def waits(self, number: int, text: str) -> bool:
        """Whether a text that does not look like a piece may be the rest of a line all the same."""
        if "gc" in text:
            self._perhaps = number, text
        return self._open is not None

    def put_together(self, number: int, text: str) -> Iterator[Mended]:
        """The line whose last piece is in this text, if all of it is known now."""
        if self._open is not None and number - self._open[0] > _FARTHEST_TAIL:
            self.give_up()
        if found := self._ended(number, text):
            yield found
        elif _BEGINNING.search(text):
            self.give_up()
            self._open = number, text
        elif self._open is None and LOOKS_LIKE_A_PIECE.search(text):
            self._report(Problem(number, PIECE, kept=False))

    def give_up(self) -> None:
        """No end is to be hoped for."""
        if self._open is not None:
            self._report(Problem(self._open[0], PIECE, kept=False))
        self._open = None

    def _ended(self, number: int, text: str) -> Mended | None:
        for head in (self._open, self._perhaps, (number, "")):
            if head is None or number - head[0] > _FARTHEST_TAIL:
                continue
            begun, rest = head[1].rstrip("\r\n"), text.rstrip("\r\n")
            start = max(0, begun.rfind("gc"))
            line = self._complete((begun + rest)[start:], len(begun) - start)
            if line is None:
                whole = (head[1] + text).rstrip("\r\n")
                start = max(0, whole.rfind("gc", 0, len(head[1]) or None))
                line = without_intruder(whole[start:], self.last_number + 1, self._complete)
            if line is not None:
                self._open = None if head is self._open else self._open
                self._report(Problem(head[0], TORN, kept=True))
                return Mended(head[0], (head[1] + text)[:start], line)
        return None


def without_intruder(text: str, expected: int, complete: Complete) -> GCTraceLine | None:
    """The line that is left when one piece of foreign text is cut out; None: there is none.

    Of several such, it is one whose figures are whole and that goes on in a new line, and the one
    with the number expected whose times fit each other best.
    """
    steps = _steps_of(text)
    if not steps or len(text) > _LONGEST:
        return None
    found = []
    for end in range(steps[-1], max(1, steps[-1] - _MOST_FOREIGN), -1):
        for rest in _rest_after(text, end, steps).finditer(text, end + 1):
            start = rest.start()
            if text[start] in _FIGURES and {text[start - 1], text[end - 1]} & _FIGURES:
                continue  # in the middle of a number, which Go writes at once
            if line := complete(text[:end] + text[start:], end):
                unlike = _like_a_figure(text, end), text[start - 1] != "\n"
                found.append((*unlike, *_misfit(line, expected), line))
    return min(found, key=lambda one: one[:4])[4] if found else None


def _steps_of(text: str) -> list[int]:
    """Where each of the steps ends that the text begins with."""
    ends = [0]
    for step in _STEPS:
        if (found := _compiled(step).match(text, ends[-1])) is None:
            break
        ends.append(found.end())
    return ends[1:]


def _rest_after(text: str, end: int, steps: list[int]) -> re.Pattern[str]:
    """Finds where the rest of a line may begin of which a text, up to an end, is the beginning."""
    index = bisect_right(steps, end - 1)  # of the step that the last character belongs to
    step, begun = _STEPS[index], end - (steps[index - 1] if index else 0)
    left = f"{step[:-1]}*" if step.startswith("[") else step[begun:]
    rest = left + _REST[index + 1] or _FORCED
    if step == " MB stacks, " and begun == 1:
        rest = f"(?:{rest}|P)"
    return _compiled(f"(?={rest})")


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _like_a_figure(text: str, cut: int) -> int:
    """How much foreign text that begins there looks like the rest of a figure: 0, a date, to 2."""
    if _DATE.match(text, cut):
        return 0
    return 2 if text[cut] in _FIGURES else 1


def _misfit(line: GCTraceLine, expected: int) -> tuple[int, float]:
    """How far the number is from that expected, and CPU times from those of so many busy Ps."""
    marking = line.cpu_assist + line.cpu_background + line.cpu_idle
    pairs = (
        (line.cpu_sweep_termination, line.procs * line.stw_sweep_termination),
        (line.cpu_mark_termination, line.procs * line.stw_mark_termination),
        (marking, line.procs * line.concurrent_mark // 2),
    )
    return abs(line.number - expected), sum(abs(math.log((a + US) / (b + US))) for a, b in pairs)
