"""The rest of a fit, by simulation: the program under the log's own setting has to make the log.

What the lines do not show by themselves, shows in what they add up to. How often goroutines switch
decides when fractional workers get a P, and so how long marking takes; goroutines without credit
assist whatever the pacing; and rounding of whole MiB, spans and pauses leave small factors between
the simulated log and the real one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sim.fitting.observe import Observed
from sim.fluid.memory import Overheads
from sim.fluid.program import FluidProgram, Load
from sim.fluid.run import FluidCycle, run
from sim.fluid.setting import Setting
from sim.units import MS, US, Fraction, Nanoseconds

YIELDS: Final[tuple[Nanoseconds | None, ...]] = (None, 10 * MS, 3 * MS, MS, 300 * US)
CLOSE_ENOUGH: Final = 0.1
_ROUNDS: Final = 2
_LEAST_OWED: Final = 0.01
_SEEDS: Final = (1, 2)
_LARGEST_CORRECTION: Final = 1.25


@dataclass(frozen=True, slots=True)
class _Log:
    """What a log adds up to, per measured cycle; ns."""

    cpu: float
    """CPU-ns of marking a cycle."""
    background: Fraction
    """Share of the Ps that dedicated and fractional workers had."""
    assist: Fraction
    """Share of its time that the program assists."""
    owed: float = 1.0
    """CPU time of assists per CPU time of the program, if nobody else marked."""


def calibrate(
    program: FluidProgram, logged: Setting, seen: Observed, measured: slice
) -> FluidProgram:
    """The program with what only shows in a simulated log."""
    real = _observed(seen, measured)
    if program.load is Load.BUSY:
        return _with_switches(program, logged, real)
    return _calibrated(program, logged, real)[1]


def _with_switches(program: FluidProgram, logged: Setting, real: _Log) -> FluidProgram:
    """The slowest switching that explains how much time background workers get."""
    tried = []
    for yields_every in YIELDS:
        tried.append(_calibrated(replace(program, yields_every=yields_every), logged, real))
        if tried[-1][0] < CLOSE_ENOUGH:
            break
    return min(tried, key=lambda found: found[0])[1]


def _calibrated(program: FluidProgram, logged: Setting, real: _Log) -> tuple[float, FluidProgram]:
    """How far off the background workers stay, and the program with the rest right."""
    found = _simulated(program, logged)
    for _ in range(_ROUNDS):
        program = _corrected(program, real, found)
        found = _simulated(program, logged)
    return abs(float(np.log(found.background / real.background))), program


def _corrected(program: FluidProgram, real: _Log, found: _Log) -> FluidProgram:
    cost = float(np.clip(real.cpu / found.cpu, 1 / _LARGEST_CORRECTION, _LARGEST_CORRECTION))
    stretches = tuple(replace(s, mark_cost=s.mark_cost * cost) for s in program.stretches)
    if program.load is Load.BUSY and program.yields_every is None:
        # Few goroutines that never block: no more assists than the pacing asks for.
        return replace(program, stretches=stretches)
    if program.load is Load.WAITING:
        missing = (_odds(real.assist) - _odds(found.assist)) / found.owed
        uncovered = float(np.clip(program.uncovered + missing, 0.0, 1.0))
        return replace(program, stretches=stretches, uncovered=uncovered)
    first = float(np.clip(program.first_assists + real.assist - found.assist, 0.0, 0.9))
    return replace(program, stretches=stretches, first_assists=first)


def _odds(share: Fraction) -> float:
    """Assists per CPU time of the program."""
    return share / (1 - share)


def _observed(seen: Observed, measured: slice) -> _Log:
    assist = float(seen.assist[measured].sum())
    return _Log(
        cpu=float(seen.mark_cpu[measured].mean()),
        background=float(
            seen.background[measured].sum() / (seen.procs * seen.duration[measured].sum())
        ),
        assist=assist / (assist + float(seen.program_cpu[measured].sum())),
    )


def _simulated(program: FluidProgram, logged: Setting) -> _Log:
    runs = [run(program, logged, seed, Overheads()).cycles for seed in _SEEDS]
    cycles = [cycle for cycles in runs for cycle in cycles]
    marks = [cycle.mark for cycle in cycles]
    if not marks:
        return _Log(1.0, 1.0, 0.0)
    duration = sum(mark.duration for mark in marks)
    assist, workers = (
        sum(mark.assist for mark in marks),
        sum(mark.background + mark.idle for mark in marks),
    )
    own = max(1.0, program.procs * duration - workers - assist)
    return _Log(
        cpu=(assist + workers) / len(marks),
        background=sum(mark.background for mark in marks) / (program.procs * duration),
        assist=assist / (assist + own),
        owed=max(_LEAST_OWED, sum(_owed(cycle) for cycle in cycles) / own),
    )


def _owed(cycle: FluidCycle) -> float:
    """CPU-ns of marking owed for what was allocated meanwhile, with the heap goal as it was."""
    mark = cycle.mark
    share = (cycle.heap_end - cycle.heap_start) / max(cycle.heap_goal - cycle.heap_start, 1.0)
    return (mark.assist + mark.background + mark.idle) * max(share, 0.0)
