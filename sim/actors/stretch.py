"""How far a goroutine gets in one go: up to the next instant that matters."""

from __future__ import annotations

from typing import Final

from sim.actors.malloc import MIN_STRETCH
from sim.actors.state import G
from sim.actors.world import World
from sim.go.mheap import PAGE

MIN_CREDIT: Final = 1 << 10
"""Bytes; Go charges object by object. Small ones are charged together up to so much: near the
memory limit, where a byte costs megabytes of marking, more would starve everybody else."""


def stretch(g: G, ns: float, slots: float, mix: int, world: World) -> float:
    """The share of the rest that can be done before the slice, the trigger or the credit is up."""
    share = 1.0
    left = g.p.slice.end - world.env.now  # type: ignore[union-attr]
    if ns > left > 0:
        share = left / ns
    if not slots:
        return share
    gc, slot_bytes = world.gc, world.kinds.mixes[mix].slot_bytes
    heap_live = slots * world.prices.live[mix]
    if world.switches.resolution == "refill":
        share = min(share, PAGE / heap_live)
    if not gc.running or gc.marking:  # the shorter, the nearer to the trigger or, marking, the goal
        end = gc.pacer.heap_goal() if gc.marking else gc.trigger_at
        room = min(abs(end - gc.pacer.heap_live) / (2 * world.gomaxprocs), world.container.left)
        room = max(room, MIN_STRETCH)
        share = min(share, room / heap_live)
    if gc.marking and world.switches.assists and not gc.limiter.limiting:
        bytes_left = slots * slot_bytes
        share = min(share, max(g.credit, MIN_CREDIT) / bytes_left)
    if slot_bytes > MIN_STRETCH:  # an object comes at once, however large
        share = max(share, min(1.0, 1.0 / slots))
    return share


def book_stretch(g: G, cpu: float, slowed: float, malloc: float, waiting: float) -> int:
    """Book where the time of a stretch goes; returns it in whole ns."""
    ns = round(slowed + malloc + waiting) or 1
    on_cpu, slower, lock_wait = round(cpu), round(slowed - cpu), round(waiting)
    g.on_cpu += on_cpu
    g.gc_slowdown += slower
    g.lock_wait += lock_wait
    g.alloc += ns - on_cpu - slower - lock_wait
    return ns
