"""Latency of requests, where somebody knows how many come: a queue before Ps that a GC slows.

Requests arrive at random (Poisson), wait in one line, and take exponential CPU times on one P.
While the heap is marked, background workers take their share of the Ps and requests assist; the
world stops twice a cycle. In a time that runs as fast as the program does, that is a plain queue.
"""

from __future__ import annotations

from heapq import heapreplace
from typing import NamedTuple

import numpy as np

from sim.fitting.observe import Floats
from sim.replay.program import ObservedProgram
from sim.replay.run import ReplayedRun
from sim.replay.setting import Setting
from sim.units import SECOND


class Latency(NamedTuple):
    """Seconds from arrival to answer."""

    p50: float
    p99: float


def latency(
    program: ObservedProgram,
    run: ReplayedRun,
    setting: Setting,
    per_second: float | None,
    rng: np.random.Generator,
) -> Latency:
    """Of requests that come so often while a waiting program runs; NaN where nobody knows."""
    if per_second is None or not run.cycles:
        return Latency(float("nan"), float("nan"))
    clock = _Clock(program, run, setting.procs)
    count = max(1, int(per_second * (clock.end - clock.begin) / SECOND))
    arrivals = np.sort(rng.uniform(clock.begin, clock.end, count))
    service = rng.exponential(program.demanded_cpus * SECOND / per_second, count)
    done = _served(clock.work(arrivals), service, setting.procs)
    took = clock.time(done) - arrivals
    p50, p99 = np.quantile(took, (0.5, 0.99)) / SECOND
    return Latency(float(p50), float(p99))


class _Clock:
    """Wall time into the time that a P gives to requests, and back; ns."""

    def __init__(self, program: ObservedProgram, run: ReplayedRun, procs: int) -> None:
        pause = program.pause_per_cycle / 2
        times, speeds = [], []
        for cycle in run.cycles:
            mark = cycle.mark
            program_ps = procs - mark.background / mark.duration
            own = procs * mark.duration - mark.background - mark.idle
            times += [cycle.at, cycle.at + pause, cycle.at + pause + mark.duration]
            speeds += [0.0, program_ps / procs * (1 - mark.assist / max(own, 1.0)), 0.0]
            times.append(times[-1] + pause)
            speeds.append(1.0)
        self.begin, self.end = times[0], times[-1]
        self._times = np.array([*times, times[-1] + SECOND])
        self._work = np.concatenate([[0.0], np.cumsum(np.diff(self._times) * speeds)])

    def work(self, times: Floats) -> Floats:
        """What a P has given to requests until then."""
        found: Floats = np.interp(times, self._times, self._work)
        return found

    def time(self, work: Floats) -> Floats:
        """When a P has given that much."""
        beyond = np.maximum(work - self._work[-1], 0.0)
        found: Floats = np.interp(work, self._work, self._times) + beyond
        return found


def _served(arrivals: Floats, service: Floats, procs: int) -> Floats:
    """When each of a line of requests is done, first come first served."""
    free = [0.0] * procs
    done = np.empty(len(arrivals))
    for k, (arrival, needs) in enumerate(zip(arrivals, service, strict=True)):
        done[k] = max(arrival, free[0]) + needs
        heapreplace(free, done[k])
    return done
