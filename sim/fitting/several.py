"""Several logs of one program under different settings: what hangs on the number of cycles.

A program with sync.Pools allocates more the more often it is collected. With n cycles, allocation
is A = a + e n, of which one log shows the sum; over several logs it is a line (least squares).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.fitting.observe import Observed
from sim.fitting.versions import name
from sim.replay.program import Load
from sim.units import SECOND, Bytes, Fraction, MiB, format_bytes

DIFFERENT: Final[Fraction] = 1.3
"""Ratio of numbers of cycles from which on they tell a line from a scatter. A judgement; smaller
fits lines through scatter."""
_LARGEST_SHARE_BY_NUMBER: Final[Fraction] = 0.8
"""Of what is allocated in a cycle where there are most of them, what may hang on their number. A
bound below 1; moves cycles at other GOGC."""


_OTHER: Final = 2.0
"""Ratio of live heaps, or of rates of allocation, from which on logs are of two programs, or of two
loads. A judgement: recorded programs differ by up to 1.8 from one setting to another, by pools."""
_ROUNDED: Final = 4 * MiB
"""Bytes, or bytes a second, that figures in MiB do not tell apart. A judgement."""


class Several(NamedTuple):
    """What several logs tell together."""

    logs: int
    per_cycle: Bytes
    """Allocated anew in each cycle, whatever the work."""

    def sentence(self) -> str:
        """In words."""
        return (
            f"{self.logs} logs: {format_bytes(self.per_cycle)} of what is allocated in a cycle come"
            " with the cycle, not with the work"
        )


def same_run(first: Observed, other: Observed) -> bool:
    """Whether two logs are one: the same heaps at the same times."""
    return np.array_equal(first.at, other.at) and np.array_equal(first.end, other.end)


def together(fits: Sequence[Fit]) -> Several:
    """What is allocated per cycle; UserError for logs of another GOMAXPROCS or another program."""
    first = fits[0]
    for fit in fits[1:]:
        if fit.program.procs != first.program.procs:
            raise UserError(
                f"--also: expected a log with GOMAXPROCS={first.program.procs}, got one with"
                f" {fit.program.procs}"
            )
        _check_alike(first, fit)
    cycles, allocated = np.array([_amounts(fit, first.program.load) for fit in fits]).T
    slots = first.program.procs * first.program.cached
    if cycles.max() < DIFFERENT * cycles.min():
        return Several(len(fits), slots)
    slope = float(np.polyfit(cycles, allocated, 1)[0])
    most = _LARGEST_SHARE_BY_NUMBER * float((allocated / cycles).min())
    return Several(len(fits), round(min(max(slope, 0.0), most)))


def _check_alike(first: Fit, other: Fit) -> None:
    """Raises UserError where the logs cannot be of one program under one load."""
    if other.go.oldest > first.go.newest or other.go.newest < first.go.oldest:
        raise UserError(
            f"--also: expected a log of Go {name(first.go)}, as the first one, got one of Go"
            f" {name(other.go)}"
        )
    values = {"a live heap of about": ([fit.course.live for fit in (first, other)], "")}
    if first.program.load is Load.WAITING:
        rates = [round(fit.program.demand * SECOND) for fit in (first, other)]
        values["one that allocates"] = (rates, "/s")
    for what, ((mine, its), per) in values.items():
        if abs(mine - its) > _ROUNDED and not 1 / _OTHER < mine / max(its, 1) < _OTHER:
            raise UserError(
                f"--also: expected a log of the same program under the same load, with {what}"
                f" {format_bytes(mine)}{per}, got {format_bytes(its)}{per}"
            )


def _amounts(fit: Fit, load: Load) -> tuple[float, float]:
    """Cycles, and bytes that counted as allocated: in all, or where load is waited for, per ns."""
    program, measured = fit.program, fit.measured
    count = fit.cycles
    ends = [cycle.end for cycle in program.cycles][measured]
    slots = program.procs * program.cached
    if load is Load.BUSY:
        work = (program.end.low + program.end.high) / 2 - program.begin.low
        return float(count), work * fit.stands_for + count * slots
    time = float(fit.observed.at[measured][-1] - fit.observed.at[measured][0])
    between = len(ends) - 1
    return between / time, (ends[-1] - ends[0] + between * slots) / time
