"""Who keeps what was allocated: goroutines, stores, long-lived owners; and letting it go."""

from __future__ import annotations

import math

from sim.actors.world import G, World
from sim.workload.holders import Holder, Store


def keep(g: G, mix: int, slots: float, world: World) -> None:
    """The goroutine keeps these slots until it ends."""
    holder = g.keeps.get(mix)
    if holder is None:
        holder = g.keeps[mix] = Holder()
    world.memory.holders[mix][holder] = None
    holder.pending += slots
    _go_on(holder, g)
    holder.requested += slots / world.memory.mixes[mix].slots_per_byte


def insert(store: Store, g: G, slots: float, world: World) -> None:
    """A store keeps these slots; a full one replaces others by them, even some of themselves."""
    per_byte = world.memory.mixes[store.mix].slots_per_byte
    hazard = age_fill(store, slots / per_byte, world)
    survive = -math.expm1(-hazard) / hazard if hazard else 1.0
    keep_forever(store.owner, g, store.mix, slots * survive, world)
    holder = world.memory.kept[store.mix][store.owner]
    if store.replacement == "oldest" and holder.pending > store.capacity * per_byte:
        holder.bursts *= store.capacity * per_byte / holder.pending
        holder.pending = store.capacity * per_byte


def keep_forever(owner: int, g: G, mix: int, slots: float, world: World) -> None:
    """An owner without an end, or with a memoryless one, keeps these slots."""
    age_tenured(world)
    kept = world.memory.kept[mix]
    holder = kept.get(owner)
    if holder is None:
        holder = kept[owner] = Holder(owner=owner)
    holder.pending += slots
    _go_on(holder, g)


def _go_on(holder: Holder, g: G) -> None:
    """What a P allocates for the same holder as the last time lies beside that."""
    p = g.p
    assert p is not None
    if p.keeper is not holder:
        p.keeper = holder
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
            store.entries[0], store.entries[which] = store.entries[which], store.entries[0]
        dropped = store.entries.popleft()
        store.entries_requested -= dropped.requested
        let_go(dropped, store.mix, world)


def age_fill(store: Store, requested: float, world: World) -> float:
    """New data drives out what lies in a full store object by object; the hazard of each of them.

    There is none where they go in order.
    """
    store.inserted += requested
    if store.replacement == "oldest":
        world.memory.ledger.advance(store.owner, requested)
    elif store.replacement == "random" and store.inserted > store.capacity:
        hazard = min(requested, store.inserted - store.capacity) / store.capacity
        age(store.owner, store.mix, hazard, world)
        return hazard
    return 0.0


def age_tenured(world: World) -> None:
    """Exponential lifetimes: the hazard grows with time."""
    memory, now = world.memory, world.env.now
    elapsed, memory.aged_at = now - memory.aged_at, now
    if elapsed:
        for (mean, mix), owner in memory.tenured.items():
            age(owner, mix, elapsed / mean, world)


def age(owner: int, mix: int, hazard: float, world: World) -> None:
    """What a memoryless owner holds dies at this hazard, written down or not."""
    memory = world.memory
    memory.ledger.advance(owner, hazard)
    if owner in memory.kept[mix]:
        memory.kept[mix][owner].pending *= math.exp(-hazard)


def let_go(holder: Holder, mix: int, world: World) -> None:
    """Nobody holds this any more: it is garbage."""
    memory = world.memory
    memory.holders[mix].pop(holder, None)
    if mix in memory.finalizers.unreachable and holder.pending:
        lose(mix, holder.pending, holder.bursts, world)
    holder.pending = 0.0
    if holder.owner >= 0:
        memory.ledger.end_owner(holder.owner)
        holder.owner = -1


def let_go_of_all(g: G, world: World) -> None:
    """The goroutine has ended: what it keeps is garbage, what it borrowed goes back."""
    for pool in g.lent:
        pool.put()
    for mix, holder in g.keeps.items():
        let_go(holder, mix, world)


def lose(mix: int, slots: float, bursts: float, world: World) -> None:
    """Nobody holds these slots, but they have finalizers."""
    holder = world.memory.finalizers.lose(mix, slots, bursts)
    world.memory.holders[mix][holder] = None
