"""The runtime's own goroutines: bgsweep, bgscavenge, and the one that calls finalizers."""

from __future__ import annotations

from typing import Final

import simpy

from sim.actors.scheduling import mark_ready, unblock
from sim.actors.state import Body, G
from sim.actors.world import World
from sim.go.sweep import BACKGROUND_BATCH
from sim.units import MS, Nanoseconds

SWEEP_TURN: Final = MS
"""Longest turn of the sweeper while nobody waits, ns. What it sweeps counts from its beginning."""
FINALIZER_TURN: Final = MS // 4
"""ns of computing before the finalizer goroutine looks whether others want its P."""

# -- sweeping (runtime/mgcsweep.go) --------------------------------------------------------------


def start_sweeping(world: World) -> None:
    """Wake the background sweeper, as the next to run on some P."""
    sweeper = world.sweeper
    if sweeper.waiting:
        unblock(sweeper, None, world)


def sweeper_body(g: G, world: World) -> Body:
    """The background sweeper (bgsweep)."""
    while True:
        g.waiting, g.blocked_at = True, world.env.now
        yield None
        while not world.memory.heap.sweeping.done:
            yield from sweep(g, "background", world)
        wake_scavenger(world)


def sweep(g: G, who: str, world: World) -> Body:
    """Sweep what is left of this cycle: ten spans at a time, then way for others.

    When nobody waits for its P, the goroutine does many tens in one go.
    """
    heap, sweeping = world.memory.heap, world.sweeping
    cycle = heap.sweeping.generation
    while not heap.sweeping.done and heap.sweeping.generation == cycle:
        limit = int(SWEEP_TURN / world.machine.sweep.span_ns)
        if others_wait(g, world):
            limit = BACKGROUND_BATCH
        swept, freed = heap.sweep_some(limit)
        sweeping.note(who, swept, freed)
        ns = max(1, sweeping.ns(swept, freed))
        g.alloc += ns
        yield ns
        if others_wait(g, world):
            mark_ready(g, world)
            world.sched.shared.append(g)
            yield None


def others_wait(g: G, world: World) -> bool:
    """Are goroutines waiting that this P would run?"""
    return bool(world.sched.shared) or len(g.p.runq) > 0  # type: ignore[union-attr]


# -- scavenging (runtime/mgcscavenge.go) ---------------------------------------------------------


def wake_scavenger(world: World) -> None:
    """When a sweep has ended, free memory may be left over; that cuts its sleep short as well."""
    if world.switches.scavenger and world.scavenger.waiting:
        unblock(world.scavenger, None, world)


def scavenger_body(g: G, world: World) -> Body:
    """The background scavenger: 1 % of the CPU, a little work and a long sleep (bgscavenge)."""
    scavenging, accounts = world.scavenging, world.accounts
    pace = scavenging.pace
    while True:
        g.waiting, g.blocked_at = True, world.env.now
        yield None
        while not scavenging.goals_reached(accounts):
            released, worked = pace.run(
                scavenging.scavenge, lambda: scavenging.goals_reached(accounts)
            )
            if not released:
                break
            yield max(1, worked)
            scavenging.cpu_ns["background"] += worked
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


# -- finalizers (runtime/mfinal.go) --------------------------------------------------------------


def queue_finalizers(world: World) -> None:
    """Spans have been swept: their finalizers are due (mgcsweep.go: sweep, queuefinalizer)."""
    finalizers, heap = world.memory.finalizers, world.memory.heap
    if finalizers.swept == finalizers.due:
        return
    done = heap.sweeping.done
    finalizers.sweep(1.0 if done else min(heap.stats.pages_swept / finalizers.pages, 1.0))
    if finalizers.waiting and world.finalizer.waiting:
        unblock(world.finalizer, None, world)


def finalizer_body(g: G, world: World) -> Body:
    """One goroutine calls all finalizers, one after the other (runFinalizers)."""
    finalizers = world.memory.finalizers
    while True:
        g.waiting, g.blocked_at = True, world.env.now
        yield None
        while finalizers.waiting:
            each = finalizers.waiting_ns / finalizers.waiting * world.gc.slowdown
            each += world.machine.finalizer.run_ns
            number = max(1, min(int(FINALIZER_TURN / each), finalizers.waiting))
            yield from compute(g, max(1, round(number * each)))
            finalizers.run(number, world.memory.ledger)


def compute(g: G, ns: int) -> Body:
    """Compute in turns, after each of which the goroutine can be preempted."""
    while ns:
        turn = min(ns, FINALIZER_TURN)
        g.on_cpu += turn
        yield turn
        ns -= turn
