"""Sweeping in the background, and the book of who swept what (runtime/mgcsweep.go)."""

from __future__ import annotations

from sim.actors.scavenging import wake_scavenger
from sim.actors.scheduling import mark_ready, unblock
from sim.go.sweep import BACKGROUND_BATCH
from sim.units import MS
from sim.world import Body, G, World

TURN_NS = MS // 4
"""Longest turn while nobody waits."""


def note_sweep(world: World, who: str, swept: int, freed: int) -> None:
    """Count spans swept and freed, by cause: refill, debt, reclaim, start, flush, background."""
    book = world.gc.swept
    book[who] = book.get(who, 0) + swept
    book["freed"] = book.get("freed", 0) + freed


def start_sweeping(world: World) -> None:
    """Wake the background sweeper, as the next to run on some P."""
    sweeper = world.sweeper
    if sweeper.waiting:
        unblock(sweeper, None, world)


def sweeper_body(g: G, world: World) -> Body:
    """The background sweeper: ten spans at a time, then way for others (bgsweep).

    When nobody waits for its P, it does many tens in one go.
    """
    heap, sweep = world.memory.heap, world.machine.sweep
    while True:
        g.waiting, g.blocked_at = True, world.env.now
        yield None
        while not heap.sweeping.done:
            limit = int(TURN_NS / sweep.span_ns)
            if others_wait(g, world):
                limit = BACKGROUND_BATCH
            swept, freed = heap.sweep_some(limit)
            note_sweep(world, "background", swept, freed)
            yield max(1, round(swept * sweep.span_ns + freed * sweep.freed_span_ns))
            if others_wait(g, world):
                mark_ready(g, world)
                world.sched.shared.append(g)
                yield None
        wake_scavenger(world)


def others_wait(g: G, world: World) -> bool:
    """Are goroutines waiting that this P would run?"""
    return bool(world.sched.shared) or len(g.p.runq) > 0  # type: ignore[union-attr]
