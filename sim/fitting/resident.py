"""What the resident memory of the log's own run tells: of the program's file, and of its end.

What is allocated after the last cycle shows in no line. Resident memory has it: where it is more
than the heap of the lines and a program's file explain, the program went on after its last cycle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from sim.errors import UserError
from sim.files import reason
from sim.replay.memory import LARGE_PROGRAM, Overheads
from sim.units import Bytes, Fraction, MiB, format_bytes

PROGRAM_SPREAD: Final = 0.85
"""Standard deviation of the logarithm of what is resident and unknown to the Go runtime.

Prometheus, etcd, caddy, the native TypeScript compiler, esbuild, go and gofmt have 37, 31, 25, 16,
13, 9 and 3 MiB of RssFile; so half of such programs have 9 to 28 MiB, and nine of ten 4 to 65."""
RESIDENT_OF_BINARY: Final[Fraction] = 0.8
"""RssFile of `go` and `gofmt` is 0.75 and 0.9 of the size of their files."""
BINARY_SPREAD: Final = 0.15
"""Standard deviation of the logarithm, where the size of the file is known. Chosen by these two
programs; widens intervals of RSS."""
UNLIKELY: Final = 2.5
"""Standard deviations, beyond which memory of the program itself is a doubt: one program of 160 has
so much. A judgement; only words depend on it."""
_LEAST_PROGRAM: Final[Bytes] = 3 * MiB // 2
"""Bytes that are resident of any program: less than that of the smallest, `hello world`."""
SURELY_MISSING: Final[Fraction] = 0.75
"""Share of the heap; with less resident, part of the heap was never touched. A judgement: one value
of ps may be from before the peak, after which Go keeps pages that are free; moves resident memory
of programs with a ballast."""
_PROGRAMS: Final = (
    b"\x7fELF",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
    b"MZ",
    b"\0asm",
)
"""How files of programs begin: ELF, Mach-O of 64 bits and of several machines, PE, wasm."""
_ENDS: Final = 101
"""Instants at which the program may have ended, from one cycle to the next. Chosen so that a step
is 1 % of a cycle."""


class Resident(NamedTuple):
    """Resident memory that somebody looked up."""

    size: Bytes
    heap: Bytes | None = None
    """The heap, free pages included, when it was; None: it is the most that the run had."""


@dataclass(frozen=True, slots=True)
class LastHeap:
    """The largest heap of the log, and how far it may have got after the last cycle; bytes."""

    peak: float
    marked: float
    growth: float
    """From what the last cycle found alive to the start of the next one, which did not come."""


def ends(
    count: int,
    last: LastHeap,
    overheads: Overheads,
    seen: Resident | None,
    spread: float,
    rng: np.random.Generator,
) -> list[Fraction]:
    """How far the program may have got to the next cycle, in even steps of probability, shuffled.

    Before anything is known every end is as likely as another, and the program's own memory is
    lognormal (Bayes' rule, on a grid of ends).
    """
    grid = (np.arange(_ENDS) + 0.5) / _ENDS
    weights = np.ones(_ENDS)
    if seen is not None and seen.heap is None:
        rest = np.array([program_at(end, last, overheads, seen) for end in grid])
        off = np.log(rest / overheads.program) / spread
        weights = np.where(rest > _LEAST_PROGRAM, np.exp(-(off**2) / 2), 0.0)
        if not weights.any():
            weights[0] = 1.0
    even = (np.arange(count) + 0.5) / count
    parts = grid[np.searchsorted(np.cumsum(weights) / weights.sum(), even)]
    return [float(part) for part in rng.permutation(parts)]


def program_at(end: Fraction, last: LastHeap, overheads: Overheads, seen: Resident) -> Bytes:
    """What is resident and neither heap nor known to the Go runtime, if that was the end."""
    heap = max(last.peak, last.marked + end * last.growth) if seen.heap is None else seen.heap
    return max(_LEAST_PROGRAM, round(overheads.of_program(seen.size, heap)))


def untouched(seen: Resident, last: LastHeap, held: float, overheads: Overheads) -> Bytes:
    """What of the heap was never touched, a ballast, where less is resident than the heap was.

    It is among the `held` bytes that are always alive. UserError where it would be more.
    """
    heap = last.peak if seen.heap is None else float(seen.heap)
    if seen.size >= last.marked and seen.size >= SURELY_MISSING * heap:
        return 0
    if seen.size < heap - held:
        raise UserError(
            f"--rss: {format_bytes(seen.size)} do not hold a heap that grew to"
            f" {format_bytes(heap)}, of which only the {format_bytes(held)} that the live heap"
            " is never below may be untouched: it is of another process, or of another time"
        )
    return round(min(held, overheads.resident(heap) - seen.size))


def unlikely(seen: Resident, last: LastHeap, overheads: Overheads) -> str | None:
    """A doubt where more is resident than heap, runtime and a usual program explain."""
    own = program_at(0.5, last, overheads, seen)
    if own < LARGE_PROGRAM * math.exp(UNLIKELY * PROGRAM_SPREAD):
        return None
    return (
        f"of the {format_bytes(seen.size)} resident {format_bytes(own)} are neither heap nor of"
        " the Go runtime, as memory of C libraries and mapped files are: if another process or time"
        " is meant, resident memory is too large under every setting"
    )


def bounded(overheads: Overheads, last: LastHeap, seen: Resident | None) -> Overheads:
    """Not more beside the heap than fits into what the process has."""
    if seen is None or overheads.measured:
        return overheads
    heap = float(last.peak if seen.heap is None else seen.heap)
    most = seen.size - (heap - overheads.ballast) - _LEAST_PROGRAM + overheads.untouched
    least = overheads.untouched
    return replace(overheads, fixed=round(min(overheads.fixed, max(least, most))))


class OwnMemory(NamedTuple):
    """What the program itself takes in memory, and how that is known."""

    overheads: Overheads
    spread: float
    """Standard deviation of the logarithm of `overheads.program`."""
    sentences: tuple[str, ...]


def own_memory(overheads: Overheads, seen: Resident | None, binary: Path | None) -> OwnMemory:
    """By its file, where somebody gives that; UserError for a file that cannot be read."""
    if binary is not None:
        found = replace(overheads, program=round(RESIDENT_OF_BINARY * _size_of_program(binary)))
        return OwnMemory(found, BINARY_SPREAD, ())
    if seen is not None:
        return OwnMemory(overheads, PROGRAM_SPREAD, ())
    sentence = (
        f"resident memory has {format_bytes(overheads.program)} for the program's own file, which"
        " may be 4 to 65MiB: one value of ps as --rss, or its file as --binary, narrows it"
    )
    return OwnMemory(overheads, PROGRAM_SPREAD, (sentence,))


def _size_of_program(path: Path) -> Bytes:
    """Of a file that can be run; UserError for another one."""
    try:
        with path.open("rb") as file:
            begin = file.read(4)
        size = path.stat().st_size
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else "no such file"
        raise UserError(f"--binary: {path}: cannot be read: {why}") from None
    if not begin.startswith(_PROGRAMS):
        raise UserError(
            f"--binary: {path}: expected a program (ELF, Mach-O, PE or wasm), got another file"
        )
    return size
