"""The finalizer goroutine, and when it has something to do (runtime/mfinal.go)."""

from __future__ import annotations

from typing import Final

from sim.actors.scheduling import unblock
from sim.actors.world import Body, G, World
from sim.units import MS

TURN_NS: Final = MS // 4
"""So much is computed before the goroutine looks whether others want its P."""


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
            number = max(1, min(int(TURN_NS / each), finalizers.waiting))
            yield from compute(g, max(1, round(number * each)))
            finalizers.run(number, world.memory.ledger)


def compute(g: G, ns: int) -> Body:
    """Compute in turns, after each of which the goroutine can be preempted."""
    while ns:
        turn = min(ns, TURN_NS)
        g.on_cpu += turn
        yield turn
        ns -= turn
