"""What a fit found, in words."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.fitting.drift import drift, still_growing
from sim.fitting.fit import Fit
from sim.fitting.variation import variation
from sim.replay.program import Load
from sim.units import SECOND, format_bytes, format_duration

_UNITS: Final = (
    "assumed: the workload comes in units of allocation, since a log shows no requests: latency and"
    " throughput of its runs are not those of the service, unless --arrivals says how many come"
)


def summary(fit: Fit) -> list[str]:
    """What the program is, what that rests on, and whether its log comes out again."""
    program = fit.program
    return [
        (
            f"A {program.load.value} program on {program.procs} Ps with a live heap of"
            f" {format_bytes(_live(fit).mean())}{_growing(fit)}, which allocates"
            f" {format_bytes(program.demand * SECOND)}/s."
        ),
        f"Rests on: {fit.cycles:,} logged cycles; {len(fit.warnings)} doubts.",
        *([fit.reproduction.summary()] if fit.reproduction else []),
    ]


def identified(fit: Fit) -> str:
    """What the program is, its quantities, what was assumed, and what to doubt."""
    program, seen, measured = fit.program, fit.observed, fit.measured
    live = _live(fit)
    leak = drift(fit)
    lines = [
        *summary(fit),
        "",
        f"allocation rate: {format_bytes(program.demand * SECOND)}/s{_varying(fit)}",
        f"live heap: {format_bytes(live.mean())}, scatter {format_bytes(live.std())}",
        (
            f"drift: the live heap grew by {format_bytes(leak.growth)}"
            if leak
            else "drift: none that shows"
        ),
        *([f"large objects: about {format_bytes(program.step)} at once"] if program.step else []),
        f"marking: {format_duration(float(seen.mark_cpu[measured].mean()))} of CPU a cycle",
        f"stacks and globals: about {format_bytes(program.roots)}",
        f"spare CPU: {_spare(fit)}",
        *(f"assumed: {sentence}" for sentence in fit.assumptions),
        *([] if fit.arrivals else [_UNITS]),
    ]
    return "\n".join([*lines, *filter(None, [doubts(fit)])])


def _growing(fit: Fit) -> str:
    growth = still_growing(fit)
    if growth is None:
        return ""
    rate = format_bytes(growth.per_second)
    return f" on average, {format_bytes(growth.live)} at the end and growing by {rate}/s"


def _live(fit: Fit) -> NDArray[np.int64]:
    """Bytes that each measured cycle found alive."""
    return np.array([cycle.live for cycle in fit.program.cycles if cycle.measured])


def doubts(fit: Fit) -> str:
    """What to doubt, a line each; empty where there is nothing."""
    return "\n".join(f"doubt: {sentence}" for sentence in fit.warnings)


def _varying(fit: Fit) -> str:
    varied = variation(fit)
    if varied is None:
        return ""
    least, most = (format_bytes(rate) for rate in (min(varied.rates), max(varied.rates)))
    return f", varying from {least}/s to {most}/s over times of {format_duration(varied.every)}"


def _spare(fit: Fit) -> str:
    program = fit.program
    if program.load is Load.BUSY:
        return "none, every P is busy"
    return f"{program.idle_cpus(program.procs):.2f} of {program.procs} Ps"
