"""Programs that fit a log about as well: the uncertainty of a fit, to be carried along."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from sim.fitting.fit import Fit
from sim.fitting.load import queues
from sim.fitting.non_heap import chance_of_bitmaps, smallness, with_bitmaps
from sim.fitting.observe import Floats
from sim.fitting.phases import FEW_CYCLES
from sim.fitting.resident import bounded, ends, program_at
from sim.replay.memory import Overheads
from sim.replay.program import Load, ObservedCycle, ObservedProgram, Window
from sim.units import Fraction, MiB

MARK_COST_SPREAD: Final[Fraction] = 0.25
"""Standard deviation of the logarithm, beyond scatter, of the CPU time that the same marking takes
elsewhere: from run to run, from one setting to another, by neighbours on the machine, caches, and
who marks. Chosen by how predictions of the recorded programs scatter over settings (in sample,
docs/whatif.md); widens intervals of GC CPU and moves no middle."""
RATE_SPREAD: Final[Fraction] = 0.20
"""The same for how fast the program allocates while the heap is marked. Chosen likewise; widens
intervals of assists and of the peak."""
LIVE_SPREAD: Final[Fraction] = 0.08
"""The same for the live heap under other settings. Chosen likewise; widens all intervals."""
WORK_SPREAD: Final[Fraction] = 0.06
"""The same for what a program allocates in all. Chosen likewise; widens intervals of cycles and GC
CPU."""
POOLED_SPREAD: Final[Fraction] = 0.08
"""Of what is allocated in a cycle, what comes with the cycle and not with the work, beyond the free
slots that Ps cache: pools do, which every cycle empties (sync.Pool). Where no second log tells.
Chosen by 17 recorded programs, of which half are within 5 % and one has 37 % (in sample); widens
intervals of cycles at another GOGC."""
SPAN_OVERHEAD_SPREAD: Final[Fraction] = 0.01
"""Of the share of a heap that spans need beside objects, absolute. Chosen as half of the range of
heaps of small objects (`SPAN_OVERHEAD`); widens intervals of memory."""
FIXED_SPREAD: Final = 3 * MiB
"""Bytes; of the memory beside the heap that does not grow with it, where nobody measured it. A
judgement; widens intervals of RSS of small heaps."""
OVERHEAD_SHARE_SPREAD: Final[Fraction] = 0.03
"""Of the memory beside the heap, relative to the heap, where nobody measured it. A judgement;
widens intervals of RSS of large heaps."""
FRAGMENTED_SPREAD: Final[Fraction] = 0.15
"""The same, only ever more, of a busy program of small objects whose live heap scatters as much as
it is: slots that one phase left free in its spans do not fit the objects of the next one. Chosen by
two recorded programs: gofmt had 9 % of its heap so under a limit and hugo 20 % (in sample); widens
intervals under a limit."""
RESIDENT_SPREAD: Final[Fraction] = 0.03
"""Of resident memory from one run to the next, relative, the heap being the same. A judgement;
widens intervals of RSS."""
FEWEST_BATCHES: Final = 6
"""Batches of as many cycles each, from which on their scatter says something. A judgement, the
square root of 36 cycles; fewer takes chance for phases."""
_ROUNDING: Final = 0.29 * MiB
"""Standard deviation of a figure that is rounded to MiB, bytes: that of a uniform distribution, 1 /
sqrt(12)."""


@dataclass(frozen=True, slots=True)
class Spreads:
    """Standard deviations of the logarithms of what a fit found."""

    mark_cost: float
    rate: float
    live: float
    work: float


def spreads(fit: Fit) -> Spreads:
    """How far a program may be from its fit: few cycles widen it, more logs narrow it."""
    seen, measured = fit.observed, fit.measured
    live, grown = seen.live[measured], seen.allocated[measured]
    cost = seen.mark_cpu[measured] / live
    logs = math.sqrt(fit.logs)
    moves = _of_part(live) if queues(fit) and _holds(fit) else _of_mean(live)
    return Spreads(
        mark_cost=math.hypot(MARK_COST_SPREAD, _of_mean(cost), fit.unsure_cost) / logs,
        rate=RATE_SPREAD,
        live=math.hypot(LIVE_SPREAD, moves, _ROUNDING / float(live.mean()), fit.unsure_live) / logs,
        work=math.hypot(WORK_SPREAD, _of_mean(grown), _ROUNDING / float(grown.mean())) / logs,
    )


def _of_mean(values: Floats) -> float:
    """Standard error of a mean, relative to it, of values that follow each other.

    Cycles of one phase of a program are alike, so that a log has fewer independent ones than
    cycles: batch means (Law, Simulation Modeling and Analysis, 9.5.3) about a line, since growth
    is no scatter.
    """
    mean = max(float(values.mean()), 1e-9)
    alone = float(values.std()) / math.sqrt(len(values))
    count = math.isqrt(len(values))
    if count < FEWEST_BATCHES:
        return alone / mean
    places = np.arange(len(values))
    level = values - np.polyval(np.polyfit(places, values, 1), places)
    batches = np.array([float(batch.mean()) for batch in np.array_split(level, count)])
    return max(alone, float(batches.std(ddof=1)) / math.sqrt(count)) / mean


def _holds(fit: Fit) -> bool:
    """There is a steady part, long enough to tell it from growth."""
    return fit.course.holds and fit.cycles - fit.course.starting >= FEW_CYCLES


def _of_part(values: Floats) -> float:
    """Standard deviation of the parts of a log, relative to all, of which any may be another run.

    What queues near overload comes and stays for long: a run is one part of such a course.
    """
    parts = np.array_split(values, min(len(values), max(2, math.isqrt(len(values)))))
    means = np.array([float(part.mean()) for part in parts])
    return float(means.std(ddof=1) / max(float(values.mean()), 1e-9)) if len(means) > 1 else 0.0


class Possible(NamedTuple):
    """One program that would have left such a log, and its memory beside the heap."""

    program: ObservedProgram
    overheads: Overheads


def likeliest(fit: Fit, count: int, rng: np.random.Generator) -> list[Possible]:
    """The program as fitted, with its possible ends."""
    overheads = bounded(fit.overheads, fit.last, fit.resident)
    return [_ended(fit, fit.program, overheads, end) for end in _ends(fit, count, rng)]


def draw(fit: Fit, count: int, rng: np.random.Generator) -> list[Possible]:
    """Programs that the log leaves possible, spread evenly over the uncertainty of the fit."""
    spread = spreads(fit)
    factors = {
        field.name: [math.exp(getattr(spread, field.name) * z) for z in _normal(count, rng)]
        for field in fields(Spreads)
    }
    in_spans = [SPAN_OVERHEAD_SPREAD * z for z in _normal(count, rng)]
    beside = [_normal(count, rng) for _ in range(5)]
    pooled = [POOLED_SPREAD * z if fit.logs == 1 else 0.0 for z in _normal(count, rng)]
    return [
        _ended(
            fit,
            _program(
                fit.program.with_pools(pooled[k]),
                Spreads(**{name: f[k] for name, f in factors.items()}),
                more,
            ),
            _overheads(fit, *(z[k] for z in beside)),
            end,
        )
        for k, (more, end) in enumerate(zip(in_spans, _ends(fit, count, rng), strict=True))
    ]


def _ends(fit: Fit, count: int, rng: np.random.Generator) -> list[Fraction]:
    overheads = bounded(fit.overheads, fit.last, fit.resident)
    return ends(count, fit.last, overheads, fit.resident, fit.program_spread, rng)


def _ended(fit: Fit, program: ObservedProgram, overheads: Overheads, end: Fraction) -> Possible:
    """The program with that end, and its own memory as what was seen leaves it."""
    at = program.end.low + end * (program.end.high - program.end.low)
    if fit.resident is not None:
        own = program_at(end, fit.last, overheads, fit.resident)
        overheads = replace(overheads, program=own)
    return Possible(replace(program, end=Window(at, at)), overheads)


def _overheads(
    fit: Fit, fixed: float, share: float, program: float, resident: float, version: float
) -> Overheads:
    """So many standard deviations from what is likely, where nobody measured it."""
    found = fit.overheads
    found = replace(found, program=round(found.program * math.exp(fit.program_spread * program)))
    if not found.measured:
        more = OVERHEAD_SHARE_SPREAD * share + fragmented(fit) * abs(share)
        found = replace(
            found,
            fixed=max(found.untouched, round(found.fixed + FIXED_SPREAD * fixed)),
            share=max(0.0, found.share + more),
        )
        if NormalDist().cdf(version) < chance_of_bitmaps(fit.go) < 1:
            found = with_bitmaps(found)
    return replace(bounded(found, fit.last, fit.resident), run=math.exp(RESIDENT_SPREAD * resident))


def fragmented(fit: Fit) -> Fraction:
    """Standard deviation of what phases leave free in spans; a service goes through none."""
    if fit.program.load is Load.WAITING:
        return 0.0
    live = fit.observed.live[fit.measured]
    moved = min(1.0, float(live.std() / live.mean()))
    return FRAGMENTED_SPREAD * moved * smallness(fit.observed.mark_cost)


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
