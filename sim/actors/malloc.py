"""Allocation in batches: what goroutines allocated is turned into spans, rows and prices.

Goroutines say how many slots of a mix they took; the heap learns of them in batches. A sum of
multinomial draws is a multinomial draw of the sum, so drawing the kinds once per batch is exact.
What a batch of refills cost becomes the price per slot of the next stretches; what it moved
heap_live by becomes the estimate with which the pacer is told of the next slots, and every batch
corrects the estimate exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.actors.keeping import age_tenured
from sim.actors.locks import Bill, close_heap_lock_batch
from sim.actors.prices import learn, make_bill, reprice
from sim.actors.scavenging import keep_below_limit, return_growth
from sim.actors.sweeping import note_sweep, sweep_ns
from sim.actors.world import World
from sim.go.mcache import Taken
from sim.go.mheap import PAGE
from sim.go.mspan import lot_of
from sim.go.refill import no_refills
from sim.units import Nanoseconds
from sim.workload.layout import Kept, Room, write_down
from sim.workload.ledger import Law

Ints = NDArray[np.int64]

NO_LIMIT: Final = (1 << 63) - 1
"""GOMEMLIMIT=off: math.MaxInt64."""
NOTHING: Final = Kept(*np.zeros((4, 0), dtype=np.int64))
ROUNDING_SLACK: Final = 1e-6
"""Slots; six objects of 170.67 bytes that are asked for as 1 KiB are 5.999999999999999."""


def count_allocation(p: int, mix: int, slots: float, world: World) -> None:
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
        flush_batch(world)


def flush_batch(world: World) -> list[Bill]:
    """Write everything pending into spans and the ledger, and learn the prices of the next batch.

    Returns the bills of all refills, for those who pay them at once.
    """
    memory = world.memory
    age_tenured(world)
    memory.sweep_debt_ns += pay_sweep_debt(world) - memory.pending_live * memory.debt_price
    demand, kept = draw_kinds(world)
    objects = demand.sum(axis=1)
    memory.tiny_allocs += float(np.dot(memory.kind_objects - 1, objects))
    bills = [
        *allocate_large_objects(objects, kept, world),
        *allocate_small_objects(demand, kept, world),
    ]
    close_heap_lock_batch(world)
    heap_live = sum(int(bill.heap_live.sum()) for bill in bills)
    correct_pacer(world, heap_live, int(np.dot(memory.kind_scan, objects)))
    memory.last_batch_at = world.env.now
    memory.ledger.close_batch()
    heed_memory_limit(world)
    world.container.look()
    reprice(world)
    return bills


def heed_memory_limit(world: World) -> None:
    """Under a limit the trigger follows the use of memory, and too much of it is returned."""
    world.memory.owed_ns += return_growth(world)
    if world.memory_limit >= NO_LIMIT:
        return
    world.accounts.tell_pacer()
    world.memory.owed_ns += keep_below_limit(world)
    if not world.gc.running:
        world.gc.trigger_at = world.gc.pacer.trigger()[0]


def allocate_small_objects(demand: Ints, kept: Kept, world: World) -> list[Bill]:
    """Objects of the size classes, from the caches of all Ps."""
    memory = world.memory
    kinds, classes = memory.small_kinds, memory.small_classes
    if not demand[kinds].any():
        return []
    slots = np.add.reduceat(demand[kinds], np.searchsorted(memory.kind_classes[kinds], classes))
    taken = memory.caches.allocate(classes, slots)
    objects = slots.sum(axis=1)
    count_allocated(objects, memory.heap.slot_size[classes], world)
    note_objects(taken, kinds, np.searchsorted(classes, memory.kind_classes[kinds]), kept, world)
    bill = make_bill(taken, memory.heap.span_pages[classes], world)
    learn(classes, objects, bill, world)
    return [bill]


def allocate_large_objects(demand: Ints, kept: Kept, world: World) -> list[Bill]:
    """Objects above 32 KiB: a span each, straight from the heap (runtime/mcache.go: allocLarge)."""
    memory = world.memory
    kinds = np.flatnonzero((demand > 0) & (memory.kind_pages > 0))
    if not len(kinds):
        return []
    taken, size = take_large(kinds, demand[kinds], world), memory.kind_pages[kinds] * PAGE
    count_allocated(demand[kinds], size, world)
    note_objects(taken, kinds, np.arange(len(kinds)), kept, world)
    bill = make_bill(taken, memory.kind_pages[kinds], world)
    memory.large_ns[kinds] = bill.ns / demand[kinds]
    memory.large_wait[kinds] = bill.wait_ns / demand[kinds]
    return [bill]


def take_large(kinds: Ints, objects: Ints, world: World) -> Taken:
    """Spans for large objects of several kinds."""
    memory, heap, counts = world.memory, world.memory.heap, no_refills(len(kinds))
    classes, pages, spans = memory.kind_classes[kinds], memory.kind_pages[kinds], []
    counts.fresh += objects
    for at, (span_class, npages, count) in enumerate(
        zip(classes.tolist(), pages.tolist(), objects.tolist(), strict=True)
    ):
        if not heap.sweeping.done:
            counts.freed_spans[at] += heap.reclaim(count * npages)
        mine, faulted = heap.alloc_spans(span_class, npages, 1, npages * PAGE, count)
        counts.faulted_bytes[at] = faulted.sum()
        spans.append(mine)
    lot = lot_of(spans)
    heap.spans.allocated[lot.spans] = 1
    heap.uncache_full(classes, lot)
    return Taken(
        classes, objects, lot.spans, np.ones_like(lot.spans), objects * pages * PAGE, counts
    )


def count_allocated(objects: Ints, size: Ints, world: World) -> None:
    """Keep the counters of Go's heap statistics."""
    stats = world.memory.heap.stats
    stats.allocated_objects += int(objects.sum())
    stats.allocated_bytes += int(np.dot(objects, size))


def pay_sweep_debt(world: World) -> Nanoseconds:
    """Proportional sweep before allocating (runtime/mgcsweep.go: deductSweepCredit): CPU time.

    The next batch pays for it, byte by byte.
    """
    memory = world.memory
    if memory.heap.sweeping.done or memory.pace.pages_per_byte == 0.0:
        return 0
    owed = memory.pace.target(world.gc.pacer.heap_live, 0) - memory.heap.stats.pages_swept
    if owed <= 0:
        return 0
    swept, freed = memory.heap.sweep_pages(owed)
    note_sweep(world, "debt", swept, freed)
    return sweep_ns(swept, freed, world)


def settle_sweep_debt(world: World) -> Nanoseconds:
    """What has been swept to keep pace is paid for before the next cycle: in CPU time."""
    memory = world.memory
    owed, memory.sweep_debt_ns = max(0, round(memory.sweep_debt_ns)), 0.0
    if owed:
        reprice(world)
    return owed


def draw_kinds(world: World) -> tuple[Ints, Kept]:
    """Objects by kind and P, and the part of them that owners keep.

    Fractions of a slot stay pending. Owners draw from what was allocated without replacement.
    """
    memory, rng = world.memory, world.streams["kinds"]
    demand = np.zeros((len(memory.kinds), world.gomaxprocs), dtype=np.int64)
    kept = []
    for mix_id, mix in enumerate(memory.mixes):
        whole = [int(slots[mix_id] + ROUNDING_SLACK) for slots in memory.slots]
        if not any(whole):
            continue
        for p, count in enumerate(whole):
            memory.slots[p][mix_id] -= count
        by_p = rng.multinomial(whole, mix.shares)
        demand[memory.mix_kinds[mix_id]] = by_p.T
        owners = list(owners_of(mix_id, world))
        if owners:
            owner, wanted, bursts = np.array(owners).T
            mine = share_out(by_p.sum(axis=0), wanted.tolist(), rng)
            which, some = np.nonzero(mine)
            kinds = memory.mix_kinds[mix_id].take(some)
            kept.append(Kept(kinds, owner[which], mine[which, some], bursts[which]))
    return demand, Kept(*map(np.concatenate, zip(NOTHING, *kept, strict=True)))


def share_out(objects: Ints, wanted: list[int], rng: np.random.Generator) -> Ints:
    """Objects of each kind for everybody who wants so many, drawn without replacement."""
    mine = np.empty((len(wanted), len(objects)), dtype=np.int64)
    left = int(objects.sum())
    for row, number in zip(mine, wanted, strict=True):
        some = min(number, left)
        row[:] = rng.multivariate_hypergeometric(objects, some, method="marginals")
        objects -= row
        left -= some
    return mine


def owners_of(mix: int, world: World) -> Iterable[tuple[int, int, int]]:
    """(owner, slots, bursts) of everybody who keeps slots of a mix; long-lived owners first."""
    memory = world.memory
    waiting, memory.holders[mix] = memory.holders[mix], {}
    for holder in [*memory.kept[mix].values(), *waiting]:
        whole = int(holder.pending + ROUNDING_SLACK)
        if whole:
            holder.pending = max(holder.pending - whole, 0.0)
            if holder.owner < 0:
                holder.owner = memory.ledger.add_owner(Law.ENDS)
            yield holder.owner, whole, max(round(holder.bursts), 1)
            holder.bursts = 0.0


def note_objects(taken: Taken, kinds: Ints, group: Ints, kept: Kept, world: World) -> None:
    """Rows for what is kept; marks for everything that is born while marking.

    Objects of `kinds[i]` lie in the spans of the `group[i]`-th class that was taken.
    """
    memory = world.memory
    if world.gc.marking and world.switches.black_allocation:
        blacken(taken, world)
    group_of_kind = np.full(len(memory.kinds), -1)
    group_of_kind[kinds] = group
    mine = group_of_kind[kept.kind]
    order = np.lexsort((kept.kind, mine))
    order = order[mine[order] >= 0]
    if len(order):
        room = Room(taken.spans, taken.slots, taken.number)
        write_down(memory.ledger, room, kept.those(order), mine[order], world.streams["spread"])


def blacken(taken: Taken, world: World) -> None:
    """Allocate black: the slots count as marked (runtime/mgcmark.go: gcmarknewobject)."""
    memory = world.memory
    missing = memory.heap.spans.capacity - len(memory.black)
    if missing > 0:
        memory.black = np.concatenate((memory.black, np.zeros(missing, dtype=np.int64)))
    memory.black[taken.spans] += taken.slots


def correct_pacer(world: World, heap_live: int, scan: int) -> None:
    """Replace the estimates by what the batch really did."""
    memory = world.memory
    world.gc.pacer.update(heap_live - memory.pending_live, scan - memory.pending_scan)
    memory.pending_live = memory.pending_scan = 0
