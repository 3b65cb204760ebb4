"""Allocation in batches: what goroutines allocated is turned into spans, rows and prices.

Goroutines say how many slots of a mix they took; the heap learns of them in batches. A sum of
multinomial draws is a multinomial draw of the sum, so drawing the kinds once per batch is exact.
What a batch of refills cost becomes the price per slot of the next stretches; what it moved
heap_live by becomes the estimate with which the pacer is told of the next slots, and every batch
corrects the estimate exactly.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.actors.accounts import update_memory_use
from sim.actors.container import kill_if_over
from sim.actors.keeping import age_tenured
from sim.actors.locks import Bill, close_heap_lock_batch
from sim.actors.prices import learn, make_bill, reprice
from sim.actors.scavenging import keep_below_limit, return_growth
from sim.actors.sweeping import note_sweep
from sim.go.mcache import Taken
from sim.go.mheap import RefillCounts
from sim.workload.ledger import Law, Part, write_down
from sim.world import World

Ints = NDArray[np.int64]

NO_LIMIT: Final = (1 << 63) - 1
"""GOMEMLIMIT=off: math.MaxInt64."""


def pend(p: int, mix: int, slots: float, world: World) -> None:
    """Count allocated slots; the pacer hears of them at once, the heap in the next batch."""
    memory = world.memory
    memory.slots[p][mix] += slots
    live = int(slots * memory.live_per_slot[mix])
    scan = int(slots * memory.scan_per_slot[mix])
    memory.pending_live += live
    memory.pending_scan += scan
    memory.room -= live
    world.gc.pacer.update(live, scan)
    if memory.room <= 0:
        materialise(world)


def materialise(world: World) -> list[Bill]:
    """Write everything pending into spans and the ledger, and learn the prices of the next batch.

    Returns the bills of all refills, for those who pay them at once.
    """
    memory = world.memory
    age_tenured(world)
    pay_sweep_debt(world)
    demand, kept = draw_kinds(world)
    scan = sum(memory.kinds.rows[kind].scan_bytes * int(n.sum()) for kind, n in demand.items())
    memory.tiny_allocs += sum(
        (memory.kinds.rows[kind].objects - 1) * int(n.sum()) for kind, n in demand.items()
    )
    bills = [
        *allocate_large_objects(demand, kept, world), *allocate_small_objects(demand, kept, world),
    ]  # fmt: skip
    close_heap_lock_batch(world)
    correct_pacer(world, sum(bill.heap_live for bill in bills), int(scan))
    memory.last_batch_at = world.env.now
    memory.ledger.close_batch()
    heed_memory_limit(world)
    kill_if_over(world)
    reprice(world)
    return bills


def heed_memory_limit(world: World) -> None:
    """Under a limit the trigger follows the use of memory, and too much of it is returned."""
    world.memory.owed_ns += return_growth(world)
    if world.memory_limit >= NO_LIMIT:
        return
    update_memory_use(world)
    world.memory.owed_ns += keep_below_limit(world)
    if not world.gc.running:
        world.gc.trigger_at = world.gc.pacer.trigger()[0]


def allocate_small_objects(
    demand: dict[int, Ints], kept: dict[int, list[Part]], world: World
) -> list[Bill]:
    """Objects of the size classes, from the caches of all Ps."""
    memory = world.memory
    by_class: defaultdict[int, list[int]] = defaultdict(list)
    for kind in sorted(demand):
        row = memory.kinds.rows[kind]
        if not row.npages:
            by_class[row.span_class].append(kind)
    slots = {c: np.sum([demand[kind] for kind in kinds], axis=0) for c, kinds in by_class.items()}
    bills = []
    for taken in memory.caches.allocate(slots):
        parts = [part for kind in by_class[taken.span_class] for part in kept.get(kind, ())]
        bills.append(settle(taken, parts, world))
    return bills


def allocate_large_objects(
    demand: dict[int, Ints], kept: dict[int, list[Part]], world: World
) -> list[Bill]:
    """Objects above 32 KiB."""
    rows = world.memory.kinds.rows
    return [
        allocate_large(kind, int(demand[kind].sum()), kept.get(kind, []), world)
        for kind in sorted(demand)
        if rows[kind].npages
    ]


def pay_sweep_debt(world: World) -> None:
    """Proportional sweep before allocating (runtime/mgcsweep.go: deductSweepCredit)."""
    memory = world.memory
    if memory.heap.sweeping.done or memory.pace.pages_per_byte == 0.0:
        return
    owed = memory.pace.target(world.gc.pacer.heap_live, 0) - memory.heap.stats.pages_swept
    if owed > 0:
        swept, freed = memory.heap.sweep_pages(owed)
        note_sweep(world, "debt", swept, freed)


def draw_kinds(world: World) -> tuple[dict[int, Ints], dict[int, list[Part]]]:
    """Objects by kind and P, and the part of them that owners keep.

    Fractions of a slot stay pending. Owners draw from what was allocated without replacement.
    """
    memory, rng = world.memory, world.streams["kinds"]
    demand: dict[int, Ints] = {}
    kept: dict[int, list[Part]] = {}
    for mix_id, mix in enumerate(memory.mixes):
        whole = [int(slots[mix_id]) for slots in memory.slots]
        if not any(whole):
            continue
        for p, count in enumerate(whole):
            memory.slots[p][mix_id] -= count
        by_p = rng.multinomial(whole, mix.shares)
        left = by_p.sum(axis=0)
        for owner, wanted, bursts in owners_of(mix_id, world):
            mine = rng.multivariate_hypergeometric(
                left, min(wanted, int(left.sum())), method="marginals"
            )
            left = left - mine
            for kind, count in zip(mix.kinds, mine.tolist(), strict=True):
                if count:
                    kept.setdefault(kind, []).append(Part(kind, owner, count, bursts))
        for column, kind in enumerate(mix.kinds):
            if by_p[:, column].any():
                demand[kind] = by_p[:, column]
    return demand, kept


def owners_of(mix: int, world: World) -> Iterable[tuple[int, int, int]]:
    """(owner, slots, bursts) of everybody who keeps slots of a mix; long-lived owners first."""
    memory = world.memory
    waiting, memory.holders[mix] = memory.holders[mix], {}
    for holder in [kept for key, kept in memory.kept.items() if key[0] == mix] + list(waiting):
        whole = int(holder.pending)
        if whole:
            holder.pending -= whole
            if holder.owner < 0:
                holder.owner = memory.ledger.add_owner(Law.ENDS)
            yield holder.owner, whole, max(round(holder.bursts), 1)
            holder.bursts = 0.0


def settle(taken: Taken, parts: list[Part], world: World) -> Bill:
    """Book what was allocated of one span class, and learn what it cost."""
    memory, span_class = world.memory, taken.span_class
    note_objects(taken.spans, taken.slots, parts, world)
    objects = int(taken.slots.sum())
    memory.heap.stats.allocated_objects += objects
    memory.heap.stats.allocated_bytes += objects * memory.heap.slot_size[span_class]
    bill = make_bill(span_class, taken.heap_live, taken.counts, world)
    learn(span_class, objects, bill, world)
    return bill


def allocate_large(kind: int, objects: int, kept: list[Part], world: World) -> Bill:
    """One span each, straight from the heap (runtime/mcache.go: allocLarge)."""
    memory = world.memory
    row = memory.kinds.rows[kind]
    counts = RefillCounts(fresh=objects)
    if not memory.heap.sweeping.done:
        counts.freed_spans += memory.heap.reclaim(objects * row.npages)
    spans = memory.heap.alloc_spans(row.span_class, row.npages, 1, objects, counts)
    memory.heap.spans.allocated[spans] = 1
    memory.heap.uncache_full(row.span_class, spans)
    note_objects(spans, np.ones(objects, dtype=np.int64), kept, world)
    memory.heap.stats.allocated_objects += objects
    memory.heap.stats.allocated_bytes += objects * row.slot_bytes
    bill = make_bill(row.span_class, objects * row.slot_bytes, counts, world, row.npages)
    memory.large_ns[kind] = bill.ns / objects
    memory.large_wait[kind] = bill.wait_ns / objects
    return bill


def note_objects(spans: Ints, taken: Ints, parts: list[Part], world: World) -> None:
    """Rows for what is kept; marks for everything that is born while marking."""
    if world.gc.marking and world.switches.black_allocation:
        blacken(spans, taken, world)
    if parts:
        write_down(world.memory.ledger, spans, taken, parts, world.streams["spread"])


def blacken(spans: Ints, taken: Ints, world: World) -> None:
    """Allocate black: the slots count as marked (runtime/mgcmark.go: gcmarknewobject)."""
    memory = world.memory
    missing = memory.heap.spans.capacity - len(memory.black)
    if missing > 0:
        memory.black = np.concatenate((memory.black, np.zeros(missing, dtype=np.int64)))
    np.add.at(memory.black, spans, taken)


def correct_pacer(world: World, heap_live: int, scan: int) -> None:
    """Replace the estimates by what the batch really did."""
    memory = world.memory
    world.gc.pacer.update(heap_live - memory.pending_live, scan - memory.pending_scan)
    memory.pending_live = memory.pending_scan = 0
