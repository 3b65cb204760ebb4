"""Stopping and starting the world (runtime/proc.go: stop- and startTheWorldWithSema)."""

from __future__ import annotations

from sim.actors.mark_worker import assign_mark_workers
from sim.actors.scheduling import STOP, interrupt, wake
from sim.world import G, Process, World


def stop_the_world(g: G | None, world: World) -> Process[int]:
    """Preempt every P and wait until all stand still; returns how long that took in ns.

    The goroutine that stops the world keeps its P.
    """
    sched, costs = world.sched, world.machine.stw
    sched.stopped = True
    sched.stopped_since = world.env.now
    for p in sched.ps:
        if p.interruptible:
            interrupt(p, STOP)
    stopping = 0
    if world.switches.stop_the_world:
        typical = costs.stop_ns
        if others := other_busy_ps(world):
            typical += costs.stop_other_ns + costs.stop_per_p_ns * (others - 1)
        stopping = round(typical * world.streams["stw"].lognormal(0.0, costs.stop_sigma))
        yield world.env.work(stopping)
    return stopping


def other_busy_ps(world: World) -> int:
    """Ps beside that which stops the world that have to be stopped, and woken afterwards."""
    return max(world.gomaxprocs - len(world.sched.idle) - 1, 0)


def stand_still(ns: float, world: World) -> Process[None]:
    """Work done while the world is stopped."""
    if world.switches.stop_the_world and ns > 0:
        yield world.env.work(round(ns))


def start_the_world(world: World) -> int:
    """Let all Ps go on; returns how long the world was stopped in ns."""
    sched = world.sched
    stopped = world.env.now - sched.stopped_since
    sched.stopped = False
    sched.stopped_ns += stopped
    if world.gc.marking and sched.stop_keeps_ps:
        assign_mark_workers(world)
    sched.restarted.succeed()
    sched.restarted = world.env.event()
    world.gc.cpu["pause"] += stopped * world.gomaxprocs
    for _ in range(len(sched.idle)):
        wake(world)
    return stopped
