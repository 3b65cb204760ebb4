"""What refills cost, and what the next slots are expected to cost and to move heap_live by."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.actors.faults import fault_ns
from sim.actors.locks import (
    HEAP_LOCK,
    Bill,
    Hold,
    central_hold,
    heap_lock_acquisitions,
    note_hold,
)
from sim.actors.sweeping import note_sweep
from sim.go.mheap import PAGE, RefillCounts
from sim.units import MiB
from sim.world import World

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


def make_bill(
    span_class: int, heap_live: int, counts: RefillCounts, world: World, npages: int = 0
) -> Bill:
    """What the refills of one class cost in CPU time, waiting and lock holding."""
    costs, page, sweep = world.machine.alloc, world.machine.page, world.machine.sweep
    pages = npages or world.memory.heap.span_pages[span_class]
    grown = heap_lock_acquisitions(counts.fresh, pages)
    holds = (
        central_hold(span_class, counts, world),
        Hold(HEAP_LOCK, "grow", grown, page.alloc_span_ns),
        Hold(HEAP_LOCK, "reclaim", counts.freed_spans, page.free_span_ns),
    )
    note_sweep(world, "refill", counts.swept, 0)
    note_sweep(world, "reclaim", counts.freed_spans, counts.freed_spans)
    ns = (
        (counts.partial + counts.swept) * costs.refill_partial_ns
        + counts.fresh * costs.refill_fresh_ns
        + counts.swept * sweep.span_ns
        + counts.freed_spans * sweep.freed_span_ns
        + fault_ns(counts.faulted_bytes, world)
    )
    if world.switches.resolution == "refill":
        held = sum(hold.times * hold.ns for hold in holds)
        return Bill(heap_live, max(ns - held, 0.0), 0.0, holds)
    return Bill(heap_live, ns, sum(note_hold(world, hold) for hold in holds), holds)


def learn(span_class: int, objects: int, bill: Bill, world: World) -> None:
    """Move a class's estimates towards what this batch showed, the more the larger the batch."""
    memory = world.memory
    weight = 1.0 / (objects + MEMORY_OF_PRICES * memory.heap.nelems[span_class])
    for estimate, seen in (
        (memory.class_live, bill.heap_live), (memory.class_price, bill.ns),
        (memory.class_wait, bill.wait_ns),
    ):  # fmt: skip
        estimate[span_class] += (seen - estimate[span_class] * objects) * weight


def expect_fresh_spans(world: World) -> None:
    """Before anything is known of refills: every span comes fresh from the operating system."""
    memory, fresh = world.memory, world.machine.alloc.refill_fresh_ns
    for span_class, (pages, slots) in enumerate(
        zip(memory.heap.span_pages, memory.heap.nelems, strict=True)
    ):
        memory.class_price[span_class] = (fresh + fault_ns(pages * PAGE, world)) / max(slots, 1)
    for kind, row in enumerate(memory.kinds.rows):
        memory.large_ns[kind] = fresh + fault_ns(row.slot_bytes, world)


def reprice(world: World) -> None:
    """Prices and heap_live per slot of every mix, for the stretches until the next batch."""
    memory, gc = world.memory, world.gc
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
    cycle = max(min(gc.pacer.heap_goal(), 1 << 44) - gc.pacer.heap_marked, MiB)
    distance = cycle if gc.running else max(gc.trigger_at - gc.pacer.heap_live, 0)
    to_kill = max(world.container.left / 2, MIN_ROOM)
    known = max(memory.heap.stats.allocated_bytes, MIN_ROOM)
    memory.room = max(min(cycle / BATCHES_PER_CYCLE, distance, to_kill, known, MAX_ROOM), PAGE)
