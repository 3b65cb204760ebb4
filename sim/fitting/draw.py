"""Programs that fit a log about as well: the uncertainty of a fit, to be carried along."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from sim.fitting.change import change_midway
from sim.fitting.gctrace_fit import Fit
from sim.fitting.observe import Floats
from sim.replay.memory import Overheads
from sim.replay.program import ObservedCycle, ObservedProgram
from sim.units import Fraction, MiB

MARK_COST_SPREAD: Final[Fraction] = 0.20
"""Standard deviation, beyond scatter, of the CPU time that the same marking takes elsewhere.

From run to run, and from one setting to another: neighbours on the machine, caches, who marks.
"""
RATE_SPREAD: Final[Fraction] = 0.20
"""The same for how fast the program allocates while the heap is marked."""
LIVE_SPREAD: Final[Fraction] = 0.07
WORK_SPREAD: Final[Fraction] = 0.06
SPAN_OVERHEAD_SPREAD: Final[Fraction] = 0.01
OVERHEAD_SHARE_SPREAD: Final[Fraction] = 0.03
"""Of the memory beside the heap, relative to the heap, where nobody measured it."""
PROGRAM_SPREAD: Final[Fraction] = 0.5
"""Of the logarithm of what is resident and unknown to the Go runtime."""
_ROUNDING: Final = 0.29 * MiB  # standard deviation of a figure that is rounded to MiB


@dataclass(frozen=True, slots=True)
class Spreads:
    """Standard deviations of the logarithms of what a fit found."""

    mark_cost: float
    rate: float
    live: float
    work: float


def spreads(fit: Fit) -> Spreads:
    """How far a program may be from its fit: few cycles, tiny heaps and changes widen it."""
    seen, measured = fit.observed, fit.measured
    live, grown = seen.live[measured], seen.allocated[measured]
    cost = seen.mark_cpu[measured] / live
    change = change_midway(fit)
    return Spreads(
        mark_cost=math.hypot(MARK_COST_SPREAD, _of_mean(cost)),
        rate=RATE_SPREAD,
        live=math.hypot(LIVE_SPREAD, _of_mean(live), _ROUNDING / float(live.mean()), change.live),
        work=math.hypot(WORK_SPREAD, _of_mean(grown), _ROUNDING / float(grown.mean()), change.rate),
    )


def _of_mean(values: Floats) -> float:
    return float(values.std() / max(float(values.mean()), 1e-9) / math.sqrt(len(values)))


class Possible(NamedTuple):
    """One program that would have left such a log, and its memory beside the heap."""

    program: ObservedProgram
    overheads: Overheads


def draw(fit: Fit, count: int, rng: np.random.Generator) -> list[Possible]:
    """Programs that the log leaves possible, spread evenly over the uncertainty of the fit."""
    spread = spreads(fit)
    factors = {
        field.name: [math.exp(getattr(spread, field.name) * z) for z in _normal(count, rng)]
        for field in fields(Spreads)
    }
    in_spans = [SPAN_OVERHEAD_SPREAD * z for z in _normal(count, rng)]
    beside = [OVERHEAD_SHARE_SPREAD * z for z in _normal(count, rng)]
    code = [math.exp(PROGRAM_SPREAD * z) for z in _normal(count, rng)]
    return [
        Possible(
            _program(
                fit.program,
                Spreads(**{name: values[k] for name, values in factors.items()}),
                in_spans[k],
            ),
            _overheads(fit.overheads, beside[k], code[k]),
        )
        for k in range(count)
    ]


def _overheads(found: Overheads, more: float, code: float) -> Overheads:
    """Another program, and another share of the heap, unless that was measured."""
    found = replace(found, program=round(found.program * code))
    return found if found.measured else replace(found, share=max(0.0, found.share + more))


def _normal(count: int, rng: np.random.Generator) -> list[float]:
    """Standard normal values at even steps of probability, shuffled."""
    normal = NormalDist()
    values = [normal.inv_cdf((k + 0.5) / count) for k in range(count)]
    rng.shuffle(values)
    return values


def _program(program: ObservedProgram, factor: Spreads, overhead: float) -> ObservedProgram:
    scaled = program.with_work(factor.work)
    return replace(
        scaled,
        cycles=tuple(_cycle(cycle, factor) for cycle in scaled.cycles),
        span_overhead=max(0.0, program.span_overhead + overhead),
    )


def _cycle(cycle: ObservedCycle, factor: Spreads) -> ObservedCycle:
    return replace(
        cycle,
        live=cycle.live * factor.live,
        mark_cost=cycle.mark_cost * factor.mark_cost,
        allocation_rate=cycle.allocation_rate * factor.rate,
    )
