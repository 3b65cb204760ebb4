"""A program that does not change repeats its cycles: of very many, some are simulated."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any, Final, NamedTuple

from sim.engine.clock import Clock
from sim.fluid.flow import Flow
from sim.fluid.footprint import Footprint
from sim.fluid.slots import SlotAccounts
from sim.record.facts import Cycle, Pause
from sim.runtime.state import GC, Process, Settings
from sim.units import format_duration

BLOCK: Final = 1000
"""Cycles that are repeated; twice as many are simulated before. Chosen so that means are known to
a percent where cycles scatter by 20 %; more of them cost more, and move means by less."""
SAME: Final = 1 / 50
"""Share by which a block may be longer than the one before: three deviations of chance, where
cycles scatter by 20 %."""
SAME_MEMORY: Final = 1 / 1000
"""Share of the memory from the OS that may be returned to it in one block after the other. A
judgement: what is on its way to a level moves on."""
DRIFT: Final = 1e-4
"""Of the visits of a block, those by which more may wait at its end. A judgement; more hides that a
program falls behind."""
CLOSE: Final = 2
"""ns by which steps may miss the begin of a period: rounding errors."""
ENOUGH: Final = 3
"""Blocks; the first may have the start of the program in it."""
BATCHES: Final = 20
T_95: Final = 2.093
"""Of Student's distribution with 19 degrees of freedom: 95 % of it are within."""
CYCLE_TIMES: Final = ("start_ns", "mark_ns", "mark_term_ns", "end_ns")


class State(NamedTuple):
    """Counters, and what has to be as it was, at the end of a cycle."""

    now: int
    cycles: int
    forced: int
    cpu: dict[str, float]
    idle_ns: float
    freed: list[float]
    scavenged: tuple[float, float]
    backlog: float
    mapped: float
    released: float
    overflow: int
    """CPU-ns of collecting beyond what the limiter allows."""


class Repetition:
    """Once blocks of cycles are alike, the last of them is repeated as often as there is time.

    That is when all loads go on for ever at one rate, or at rates that come again, stores are full,
    nothing leaks, as many requests wait as before, and memory stays what it is: cycles are then a
    stationary sequence, or one of which whole periods are, and their means over a block are those
    over any time, but for chance. Rows of repeated cycles are those of the block at later times;
    counters move by as much as in the block. Blocks of loads that change last whole periods.
    """

    def __init__(
        self,
        clock: Clock,
        emit: Callable[[Any], None],
        gc: GC,
        settings: Settings,
        flow: Flow,
        footprint: Footprint,
        slots: SlotAccounts,
    ) -> None:
        self._clock, self._emit, self._gc, self._settings = clock, emit, gc, settings
        self._flow, self._footprint, self._slots = flow, footprint, slots
        self._facts: list[Cycle | Pause] = []
        self._blocks: list[State] = []
        """At the ends of the last blocks."""
        self.on = True
        """Whether the run is so long for its cycles that some may be repeated. Written by the
        build, where a run decides by what was simulated when it ends."""
        self._begun: int | None = None
        """When it began to repeat cycles."""
        self.remark = ""
        """What was repeated, in words."""

    def note(self, fact: Cycle | Pause) -> None:
        """A cycle has ended."""
        if self.on:
            self._facts.append(fact)

    @property
    def begins(self) -> float:
        """ns after which cycles are repeated, by what was seen until now; inf: never."""
        if self._begun is not None:
            return self._begun
        now, settled = self._clock.now, min([1.0, *self._levels()])
        if not (self.on and self._gc.cycles and settled and math.isfinite(self._period)):
            return math.inf
        blocks = BLOCK / self._gc.cycles * now
        if self._period:
            blocks = math.ceil(blocks / self._period) * self._period
        return max(ENOUGH * blocks, now / settled)

    def run(self, sample: Callable[[], None]) -> Process[None]:
        """Between cycles: repeat as many as there is time for, if they are alike."""
        if len(self._facts) < BLOCK * 3 or not self._between_periods():  # a cycle has two pauses
            return
        facts, self._facts = self._facts, []
        self._blocks = [*self._blocks[1 - ENOUGH :], self._state()]
        if not self._alike():
            return
        before, now = self._blocks[-2:]
        length = self._length
        times = (self._settings.duration - now.now) // length
        if times > 0:
            self.on, self._begun = False, now.now
            self._say(facts, times)
        for k in range(1, times + 1):
            self._gc.last_end += length
            self._gc.limiter.last_update += length
            yield self._clock.timeout(length)
            self._count(before, now)
            for fact in facts:
                self._emit(self._later(fact, k))
            sample()

    # -- whether cycles are alike ------------------------------------------------------------

    def _state(self) -> State:
        flow, gc, footprint = self._flow, self._gc, self._footprint
        flow.settle_all()
        return State(
            now=int(self._clock.now),
            cycles=gc.cycles,
            forced=gc.forced,
            cpu=dict(gc.cpu),
            idle_ns=flow.idle_ns,
            freed=list(self._slots.freed_by_mix),
            scavenged=(footprint.assist_ns, footprint.background_ns),
            backlog=sum(source.backlog for source in flow.sources),
            mapped=footprint.mapped,
            released=footprint.released,
            overflow=gc.limiter.overflow,
        )

    @property
    def _period(self) -> float:
        """ns after which the rates of all loads come again; 0: they never change; inf: for good."""
        periods = [source.period for source in self._flow.sources if source.period]
        if math.inf in periods:
            return math.inf
        return float(math.lcm(*map(int, periods))) if periods else 0.0

    def _between_periods(self) -> bool:
        """Whether a period of the load begins now; always where none is known."""
        period = self._period
        if not (period and math.isfinite(period)):
            return True
        begin = next(source.begin for source in self._flow.sources if source.period)
        return (self._clock.now - begin + CLOSE) % period <= 2 * CLOSE

    @property
    def _length(self) -> int:
        """ns of the last block."""
        length, period = self._blocks[-1].now - self._blocks[-2].now, self._period
        return round(round(length / period) * period) if period else length

    def _levels(self) -> list[float]:
        """How far those that change are on the way to a level."""
        uses = [use for source in self._flow.sources for use in source.visit.uses]
        filled = [use.holder for use in uses if use.slots and use.holder is not None]
        return [one.settled for one in self._flow.retained if one.fades or one in filled]

    def _alike(self) -> bool:
        if len(self._blocks) < ENOUGH or math.isinf(self._period):
            return False
        before, then, now = self._blocks
        length, moves = now.now - then.now, SAME_MEMORY * now.mapped
        visits = sum(source.speed for source in self._flow.sources) * length
        rates = [(b.cycles - a.cycles) / (b.now - a.now) for a, b in pairwise(self._blocks)]
        return (
            min(self._levels(), default=1.0) >= 1
            and abs(rates[0] / rates[1] - 1) < SAME
            and now.backlog - then.backlog <= max(DRIFT * visits, 1.0)
            and now.mapped == then.mapped
            and not moves_on(before.released, then.released, now.released, moves)
            and now.overflow == then.overflow
        )

    # -- repeating ---------------------------------------------------------------------------

    def _count(self, before: State, now: State) -> None:
        """Counters move by as much as in the block."""
        gc, footprint = self._gc, self._footprint
        gc.cycles += now.cycles - before.cycles
        gc.forced += now.forced - before.forced
        gc.limiter.cycles = gc.cycles
        for kind, ns in now.cpu.items():
            gc.cpu[kind] += ns - before.cpu[kind]
        self._flow.idle_ns += now.idle_ns - before.idle_ns
        self._slots.repeat([b - a for a, b in zip(before.freed, now.freed, strict=True)])
        (assist, background), (assisted, in_background) = before.scavenged, now.scavenged
        footprint.assist_ns += assisted - assist
        footprint.background_ns += in_background - background

    def _later(self, fact: Cycle | Pause, times: int) -> Cycle | Pause:
        """The same, so many blocks later."""
        before, now = self._blocks[1:]
        elapsed, cycles = self._length * times, (now.cycles - before.cycles) * times
        if isinstance(fact, Pause):
            return fact._replace(at_ns=fact.at_ns + elapsed, cycle=fact.cycle + cycles)
        values: list[Any] = list(fact)
        for column in TIME_COLUMNS:
            values[column] += elapsed
        values[NUMBER_COLUMN] += cycles
        ps = self._settings.gomaxprocs
        busy = (_busy(now.cpu) - _busy(before.cpu)) * times
        busy += fact.gc_cpu_fraction * fact.end_ns * ps
        values[FRACTION_COLUMN] = busy / ((fact.end_ns + elapsed) * ps)
        return Cycle._make(values)

    def _say(self, facts: list[Cycle | Pause], times: int) -> None:
        before, now = self._blocks[1:]
        of_gc = _half_width([fact for fact in facts if isinstance(fact, Cycle)], before.now)
        period = round(self._period)
        but = f" but the load, each {format_duration(period)}" if period else ""
        self.remark = (
            f"from {format_duration(now.now)} on the cycles are those from"
            f" {format_duration(before.now)} on, {times:,} times again, as nothing changes{but}:"
            f" GC CPU is known to {of_gc:.1%}, and no peak is larger than in these"
            f" {now.cycles - before.cycles:,} cycles"
        )


TIME_COLUMNS: Final = [Cycle._fields.index(name) for name in CYCLE_TIMES]
NUMBER_COLUMN: Final = Cycle._fields.index("number")
FRACTION_COLUMN: Final = Cycle._fields.index("gc_cpu_fraction")


def moves_on(first: float, second: float, third: float, negligible: float) -> bool:
    """Whether figures of three blocks rise, or fall, from each to the next by more than that."""
    steps = (second - first, third - second)
    return min(steps) > negligible or max(steps) < -negligible


def _busy(cpu: dict[str, float]) -> float:
    return math.fsum(ns for kind, ns in cpu.items() if kind != "idle")


def _half_width(cycles: list[Cycle], begin: int) -> float:
    """Of the 95 % interval of GC CPU, relative to it: batch means (Law and Carson 1979)."""
    size = len(cycles) // BATCHES
    ends = [begin, *(cycles[(i + 1) * size - 1].end_ns for i in range(BATCHES))]
    gc_ns = [
        cycle.dedicated_ns + cycle.fractional_ns + cycle.assist_ns + cycle.stw_cpu_ns
        for cycle in cycles
    ]
    shares = [
        sum(gc_ns[i * size : (i + 1) * size]) / (after - before)
        for i, (before, after) in enumerate(pairwise(ends))
    ]
    return T_95 * stdev(shares) / math.sqrt(BATCHES) / max(fmean(shares), 1e-12)
