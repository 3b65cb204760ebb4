"""Mark phases of a program of which there are only metrics: how long, and who marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sim.fitting.snapshots import CPU, PAUSES, MetricsSnapshot
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.units import SECOND, US, Fraction, Nanoseconds

GC: Final = "/cpu/classes/gc/mark/"
KINDS: Final = ("assist", "dedicated", "idle")
USUAL_MARK_COST: Final = 0.8
"""CPU-ns of marking per byte alive where nobody measured it. Chosen as the geometric mean over
recorded programs at GOGC=100; GC CPU is in proportion to it."""
_PAUSE: Final[Nanoseconds] = 50 * US
"""ns of a pause where nobody measured it. A judgement; adds to GC CPU in proportion to cycles."""
_UNKNOWN_USE: Final[Fraction] = 0.5
"""Share of the Ps that a program uses whose CPU time nobody counted. A judgement for want of
anything better; moves overload and how many idle workers mark."""


def costs_known(first: Mapping[str, float], last: Mapping[str, float]) -> bool:
    """Whether the accounts of CPU time say who marked."""
    names = [f"{GC}{kind}:cpu-seconds" for kind in KINDS]
    return all(name in first and name in last for name in names)


@dataclass(frozen=True, slots=True)
class MeanMarking:
    """A mark phase; ns, and CPU-ns by who marks."""

    duration: float
    assist: float
    background: float
    idle: float
    pause: float = 2 * _PAUSE

    @property
    def cpu(self) -> float:
        """Whoever marks."""
        return self.assist + self.background + self.idle


def mean_marking(
    a: MetricsSnapshot, b: MetricsSnapshot, cycles: int, marked: float, procs: int
) -> MeanMarking:
    """The mean mark phase between two snapshots.

    Dedicated workers have a quarter of the Ps, and idle ones what the program leaves.
    """
    pause = _each(a, b, PAUSES, cycles)
    paused = 2.0 * _PAUSE if pause is None else pause
    used = _used(a, b, procs)
    kinds = [_each(a, b, f"{GC}{kind}:cpu-seconds", cycles) for kind in KINDS]
    assist, dedicated, idle = kinds
    if assist is not None and dedicated is not None and idle is not None and dedicated > 0:
        return MeanMarking(
            dedicated / (BACKGROUND_UTILIZATION * procs), assist, dedicated, idle, paused
        )
    spare = max(0.0, (1 - BACKGROUND_UTILIZATION) * procs - used)
    duration = USUAL_MARK_COST * marked / (BACKGROUND_UTILIZATION * procs + spare)
    return MeanMarking(
        duration, 0.0, BACKGROUND_UTILIZATION * procs * duration, spare * duration, paused
    )


def _each(a: MetricsSnapshot, b: MetricsSnapshot, name: str, cycles: int) -> float | None:
    """Of a counter of seconds: ns a cycle."""
    if name not in a.values or name not in b.values:
        return None
    return SECOND * (b.values[name] - a.values[name]) / cycles


def _used(a: MetricsSnapshot, b: MetricsSnapshot, procs: int) -> float:
    """Ps that the program keeps busy."""
    for name in (CPU, "/cpu/classes/user:cpu-seconds"):
        if name in a.values and name in b.values:
            return (b.values[name] - a.values[name]) * SECOND / (b.at - a.at)
    return _UNKNOWN_USE * procs
