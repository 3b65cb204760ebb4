"""Who keeps what was allocated: goroutines, stores, long-lived owners; and letting it go."""

from __future__ import annotations

from sim.world import G, Holder, Store, World


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
