"""`GODEBUG=scavtrace=1` lines: written byte for byte as Go 1.27 does, and read.

Source: runtime/mgcscavenge.go, printScavTrace.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sim.formats.log import Problem
from sim.units import Bytes

_KIB_SHIFT: Final = 10


@dataclass(frozen=True, slots=True)
class ScavTraceLine:
    """Memory returned to the OS since the last line; sizes are printed in whole KiB."""

    released_background: Bytes
    released_eager: Bytes
    """Returned by allocation under a memory limit, or by debug.FreeOSMemory."""
    heap_released: Bytes
    """All that is with the OS now."""
    utilization: int
    """Percent of the retained heap (mapped and not released) that is in use."""
    forced: bool = False
    """debug.FreeOSMemory asked for it."""
    controller_reset: bool = False
    """The background scavenger's pace had become useless and was set back."""


def format_line(line: ScavTraceLine) -> str:
    """The line as Go 1.27 prints it, without the newline."""
    remark = " (forced)" if line.forced else " [controller reset]" if line.controller_reset else ""
    return (
        f"scav {line.released_background >> _KIB_SHIFT} KiB work (bg),"
        f" {line.released_eager >> _KIB_SHIFT} KiB work (eager),"
        f" {line.heap_released >> _KIB_SHIFT} KiB now, {line.utilization}% util{remark}"
    )


_LINE: Final = re.compile(
    r"scav ([0-9]+) KiB work \(bg\), ([0-9]+) KiB work \(eager\), ([0-9]+) KiB now, ([0-9]+)% util"
    r"( \(forced\))?( \[controller reset\])?"
)
_PIECE: Final = re.compile(r"scav [0-9]+ KiB|KiB work \((?:bg|eager)\)|KiB now, ")


def parse(
    lines: Iterable[str], report: Callable[[Problem], None] = lambda problem: None
) -> Iterator[tuple[int, ScavTraceLine]]:
    """The scavenger's lines in a log with their line numbers; every other line is passed over.

    `report` hears of pieces of lines, and of Go 1.14 to 1.20 lines, which did not tell background
    from eager work.
    """
    for line_number, text in enumerate(lines, start=1):
        if match := _LINE.search(text):
            yield line_number, _read(match)
        elif _PIECE.search(text):
            report(Problem(line_number, "a piece of a scavtrace line", kept=False))


def _read(match: re.Match[str]) -> ScavTraceLine:
    *sizes, utilization, forced, reset = match.groups()
    background, eager, released = (int(size) << _KIB_SHIFT for size in sizes)
    return ScavTraceLine(
        background, eager, released, int(utilization), forced is not None, reset is not None
    )
