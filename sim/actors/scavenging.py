"""Returning free memory to the OS, in the background and when the limit asks (mgcscavenge.go)."""

from __future__ import annotations

import simpy

from sim.actors.scheduling import unblock
from sim.actors.world import Body, G, World
from sim.go.mheap import PAGE
from sim.go.scavenge import QUANTUM, growth_overage, limit_overage
from sim.units import Bytes, Nanoseconds


def scavenge(world: World, nbytes: Bytes, *, force: bool = False) -> tuple[Bytes, Nanoseconds]:
    """Return so much to the OS, from high addresses down; (bytes returned, CPU time)."""
    got = world.memory.heap.pages.scavenge(nbytes, force)
    return got, round(got / QUANTUM * world.machine.page.scavenge_ns)


def heap_retained(world: World) -> Bytes:
    """Heap memory of the process: in use, or free and not returned."""
    heap = world.memory.heap
    return (
        heap.stats.in_use_bytes + heap.pages.free_pages * PAGE - heap.pages.scavenged_pages * PAGE
    )


def goals_reached(world: World) -> bool:
    """May the background scavenger stop?"""
    goals, use = world.gc.scavenge_goals, world.gc.pacer.memory
    if goals.memory_limit is not None:
        world.accounts.tell_pacer()
    return goals.reached(heap_retained(world), use.mapped_ready)


def wake_scavenger(world: World) -> None:
    """When a sweep has ended, free memory may be left over; that cuts its sleep short as well."""
    if world.switches.scavenger and world.scavenger.waiting:
        unblock(world.scavenger, None, world)


def scavenger_body(g: G, world: World) -> Body:
    """The background scavenger: 1 % of the CPU, a little work and a long sleep (bgscavenge)."""
    pace = world.memory.background_scavenger
    while True:
        g.waiting, g.blocked_at = True, world.env.now
        yield None
        while not goals_reached(world):
            released, worked = pace.run(
                lambda nbytes: scavenge(world, nbytes), lambda: goals_reached(world)
            )
            if not released:
                break
            yield max(1, worked)
            world.memory.scavenge_ns["background"] += worked
            slept = world.env.now
            yield from sleep(g, pace.sleep_time(worked), world)
            pace.woke(worked, world.env.now - slept, world.gomaxprocs)


def sleep(g: G, ns: Nanoseconds, world: World) -> Body:
    """Block for a time, or until somebody wakes the goroutine (scavengerState.sleep)."""
    begun = world.env.now
    g.waiting, g.blocked_at = True, begun

    def ring(_: simpy.Event) -> None:
        if g.waiting and g.blocked_at == begun:
            unblock(g, None, world)

    timer = world.env.timeout(ns)
    assert timer.callbacks is not None
    timer.callbacks.append(ring)
    yield None


def keep_below_limit(world: World) -> Nanoseconds:
    """Return memory before the limit is passed (mheap.go: allocSpan); the CPU time it takes."""
    if not world.switches.scavenger or world.gc.limiter.limiting:
        return 0
    owed = limit_overage(0, world.gc.pacer.memory.mapped_ready, world.memory_limit)
    if not owed.nbytes:
        return 0
    ns = scavenge_as_assist(world, owed.nbytes, force=owed.force)
    world.accounts.tell_pacer()
    return ns


def return_growth(world: World) -> Nanoseconds:
    """Return as much as the heap has grown by, if it retains too much; the CPU time it takes."""
    pages = world.memory.heap.pages
    growth = (pages.total_pages - world.memory.pages_before) * PAGE
    world.memory.pages_before = pages.total_pages
    if not growth or not world.switches.scavenger:
        return 0
    goal = world.gc.scavenge_goals.gc_percent
    # What grew is in use by now, and counted in what the heap retains.
    owed = growth_overage(growth, heap_retained(world) - growth, goal)
    return scavenge_as_assist(world, owed) if owed else 0


def scavenge_as_assist(world: World, nbytes: Bytes, *, force: bool = False) -> Nanoseconds:
    """Scavenging on behalf of an allocation: the limiter counts it as an assist."""
    _, ns = scavenge(world, nbytes, force=force)
    world.gc.limiter.add_assist_time(ns)
    return ns
