"""The CPU quota of the cgroup around the process, which throttles."""

from __future__ import annotations

from typing import Final

from sim.actors.world import World
from sim.record.facts import Throttle
from sim.runtime.interfaces import Mutator
from sim.runtime.state import Process
from sim.units import MS, Nanoseconds

PERIOD: Final[Nanoseconds] = 100 * MS
"""CPU bandwidth period of container runtimes (Linux: cpu.max, cfs_period_us)."""
ACCOUNTING: Final[Nanoseconds] = MS // 10
"""Shortest distance at which the use of the quota is looked at."""


def quota(world: World, mutator: Mutator) -> Process[None]:
    """Throttle the process in every period in which it has used up its CPU time."""
    env, cpus = world.env, world.container.cpus
    assert cpus is not None
    while True:
        end, left = env.now + PERIOD, round(cpus * PERIOD)
        before = cpu_time(world, mutator)
        while left > 0 and env.now < end:
            yield env.timeout(min(max(left // world.gomaxprocs, ACCOUNTING), end - env.now))
            used = cpu_time(world, mutator)
            left, before = left - (used - before), used
        if env.now < end:
            world.emit(Throttle(env.now, end))
            env.freeze(end - env.now)
            yield env.timeout(end - env.now)


def cpu_time(world: World, mutator: Mutator) -> Nanoseconds:
    """CPU time of all Ps, and the time for which they were frozen."""
    return world.env.now * world.gomaxprocs - round(mutator.idle_ns())
