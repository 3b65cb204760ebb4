"""What limits the program of a log: its CPUs or its load."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sim.fitting.fit import Fit
from sim.fitting.gctrace_log import GCTraceLog
from sim.replay.program import Load
from sim.units import Fraction

NEARLY_ALL: Final[Fraction] = 0.95
"""Share of the Ps; with more in use, requests queue up. A judgement: an M/M/1 queue waits twenty
times as long as it works there; decides when a setting is called overload."""
MORE_THAN_MOMENTS: Final[Fraction] = 0.25
"""Of all marking; with more by idle workers, the Ps that they had were not idle by chance. They do
most of it in a program that waits on two Ps; decides whether a fit is waiting or busy."""
QUEUEING: Final[Fraction] = 0.8
"""Share of the Ps in use, from which on several requests are there at a time: an M/M/1 queue holds
four on average. A judgement; decides whether what queues is said to be alive, and widens intervals
of such programs."""
IDLE_SHARE_OF_WAITING: Final = 0.05
"""Share of the Ps; with more for idle workers, load limits the program, not CPU. As
`SPARE_OF_WAITING`; decides whether a fit is waiting or busy."""


def idle_share(log: GCTraceLog) -> Fraction:
    """What idle workers got of the Ps in mark phases."""
    lines = log.lines[log.measured]
    marking = sum(line.procs * line.concurrent_mark for line in lines)
    return sum(line.cpu_idle for line in lines) / max(1, marking)


def wants_more_than_there_is(fit: Fit) -> bool:
    """Load and collection together keep the Ps as good as busy: it is CPU that limits the program.

    So do batch programs that other processes keep from their CPUs: idle workers then mark in time
    that the program wanted.
    """
    return fit.program.demanded_cpus > _left_by_collection(fit)


def within_what_there_is(fit: Fit) -> Fit:
    """A program that waits for load, and whose load its Ps served, as the log shows."""
    demanded = min(fit.program.demanded_cpus, _left_by_collection(fit))
    return replace(fit, program=replace(fit.program, demanded_cpus=demanded))


def idle_part(fit: Fit) -> Fraction:
    """Of all marking, what idle workers did."""
    seen, measured = fit.observed, fit.measured
    return float(seen.idle[measured].sum() / max(1.0, float(seen.mark_cpu[measured].sum())))


def _left_by_collection(fit: Fit) -> float:
    """Ps that collection leaves to a program whose requests do not queue up."""
    return max(0.0, NEARLY_ALL * fit.program.procs - _collecting(fit))


def _collecting(fit: Fit) -> float:
    """Ps that collection takes from a program, on average."""
    seen, measured = fit.observed, fit.measured
    time = max(float(seen.at[measured][-1] - seen.at[measured][0]), 1.0)
    return float((seen.assist + seen.background)[measured].sum()) / time


def queues(fit: Fit) -> bool:
    """Several requests are there at a time, and are alive meanwhile."""
    return fit.program.load is Load.WAITING and _used(fit) >= QUEUEING


def _used(fit: Fit) -> Fraction:
    """Of the Ps, by load and collection."""
    return (fit.program.demanded_cpus + _collecting(fit)) / fit.program.procs


def queueing(fit: Fit) -> tuple[str, ...]:
    """A doubt where what queues is a part of the live heap that the next run need not have."""
    if not queues(fit):
        return ()
    sentence = (
        f"load and collection keep {_used(fit):.0%} of the Ps busy: requests that queue are alive"
        " meanwhile, and how many do differs from run to run, and with them live heap and cycles"
    )
    return (sentence,)
