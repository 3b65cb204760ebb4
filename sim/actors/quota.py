"""The CPU quota of the cgroup around the process, which throttles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sim.actors.idle import IdleTime
from sim.engine.clock import ProcessClock
from sim.record.facts import Throttle
from sim.runtime.state import Process
from sim.units import MS, Nanoseconds

PERIOD: Final[Nanoseconds] = 100 * MS
"""CPU bandwidth period of container runtimes (Linux: cpu.max, cfs_period_us)."""
ACCOUNTING: Final[Nanoseconds] = MS // 10
"""Shortest distance at which the use of the quota is looked at. Chosen well below Linux's slice of
5 ms (sched_cfs_bandwidth_slice_us); longer overruns the quota by as much."""


def quota(
    cpus: float, ps: int, idle: IdleTime, clock: ProcessClock, emit: Callable[[Any], None]
) -> Process[None]:
    """Throttle the process in every period in which it has used up its CPU time."""

    def cpu_time() -> Nanoseconds:
        """CPU time of all Ps, and the time for which they were frozen."""
        return clock.now * ps - idle.total()

    while True:
        end, left = clock.now + PERIOD, round(cpus * PERIOD)
        before = cpu_time()
        while left > 0 and clock.now < end:
            yield clock.timeout(min(max(left // ps, ACCOUNTING), end - clock.now))
            used = cpu_time()
            left, before = left - (used - before), used
        if clock.now < end:
            emit(Throttle(clock.now, end))
            clock.freeze(end - clock.now)
            yield clock.timeout(end - clock.now)
