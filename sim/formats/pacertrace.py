"""`GODEBUG=gcpacertrace=1` lines: written byte for byte as Go 1.27 does, and read.

Source: runtime/mgcpacer.go, startCycle and endCycle; runtime/mgcsweep.go, activeSweep.end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from sim.formats.gofloat import format_float
from sim.formats.log import Problem
from sim.units import Bytes, Fraction

_MB_SHIFT: Final = 20


@dataclass(frozen=True, slots=True)
class CycleStart:
    """What the pacer planned when it started a cycle; sizes are printed in whole MiB."""

    assist_ratio: float
    """Bytes of scan work owed per byte allocated."""
    heap_scan: Bytes
    heap_live: Bytes
    heap_goal: Bytes
    dedicated_workers: int
    fractional_utilization_goal: Fraction
    """CPU share of each P for a fractional mark worker."""


@dataclass(frozen=True, slots=True)
class CycleEnd:
    """How the cycle came out, and what the pacer expected; all but `utilization` is exact."""

    utilization: int
    """Percent of all CPU time of the mark phase spent by dedicated workers and assists."""
    goal_utilization: int
    heap_scan_work: Bytes
    stack_scan_work: Bytes
    globals_scan_work: Bytes
    expected_scan_work: Bytes
    triggered: Bytes
    heap_live: Bytes
    goal_delta: int
    """heap_live minus the heap goal, in bytes: positive if the goal was overshot."""
    cons_mark: float
    """Cons/mark ratio the cycle was planned with, not the one it measured."""


@dataclass(frozen=True, slots=True)
class SweepDone:
    """The last span was swept; sizes are printed in whole MiB."""

    heap_live: Bytes
    allocated: Bytes
    """Heap growth since sweeping began."""
    pages_swept: int
    pages_per_byte: float
    """Pages that an allocation had to sweep for each byte."""


PacerLine: TypeAlias = CycleStart | CycleEnd | SweepDone


def format_line(line: PacerLine) -> str:
    """The line as Go 1.27 prints it, without the newline."""
    match line:
        case CycleStart():
            return (
                f"pacer: assist ratio={format_float(line.assist_ratio)}"
                f" (scan {line.heap_scan >> _MB_SHIFT} MB"
                f" in {line.heap_live >> _MB_SHIFT}->{line.heap_goal >> _MB_SHIFT} MB)"
                f" workers={line.dedicated_workers}"
                f"+{format_float(line.fractional_utilization_goal)}"
            )
        case CycleEnd():
            return (
                f"pacer: {line.utilization}% CPU ({line.goal_utilization} exp.) for"
                f" {line.heap_scan_work}+{line.stack_scan_work}+{line.globals_scan_work} B work"
                f" ({line.expected_scan_work} B exp.) in {line.triggered} B -> {line.heap_live} B"
                f" (∆goal {line.goal_delta}, cons/mark {format_float(line.cons_mark)})"
            )
        case SweepDone():
            return (
                f"pacer: sweep done at heap size {line.heap_live >> _MB_SHIFT}MB;"
                f" allocated {line.allocated >> _MB_SHIFT}MB during sweep;"
                f" swept {line.pages_swept} pages at {format_float(line.pages_per_byte)} pages/byte"
            )


_N: Final = r"(-?[0-9]+)"
_F: Final = r"([-+]?[0-9.]+(?:e[-+][0-9]+)?|[-+]Inf|NaN)"
_START: Final = re.compile(
    rf"pacer: assist ratio={_F} \(scan {_N} MB in {_N}->{_N} MB\) workers={_N}\+{_F}"
)
_END: Final = re.compile(
    rf"pacer: {_N}% CPU \({_N} exp\.\) for {_N}\+{_N}\+{_N} B work \({_N} B exp\.\)"
    rf" in {_N} B -> {_N} B \(∆goal {_N}, cons/mark {_F}\)"
)
_SWEEP: Final = re.compile(
    rf"pacer: sweep done at heap size {_N}MB; allocated {_N}MB during sweep;"
    rf" swept {_N} pages at {_F} pages/byte"
)


def parse(
    lines: Iterable[str], report: Callable[[Problem], None] = lambda problem: None
) -> Iterator[tuple[int, PacerLine]]:
    """The pacer's lines in a log with their line numbers; every other line is passed over.

    `report` hears of what begins like such a line and does not go on like one.
    """
    for line_number, text in enumerate(lines, start=1):
        if "pacer: " not in text:
            continue
        line = _read(text.replace(r"\u003e", ">"))
        if line is None:
            report(Problem(line_number, "a piece of a gcpacertrace line", kept=False))
        else:
            yield line_number, line


def _read(text: str) -> PacerLine | None:
    if match := _START.search(text):
        ratio, scan, start, goal, dedicated, fractional = match.groups()
        return CycleStart(
            float(ratio), _mb(scan), _mb(start), _mb(goal), int(dedicated), float(fractional)
        )
    if match := _END.search(text):
        *numbers, cons_mark = match.groups()
        percent, goal_percent, heap, stack, globals_, expected, trigger, live, delta = map(
            int, numbers
        )
        return CycleEnd(
            percent,
            goal_percent,
            heap,
            stack,
            globals_,
            expected,
            trigger,
            live,
            delta,
            float(cons_mark),
        )
    if match := _SWEEP.search(text):
        at_end, allocated, pages, per_byte = match.groups()
        return SweepDone(_mb(at_end), _mb(allocated), int(pages), float(per_byte))
    return None


def _mb(text: str) -> Bytes:
    return int(text) << _MB_SHIFT
