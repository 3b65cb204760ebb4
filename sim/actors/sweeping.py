"""Sweeping in the background, and the book of who swept what (runtime/mgcsweep.go)."""

from __future__ import annotations

from sim.actors.finalizing import queue_finalizers
from sim.actors.scavenging import wake_scavenger
from sim.actors.scheduling import mark_ready, unblock
from sim.actors.world import Body, G, SweepDone, World
from sim.go.sweep import BACKGROUND_BATCH
from sim.units import MS, Nanoseconds

TURN_NS = MS
"""Longest turn while nobody waits. What it sweeps counts from its beginning."""


def note_sweep(world: World, who: str, swept: int, freed: int) -> None:
    """Count spans swept and freed, by cause: the columns `swept_*` of the table of cycles."""
    book = world.sweep.spans
    book[who] = book.get(who, 0) + swept
    book["freed"] = book.get("freed", 0) + freed
    queue_finalizers(world)
    memory, live = world.memory, world.gc.pacer.heap_live
    if memory.heap.sweeping.done and world.sweep.done is None:
        world.sweep.done = SweepDone(
            live, live - memory.pace.heap_live_basis, memory.heap.stats.pages_swept,
            memory.pace.pages_per_byte,
        )  # fmt: skip


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
    heap = world.memory.heap
    cycle = heap.sweeping.generation
    while not heap.sweeping.done and heap.sweeping.generation == cycle:
        limit = int(TURN_NS / world.machine.sweep.span_ns)
        if others_wait(g, world):
            limit = BACKGROUND_BATCH
        swept, freed = heap.sweep_some(limit)
        note_sweep(world, who, swept, freed)
        ns = max(1, sweep_ns(swept, freed, world))
        g.alloc += ns
        yield ns
        if others_wait(g, world):
            mark_ready(g, world)
            world.sched.shared.append(g)
            yield None


def sweep_ns(swept: int, freed: int, world: World) -> Nanoseconds:
    """CPU time of sweeping so many spans, of which so many went back to the page heap."""
    costs = world.machine.sweep
    return round(swept * costs.span_ns + freed * costs.freed_span_ns)


def others_wait(g: G, world: World) -> bool:
    """Are goroutines waiting that this P would run?"""
    return bool(world.sched.shared) or len(g.p.runq) > 0  # type: ignore[union-attr]
