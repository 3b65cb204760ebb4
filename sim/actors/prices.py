"""What refills cost, and what the next slots are expected to cost and to move heap_live by."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.actors.faults import fault_ns
from sim.actors.locks import (
    Bill,
    central_hold,
    heap_lock_holds,
    note_heap_lock,
    note_hold,
)
from sim.actors.stretch import MIN_STRETCH
from sim.actors.sweeping import note_sweep
from sim.actors.world import Ints, World
from sim.go.mcache import Taken
from sim.go.mheap import PAGE
from sim.units import MiB

MEMORY_OF_PRICES: Final = 8
"""Spans of history that a price remembers besides the last batch."""
BATCHES_PER_CYCLE: Final = 4
MIN_ROOM: Final = MiB // 4
"""Bytes of the first batch, before much is known of prices; they double from there. However near
the cgroup's limit is, it is not looked at more often."""
MAX_ROOM: Final = 256 * MiB
"""Bytes of a batch; the growth of a heap that is never collected is seen in such steps."""
LARGE_CLASSES: Final = 2
"""Span classes 0 and 1 hold large objects."""


def make_bill(taken: Taken, pages: Ints, world: World) -> Bill:
    """What refills cost in CPU time, waiting and lock holding; spans have so many pages."""
    classes, counts, heap_live = taken.classes, taken.counts, taken.heap_live
    costs, sweep = world.machine.alloc, world.machine.sweep
    heap_lock = heap_lock_holds(pages, counts, world)
    holds = (central_hold(classes, counts, world), *heap_lock)
    freed = int(counts.freed_spans.sum())
    note_sweep(world, "refill", int(counts.swept.sum()), 0)
    note_sweep(world, "reclaim", freed, freed)
    ns = (
        (counts.partial + counts.swept - counts.in_vain) * costs.refill_partial_ns
        + counts.fresh * costs.refill_fresh_ns
        + counts.swept * sweep.span_ns
        + counts.freed_spans * sweep.freed_span_ns
        + fault_ns(counts.faulted_bytes, world)
    )
    if world.switches.resolution == "refill":
        held = sum(hold.times * hold.ns for hold in holds)
        return Bill(heap_live, np.maximum(ns - held, 0.0), np.zeros_like(ns), holds)
    note_heap_lock(world, heap_lock)
    wait = np.sum([note_hold(world, hold) for hold in holds], axis=0)
    return Bill(heap_live, ns, wait, holds)


def learn(classes: Ints, objects: Ints, bill: Bill, world: World) -> None:
    """Move the classes' estimates towards what this batch showed, the more the larger it was."""
    memory = world.memory
    weight = 1.0 / (objects + MEMORY_OF_PRICES * memory.heap.nelems[classes])
    for estimate, seen in (
        (memory.class_live, bill.heap_live), (memory.class_price, bill.ns),
        (memory.class_wait, bill.wait_ns),
    ):  # fmt: skip
        estimate[classes] += (seen - estimate[classes] * objects) * weight


def expect_fresh_spans(world: World) -> None:
    """Before anything is known of refills: every span comes fresh from the operating system."""
    memory, fresh = world.memory, world.machine.alloc.refill_fresh_ns
    heap = memory.heap
    memory.class_price[:] = fresh + fault_ns(heap.span_pages * PAGE, world)
    memory.class_price /= np.maximum(heap.nelems, 1)
    memory.large_ns[:] = fresh + fault_ns(memory.kind_slots, world)


def reprice(world: World) -> None:
    """Prices and heap_live per slot of every mix, for the stretches until the next batch."""
    memory, gc = world.memory, world.gc
    note_room(world)
    malloc = memory.malloc_ns_marking if gc.marking else memory.malloc_ns
    for mix_id, mix in enumerate(memory.mixes):
        kinds, classes = memory.mix_kinds[mix_id], memory.mix_classes[mix_id]
        large = classes < LARGE_CLASSES
        refill = np.where(large, memory.large_ns[kinds], memory.class_price[classes])
        live = np.where(large, memory.kind_slots[kinds], memory.class_live[classes])
        wait = np.where(large, memory.large_wait[kinds], memory.class_wait[classes])
        memory.price[mix_id] = float(np.dot(mix.shares, malloc[kinds] + refill))
        memory.wait_price[mix_id] = float(np.dot(mix.shares, wait))
        memory.live_per_slot[mix_id] = float(np.dot(mix.shares, live))
        memory.price[mix_id] += memory.live_per_slot[mix_id] * memory.debt_price


def note_room(world: World) -> None:
    """Bytes until the next batch, which pays for what has been swept to keep pace."""
    memory, gc = world.memory, world.gc
    cycle = max(min(gc.pacer.heap_goal(), 1 << 44) - gc.pacer.heap_marked, MiB)
    distance = cycle if gc.running else max(gc.trigger_at - gc.pacer.heap_live, 0)
    to_kill = max(world.container.left / 2, MIN_ROOM)
    known = max(memory.heap.stats.allocated_bytes, MIN_ROOM)
    memory.room = max(min(cycle / BATCHES_PER_CYCLE, distance, to_kill, known, MAX_ROOM), PAGE)
    memory.debt_price = max(memory.sweep_debt_ns, 0.0) / max(memory.room, MIN_STRETCH)
