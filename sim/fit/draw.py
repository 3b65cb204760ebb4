"""Programs that fit a log about as well: the uncertainty of a fit, to be carried along."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import Final

import numpy as np

from sim.fit.gctrace_fit import Fit
from sim.fluid.program import FluidProgram

MARK_COST_SPREAD: Final = 0.06
"""Standard deviation of the CPU time for the same marking, from run to run of one program.

Repeated runs in the recorded set differ in GC CPU by 7 % in the median: neighbours on the machine,
and how memory came to lie.
"""
SPAN_OVERHEAD_SPREAD: Final = 0.008


def draws(fit: Fit, count: int, rng: np.random.Generator) -> list[FluidProgram]:
    """Programs that the log leaves possible, spread evenly over the uncertainty of the fit."""
    costs = [s.mark_cost for s in fit.program.stretches if s.measured]
    scatter = float(np.std(costs) / np.mean(costs) / np.sqrt(len(costs)))
    spread = math.hypot(MARK_COST_SPREAD, scatter)
    return [
        _program(fit.program, math.exp(spread * cost), SPAN_OVERHEAD_SPREAD * overhead)
        for cost, overhead in zip(_spread(count, rng), _spread(count, rng), strict=True)
    ]


def _spread(count: int, rng: np.random.Generator) -> list[float]:
    """Standard normal values at even steps of probability, shuffled."""
    normal = NormalDist()
    values = [normal.inv_cdf((k + 0.5) / count) for k in range(count)]
    rng.shuffle(values)
    return values


def _program(program: FluidProgram, cost: float, overhead: float) -> FluidProgram:
    return replace(
        program,
        stretches=tuple(replace(s, mark_cost=s.mark_cost * cost) for s in program.stretches),
        span_overhead=max(0.0, program.span_overhead + overhead),
    )
