"""What the fluid model knows of a program: how it allocates, what stays alive, what marking costs.

Positions along a run are bytes allocated since the program started. They are the natural clock of
a collector: another GOGC moves the cycles, not the work.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from sim.replay.background_workers import worker_goal
from sim.units import MS, Bytes, Fraction, MiB, Nanoseconds

FREE_IN_CACHED: Final[Fraction] = 0.5
"""Of the spans that Ps took since the last cycle, what may be free: the last one of each kind is
half full on average, and there may be no others. Bounds what many Ps cache of a small heap."""
SMALLEST_CYCLES: Final = 10
"""One of so many cycles grows by less than what pools are taken to fill in each. A judgement; moves
intervals of programs that grow."""
_ROUNDING: Final = MiB / 2
"""Bytes that sizes in MiB hide."""


class Load(StrEnum):
    """What limits a program."""

    BUSY = "busy"
    """Its own CPU: a slower program takes longer for the same work."""
    WAITING = "waiting"
    """The load offered to it: a slower program does the same work in the same time."""


@dataclass(frozen=True, slots=True)
class ObservedCycle:
    """A piece of the run around one observed cycle."""

    start: float
    """Position, in bytes allocated, at which marking began."""
    end: float
    """Position at which the cycle ended."""
    live: float
    """Bytes reachable when marking began."""
    mark_cost: float
    """CPU-ns of marking per live byte."""
    allocation_rate: float
    """Bytes of heap per CPU-ns that the program gets while the heap is marked."""
    program_cpus: float
    """Ps that the program itself wanted while the heap was marked."""
    idle_cpus: float
    """Ps that idle workers had meanwhile: more where a program that is else busy works alone."""
    measured: bool
    """Inside the part of the run that is asked about."""
    apart: float | None = None
    """ns from the end of the mark phase before to the start of this one; None: not known."""


@dataclass(frozen=True, slots=True)
class Window:
    """A position known to lie between two others."""

    low: float
    high: float


class LargeObject(NamedTuple):
    """A single allocation: positions between which it begins, and where it ends."""

    earliest: float
    latest: float
    end: float

    def begin(self, small: Fraction) -> float:
        """What small objects take before it is known by no order of magnitude: log-uniform."""
        orders = math.log(max(self.latest - self.earliest, _ROUNDING) / _ROUNDING)
        return self.earliest + _ROUNDING * math.exp(orders * small)


@dataclass(frozen=True, slots=True)
class ObservedProgram:
    """A program as the fluid model runs it; rates are those of `procs` Ps."""

    procs: int
    load: Load
    cycles: tuple[ObservedCycle, ...]
    forced: tuple[float, ...]
    """Positions at which the program called runtime.GC."""
    begin: Window
    end: Window
    """Where the measured part starts and stops."""
    allocation_rate: float
    """Bytes per ns of the whole program between mark phases."""
    demand: float
    """Bytes per ns that the offered load asks for on average (a waiting program)."""
    demanded_cpus: float
    """Ps that this demand keeps busy."""
    background_share: Fraction
    """Share of the Ps that dedicated and fractional workers had while marking."""
    roots: Bytes
    """Stacks and globals."""
    pauses: tuple[Nanoseconds, ...]
    pause_per_cycle: float
    """Mean ns in which the world is stopped, a cycle."""
    span_overhead: Fraction
    """Bytes of heap that hold no object, per byte of heap: tails, headers and bitmaps of spans."""
    cached: Bytes = 0
    """Free slots in the caches of a P, which count as allocated in every cycle anew."""
    large: tuple[LargeObject, ...] = ()
    """In order. Whatever the trigger, the heap grows by all of them at once."""
    rate_elsewhere: float = 0.0
    """Bytes per CPU-ns while the heap is marked, at least, in cycles that no large object began.

    Where large objects begin the cycles of a log, it shows what is allocated right after them,
    next to nothing perhaps, and nothing of such cycles. On average a program allocates as it does
    over all."""
    marking_cpus: float = 0.0
    """Ps that a waiting program would use on average while the heap is marked, if all were idle."""
    piece: Nanoseconds = MS
    """CPU time of a piece of the load that a waiting program waits for, such as a request."""
    first_assists: Fraction = 0.0
    """Share of its time while marking that a busy program spends in first assists.

    Every goroutine enters a cycle without credit, and owes 64 KiB of scan work when it first
    allocates (runtime/mgcmark.go: gcAssistAlloc); programs of many short goroutines pay it often.
    """
    pacer: str = "go1.27"
    """Name of the pacer of the Go version that it runs on."""
    starts_full: bool = False
    """Its first cycle was not the first of its process: the heap was there before."""
    repeats_from: float | None = None
    """Position from which on the program goes round again after its last cycle; None: it ends."""
    yields_every: Nanoseconds | None = None
    """Mean time between voluntary switches of a P; None: it is only ever preempted."""

    @property
    def step(self) -> Bytes:
        """Size of large objects on average; 0: there are none."""
        sizes = [one.end - one.begin(0.5) for one in self.large]
        return round(sum(sizes) / len(sizes)) if sizes else 0

    def whole(self, position: float, small: Fraction) -> float:
        """Where the object ends in the midst of which a position lies; else the position."""
        round_trips = 0.0
        if self.repeats_from is not None and position > self.cycles[-1].end:
            span = self.cycles[-1].end - self.repeats_from
            round_trips = (position - self.repeats_from) // span * span
        at = position - round_trips
        found = bisect_left(self.large, at, key=lambda one: one.end)
        if found == len(self.large) or self.large[found].begin(small) >= at:
            return position
        return self.large[found].end + round_trips

    def with_pools(self, share: Fraction) -> ObservedProgram:
        """The same log, of a program that allocates so much more of each cycle anew in every cycle.

        Of one of the smallest cycles: nearly all have as much.
        """
        grown = sorted(after.end - one.end for one, after in pairwise(self.cycles))
        if not grown:
            return self
        anew = round(share * grown[len(grown) // SMALLEST_CYCLES] / self.procs)
        cached = max(0, self.cached + anew)
        of_all = (cached - self.cached) * self.procs * len(grown) / sum(grown, 0.0)
        return replace(self.with_work(1 - of_all), cached=cached)

    def with_work(self, factor: float) -> ObservedProgram:
        """The same program, allocating so many times as much for the same work."""
        return replace(
            self,
            cycles=tuple(
                replace(s, start=s.start * factor, end=s.end * factor) for s in self.cycles
            ),
            forced=tuple(at * factor for at in self.forced),
            large=tuple(LargeObject(*(at * factor for at in one)) for one in self.large),
            repeats_from=None if self.repeats_from is None else self.repeats_from * factor,
            begin=Window(self.begin.low * factor, self.begin.high * factor),
            end=Window(self.end.low * factor, self.end.high * factor),
            demand=self.demand * factor,
            allocation_rate=self.allocation_rate * factor,
        )

    def idle_cpus(self, procs: int) -> float:
        """Ps that have nothing to do between mark phases."""
        return 0.0 if self.load is Load.BUSY else max(0.0, procs - self.demanded_cpus)

    def background_cpus(self, procs: int) -> float:
        """Ps that dedicated and fractional workers have, on average, while marking."""
        return procs * self.background_share * worker_goal(procs) / worker_goal(self.procs)
