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

from sim.fitting.observe import Floats, Observed
from sim.replay.memory import Overheads
from sim.replay.program import Load, ObservedProgram
from sim.replay.run import ReplayedCycle, run
from sim.replay.setting import Setting
from sim.units import MS, US, Fraction, MiB, Nanoseconds

YIELDS: Final[tuple[Nanoseconds | None, ...]] = (
    None,
    10 * MS,
    3 * MS,
    MS,
    300 * US,
    100 * US,
    30 * US,
)
"""How often goroutines are tried to give up their P, ns; None: only when they end. Chosen from a
time slice down to short requests, three a decade; a step too coarse moves GC CPU between assists
and background workers."""
CLOSE_ENOUGH: Final = 0.1
"""Misfit (see `_error`) that is not worth another try. A judgement, in the order of what CPU times
of repetitions differ by; larger leaves GC CPU as far from the log."""
_WORSE: Final = 2
"""So often in a row, faster switching may explain less before it is given up. Chosen as the least
that one chance result does not end; larger costs time of fitting only."""
_ROUNDS: Final = 2
"""Corrections of mark cost and growth, each followed by a run. A judgement: the second corrects
what the first has moved; one leaves GC CPU uncorrected."""
_PIECES: Final[tuple[Nanoseconds, Nanoseconds]] = (10 * US, 30 * MS)
"""Shortest and longest computation in one go that is looked for, ns: a system call, three time
slices. Bounds of a search; they move assists."""
_HALVINGS: Final = 6
"""Of the logarithm between the bounds: a factor of 1.13 is left. A judgement; fewer moves the share
of assists."""
_SEEDS: Final = (1, 2)
"""Seeds of the runs that a fit is corrected by. Chosen as the least of which one can differ; more
costs time of fitting in proportion."""
_MANY_CYCLES: Final = 200
"""Cycles; one run of so many says as much as several. Chosen so that the mean over cycles that
differ by a quarter is known to 2 %; only the time of fitting depends on it."""
_LARGEST_CORRECTION: Final = 1.25
"""A factor by which mark cost is corrected in a round at most. A judgement, so that one run by
chance cannot spoil a fit; larger matters to logs of few cycles alone."""
_UNKNOWN: Final = MiB / 2
"""Bytes that rounding may hide of what is allocated in a cycle: gctrace prints whole MiB. Moves
cycles and GC CPU of small heaps."""


@dataclass(frozen=True, slots=True)
class _Log:
    """What a log adds up to, per measured cycle; ns."""

    cpu: float
    """CPU-ns of marking a cycle."""
    background: Fraction
    """Share of the Ps that dedicated and fractional workers had."""
    assist: Fraction
    """Share of its time that the program assists."""
    assist_cpu: float
    """CPU-ns of that a cycle."""
    longest_piece: float
    """CPU-ns of a piece of load: longer ones would scatter more from cycle to cycle."""
    own: float
    """Ps that the program has for itself while the heap is marked."""
    allocated: float
    """Bytes a cycle."""


def calibrate(
    program: ObservedProgram, logged: Setting, seen: Observed, measured: slice
) -> ObservedProgram:
    """The program with what only shows in a simulated log."""
    real = _observed(seen, measured)
    if program.load is Load.BUSY:
        program = _with_switches(program, logged, real)
    else:
        program = _in_pieces(program, logged, real)
    return _with_work(program, logged, real)


def _with_work(program: ObservedProgram, logged: Setting, real: _Log) -> ObservedProgram:
    """As much work as makes as many cycles as there were, within what rounding hides of it.

    A heap that is as small as Go lets it be has the same size within its MiB in every cycle.
    """
    most = 1 + _UNKNOWN / real.allocated
    factor = _simulated(program, logged).allocated / real.allocated
    return program.with_work(float(np.clip(factor, 1 / most, most)))


def _with_switches(program: ObservedProgram, logged: Setting, real: _Log) -> ObservedProgram:
    """The slowest switching that explains how much time background workers get.

    The faster it is, the more they get: what has become worse twice, becomes no better. The fastest
    take the longest to simulate.
    """
    tried: list[tuple[float, ObservedProgram]] = []
    for yields_every in YIELDS:
        tried.append(_calibrated(replace(program, yields_every=yields_every), logged, real))
        last = [error for error, _ in tried[-_WORSE - 1 :]]
        if last[-1] < CLOSE_ENOUGH or (last == sorted(last) and len(last) > _WORSE):
            break
    return min(tried, key=lambda found: found[0])[1]


def _in_pieces(program: ObservedProgram, logged: Setting, real: _Log) -> ObservedProgram:
    """Load in pieces of such a size that the program assists as it did.

    The longer they are, the more of them have used up all credit before Ps idle again.
    """
    low, high = (float(np.log(piece)) for piece in (_PIECES[0], real.longest_piece))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        program = replace(program, piece=round(float(np.exp(middle))))
        found = _simulated(program, logged)
        program = _corrected(program, real, found)
        cpus = program.marking_cpus * real.own / found.own
        program = replace(program, marking_cpus=min(cpus, float(program.procs)))
        low, high = (middle, high) if found.assist_cpu < real.assist_cpu else (low, middle)
    return _with_first_assists(program, real, _simulated(program, logged))


def _calibrated(
    program: ObservedProgram, logged: Setting, real: _Log
) -> tuple[float, ObservedProgram]:
    """How far off the background workers stay, and the program with the rest right."""
    found = _simulated(program, logged)
    for _ in range(_ROUNDS):
        program = _corrected(program, real, found)
        found = _simulated(program, logged)
    return abs(float(np.log(found.background / real.background))), program


def _corrected(program: ObservedProgram, real: _Log, found: _Log) -> ObservedProgram:
    cost = float(np.clip(real.cpu / found.cpu, 1 / _LARGEST_CORRECTION, _LARGEST_CORRECTION))
    cycles = tuple(replace(s, mark_cost=s.mark_cost * cost) for s in program.cycles)
    program = replace(program, cycles=cycles)
    if program.load is Load.WAITING or program.yields_every is None:
        # Few goroutines that never block: no more assists than the pacing asks for.
        return program
    return _with_first_assists(program, real, found)


def _with_first_assists(program: ObservedProgram, real: _Log, found: _Log) -> ObservedProgram:
    """Assists that the pacing does not ask for are those of goroutines without credit."""
    first = float(np.clip(program.first_assists + real.assist - found.assist, 0.0, 0.9))
    return replace(program, first_assists=first)


def _observed(seen: Observed, measured: slice) -> _Log:
    assist = float(seen.assist[measured].sum())
    return _Log(
        cpu=float(seen.mark_cpu[measured].mean()),
        background=float(
            seen.background[measured].sum() / (seen.procs * seen.duration[measured].sum())
        ),
        assist=assist / (assist + float(seen.program_cpu[measured].sum())),
        assist_cpu=float(seen.assist[measured].mean()),
        longest_piece=_longest_piece(seen.program_cpu[measured], seen.duration[measured]),
        own=float(seen.program_cpu[measured].sum() / seen.duration[measured].sum()),
        allocated=float(seen.allocated[measured][1:].mean()),
    )


def _longest_piece(own: Floats, duration: Floats) -> float:
    """Of pieces that come at random, from the variance of what they take in a mark phase."""
    ps = own / duration
    piece = float(ps.var() * duration.mean() / (2 * ps.mean()))
    return float(np.clip(piece, *_PIECES))


def _simulated(program: ObservedProgram, logged: Setting) -> _Log:
    seeds = _SEEDS[:1] if len(program.cycles) > _MANY_CYCLES else _SEEDS
    runs = [run(program, logged, seed, Overheads()).cycles for seed in seeds]
    cycles = [cycle for cycles in runs for cycle in cycles]
    marks = [cycle.mark for cycle in cycles]
    if not marks:
        return _Log(
            cpu=1.0,
            background=1.0,
            assist=0.0,
            assist_cpu=0.0,
            longest_piece=0.0,
            own=1.0,
            allocated=1.0,
        )
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
        assist_cpu=assist / len(marks),
        longest_piece=0.0,
        own=own / duration,
        allocated=float(np.mean([_allocated(cycles) for cycles in runs])),
    )


def _allocated(cycles: list[ReplayedCycle]) -> float:
    """Bytes from a cycle to the next, on average."""
    gaps = max(1, len(cycles) - 1)
    return (cycles[-1].position - cycles[0].position) / gaps if cycles else 0.0
