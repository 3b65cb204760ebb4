"""The idealised scenarios of Go's own tests of its pacer, for any pacer.

Source: runtime/mgcpacer_test.go, TestGcPacer: names, rates and lengths. Those with a memory limit
are left out: pacers before Go 1.19 know none. Random numbers are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.go.pacer import Pacer
from sim.scorecard.ideal import CycleSeen, IdealProgram, run_programs
from sim.streams import Streams
from sim.units import MAX_INT64, MS, Bytes, Fraction, KiB, MiB

FIRST_HEAP: Final[Bytes] = 256 * KiB
SETTLED: Final = 25
"""Cycles after which Go's tests ask for a steady state; scores are of the cycles from there on."""

Signal = NDArray[np.float64]
"""A value per cycle."""


@dataclass(frozen=True)
class PacerScenario:
    """A program whose rates change from cycle to cycle; in KiB per CPU millisecond, as in Go."""

    name: str
    allocates: Callable[[int], Signal]
    growth: Callable[[int], Signal]
    """Of the live heap, from one cycle to the next."""
    scans: float = 1024.0
    scannable: Callable[[int], Signal] = lambda n: np.full(n, 1.0)
    stacks: Callable[[int], Signal] = lambda n: np.full(n, 8192.0)
    globals_scan: Bytes = 32 * KiB
    gc_percent: int = 100
    length: int = 50

    def programs(self) -> Iterator[IdealProgram]:
        """The program as it is in each cycle."""
        n, live = self.length, float(FIRST_HEAP)
        base = IdealProgram(scans=self.scans * KiB / MS, globals_scan=self.globals_scan)
        signals = (self.allocates(n), self.growth(n), self.scannable(n), self.stacks(n))
        for cycle, (allocates, growth, scannable, stacks) in enumerate(zip(*signals, strict=True)):
            live *= growth if cycle else 1.0
            yield replace(
                base,
                allocates=allocates * KiB / MS,
                live=int(live),
                scannable=float(np.clip(scannable, 0, 1)),
                stacks=int(stacks) // 2048 * 2048,
            )

    def run(self, pacer: Pacer) -> list[CycleSeen]:
        """The cycles of a fresh pacer."""
        pacer.configure(self.gc_percent, MAX_INT64, self.globals_scan)
        return list(run_programs(self.programs(), pacer))


class Score(NamedTuple):
    """What a pacer made of a scenario, over the cycles in which it should have settled."""

    overshoot: Fraction
    """Mean of heap_live at the end of marking beyond the goal, relative to the goal."""
    utilization: Fraction
    """GC share of the CPUs while marking; the aim is a quarter."""
    assists: Fraction
    """Part of it by assists."""
    cost: float
    """GC CPU time in ns per KiB that was allocated."""
    swing: Fraction
    """Mean change of the trigger from cycle to cycle, relative to its mean."""


def score(cycles: list[CycleSeen], gomaxprocs: int) -> Score:
    """Scores of a run of a scenario."""
    seen = cycles[SETTLED:]
    over = [max(cycle.goal_ratio - 1, 0.0) for cycle in seen]
    triggers = np.array([cycle.trigger for cycle in seen], dtype=float)
    cpu = sum(cycle.mark * cycle.utilization * gomaxprocs for cycle in seen)
    before = [cycle.marked for cycle in cycles[SETTLED - 1 : -1]]
    allocated = sum(cycle.heap_end - marked for cycle, marked in zip(seen, before, strict=True))
    return Score(
        float(np.mean(over)),
        float(np.mean([cycle.utilization for cycle in seen])),
        float(np.mean([cycle.assists for cycle in seen])),
        cpu / (allocated / KiB),
        float(np.mean(np.abs(np.diff(triggers))) / triggers.mean()),
    )


def constant(value: float) -> Callable[[int], Signal]:
    """The same in every cycle."""
    return lambda n: np.full(n, value)


def step(before: float, after: float) -> Callable[[int], Signal]:
    """Another value from the middle of the run on."""
    return lambda n: np.where(np.arange(n) < n // 2, before, after)


def jitter(value: float, amplitude: float, name: str) -> Callable[[int], Signal]:
    """Evenly distributed around a value."""
    return lambda n: value + amplitude * Streams(1)[name].uniform(-1, 1, n)


def oscillating(value: float, amplitude: float, period: int) -> Callable[[int], Signal]:
    """A sine."""
    return lambda n: value + amplitude * np.sin(2 * np.pi * np.arange(n) / period)


def settling(first: float, cycles: int) -> Callable[[int], Signal]:
    """Growth that falls to none within so many cycles."""
    return lambda n: first - (first - 1) * np.minimum(np.arange(n) / cycles, 1.0)


def ramp(value: float, by: float, cycles: int) -> Callable[[int], Signal]:
    """A rise within so many cycles."""
    return lambda n: value + by * np.minimum(np.arange(n) / cycles, 1.0)


def jump(first: float, cycles: int, at: int, by: float) -> Callable[[int], Signal]:
    """Growth that falls to none, and once more grows in a single cycle."""
    return lambda n: settling(first, cycles)(n) + by * (np.arange(n) == at)


_DOUBLING: Final = settling(2.0, 12)
SCENARIOS: Final = (
    PacerScenario("Steady", constant(33), _DOUBLING),
    PacerScenario("SteadyBigStacks", constant(132), _DOUBLING, stacks=ramp(2048, 128 * MiB, 8)),
    PacerScenario("SteadyBigGlobals", constant(132), _DOUBLING, globals_scan=128 * MiB),
    PacerScenario("StepAlloc", step(33, 99), _DOUBLING, length=100),
    PacerScenario("HeavyStepAlloc", step(33, 363), _DOUBLING, length=100),
    PacerScenario(
        "StepScannableFrac", constant(128), _DOUBLING, scannable=step(0.2, 0.7), length=100
    ),
    PacerScenario("HighGOGC", jitter(165, 7, "high"), jump(2.0, 12, 25, 14), gc_percent=1500),
    PacerScenario("OscAlloc", oscillating(67, 13, 8), _DOUBLING),
    PacerScenario("JitterAlloc", jitter(132, 13, "jitter"), _DOUBLING),
    PacerScenario("HeavyJitterAlloc", jitter(330, 33, "heavy"), _DOUBLING),
    PacerScenario("SmallHeapSlowAlloc", constant(1), settling(2.0, 3), 2048.0, constant(0.01)),
    PacerScenario("MediumHeapSlowAlloc", constant(1), settling(2.0, 8), 2048.0, constant(0.01)),
    PacerScenario("LargeHeapSlowAlloc", constant(1), settling(4.0, 12), 2048.0, constant(0.01)),
)
