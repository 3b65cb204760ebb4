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
from sim.actors.faults import fault_ns
from sim.actors.locks import (
    HEAP_LOCK,
    Bill,
    Hold,
    central_hold,
    close_heap_lock_batch,
    heap_lock_acquisitions,
    note_hold,
)
from sim.actors.scavenging import keep_below_limit, return_growth
from sim.actors.sweeping import note_sweep
from sim.go.mcache import Taken
from sim.go.mheap import PAGE, RefillCounts
from sim.units import MiB
from sim.workload.ledger import Law, Part, write_down
from sim.world import G, Holder, Store, World

Ints = NDArray[np.int64]

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


def keep(g: G, mix: int, slots: float, world: World) -> None:
    """The goroutine keeps these slots until it ends."""
    holder = g.keeps.get(mix)
    if holder is None:
        holder = g.keeps[mix] = Holder()
    world.memory.holders[mix][holder] = None
    holder.pending += slots
    holder.bursts += 1
    holder.requested += slots / world.memory.mixes[mix].slots_per_byte


def insert(store: Store, slots: float, world: World) -> None:
    """A store keeps these slots; a full one replaces others by them."""
    memory = world.memory
    keep_forever(store.owner, store.mix, slots, world)
    age_fill(store, slots / memory.mixes[store.mix].slots_per_byte, world)


def keep_forever(owner: int, mix: int, slots: float, world: World) -> None:
    """An owner without an end, or with a memoryless one, keeps these slots."""
    holder = world.memory.kept.setdefault((mix, owner), Holder(owner=owner))
    holder.pending += slots
    holder.bursts += 1


def publish(g: G, store: Store, world: World) -> None:
    """A store takes over what the goroutine keeps of its mix, as one entry, and drops others."""
    entry = g.keeps.pop(store.mix, None)
    if entry is None:
        return
    store.entries.append(entry)
    store.entries_requested += entry.requested
    age_fill(store, entry.requested, world)
    while store.replacement != "none" and store.entries_requested > store.capacity:
        if store.replacement == "random":
            which = int(world.streams["replacement"].integers(len(store.entries)))
        else:
            which = 0
        dropped = store.entries.pop(which)
        store.entries_requested -= dropped.requested
        let_go(dropped, store.mix, world)


def age_fill(store: Store, requested: float, world: World) -> None:
    """New data drives out what lies in the store object by object, if it is full."""
    ledger = world.memory.ledger
    store.inserted += requested
    if store.replacement == "oldest":
        ledger.advance(store.owner, requested)
    elif store.replacement == "random" and store.inserted > store.capacity:
        driven_out = min(requested, store.inserted - store.capacity)
        ledger.advance(store.owner, driven_out / store.capacity)


def let_go(holder: Holder, mix: int, world: World) -> None:
    """Nobody holds this any more: it is garbage."""
    memory = world.memory
    memory.holders[mix].pop(holder, None)
    holder.pending = 0.0
    if holder.owner >= 0:
        memory.ledger.end_owner(holder.owner)
        holder.owner = -1


def materialise(world: World) -> list[Bill]:
    """Write everything pending into spans and the ledger, and learn the prices of the next batch.

    Returns the bills of all refills, for those who pay them at once.
    """
    memory = world.memory
    age_owners(world)
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


def age_owners(world: World) -> None:
    """Exponential lifetimes: the hazard grows with time."""
    elapsed = world.env.now - world.memory.last_batch_at
    for mean, owner in world.memory.tenured.items():
        world.memory.ledger.advance(owner, elapsed / mean)


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
            yield holder.owner, whole, holder.bursts
            holder.bursts = 0


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


def correct_pacer(world: World, heap_live: int, scan: int) -> None:
    """Replace the estimates by what the batch really did."""
    memory = world.memory
    world.gc.pacer.update(heap_live - memory.pending_live, scan - memory.pending_scan)
    memory.pending_live = memory.pending_scan = 0
