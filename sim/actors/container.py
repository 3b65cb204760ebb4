"""The cgroup around the process: a memory limit that kills, and a CPU quota that throttles."""

from __future__ import annotations

from typing import Final

from sim.actors.accounts import MemoryClasses, memory_classes, resident, rss
from sim.actors.sampler import idle_ns, take_sample
from sim.record.facts import Throttle
from sim.units import MS, Bytes, MiB, Nanoseconds, format_bytes, format_duration
from sim.world import Process, World

PERIOD: Final[Nanoseconds] = 100 * MS
"""CPU bandwidth period of container runtimes (Linux: cpu.max, cfs_period_us)."""
ACCOUNTING: Final[Nanoseconds] = MS // 10
"""Shortest distance at which the use of the quota is looked at."""


def kill_if_over(world: World) -> None:
    """End the run if the process has more memory than its cgroup may have."""
    limit = world.container.memory
    if limit is None or world.finished.triggered:
        return
    classes = memory_classes(world)
    world.container.left = float(limit - rss(classes, world))
    if world.container.left < 0:
        world.emit(take_sample(world))
        world.finished.succeed(verdict(classes, limit, world))


def verdict(classes: MemoryClasses, limit: Bytes, world: World) -> str:
    """When the process was killed, and what its memory consisted of."""
    total, now = rss(classes, world), world.env.now
    parts = sorted(resident(classes, world).items(), key=lambda part: -part[1])
    what = "RSS" if now else "the start-up footprint"
    return (
        f"killed {f'after {format_duration(now)}' if now else 'at once'}: {what} of"
        f" {total / MiB:.1f}MiB exceeds the {limit / MiB:.1f}MiB of the cgroup: "
        + ", ".join(f"{name} {format_bytes(size)}" for name, size in parts if size)
    )


def quota(world: World) -> Process[None]:
    """Throttle the process in every period in which it has used up its CPU time."""
    env, cpus = world.env, world.container.cpus
    assert cpus is not None
    while True:
        end, left = env.now + PERIOD, round(cpus * PERIOD)
        before = cpu_time(world)
        while left > 0 and env.now < end:
            yield env.timeout(min(max(left // world.gomaxprocs, ACCOUNTING), end - env.now))
            used = cpu_time(world)
            left, before = left - (used - before), used
        if env.now < end:
            world.emit(Throttle(env.now, end))
            env.freeze(end - env.now)
            yield env.timeout(end - env.now)


def cpu_time(world: World) -> Nanoseconds:
    """CPU time of all Ps, and the time for which they were frozen."""
    return world.env.now * world.gomaxprocs - idle_ns(world)
