"""Who keeps what was allocated: goroutines, stores, long-lived owners; and letting it go."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import numpy as np

from sim.actors.memory import Memory
from sim.actors.state import G
from sim.engine.clock import ProcessClock
from sim.go.pool import SyncPool
from sim.workload import program as spec
from sim.workload.ledger import Law
from sim.workload.mixes import MixBook
from sim.workload.retention import Holder, StoreState
from sim.workload.tables import LARGE_TREE, SMALL_TREE, Entries, table_share

ROUNDING_SLACK: Final = 1e-6
"""Slots; six objects of 170.67 bytes that are asked for as 1 KiB are 5.999999999999999."""

LAWS: Final = {"random": Law.HAZARD, "oldest": Law.WINDOW, "none": Law.HAZARD}
"""How what a store keeps ages, by how it replaces entries."""
Keep: TypeAlias = Callable[[G, float], None]
"""Lets somebody keep so many slots that a goroutine has allocated."""


class Retention:
    """What stays reachable beside what a batch has written into the ledger."""

    def __init__(
        self,
        clock: ProcessClock,
        mixes: MixBook,
        memory: Memory,
        program: spec.Program,
        replacement: np.random.Generator,
    ) -> None:
        self._clock, self._mixes = clock, mixes.mixes
        self._ledger, self._finalizers = memory.ledger, memory.finalizers
        self._replacement = replacement
        self.stores = {
            name: self._empty_store(store, mixes.ids[store.of])
            for name, store in program.stores.items()
        }
        self.pools = {name: SyncPool(self._ledger.add_owner(Law.HAZARD)) for name in program.pools}
        self.kept: list[dict[int, Holder]] = [{} for _ in mixes.mixes]
        """What long-lived owners keep, by mix and owner."""
        self._waiting: list[dict[Holder, None]] = [{} for _ in mixes.mixes]
        """Who has something that is not written down yet, by mix, in order of time."""
        self._tenured: dict[tuple[float, int], int] = {}
        """Owners of objects with exponential lifetimes by their mean (ns) and mix."""
        self._kinds = mixes.kinds
        self._shares: dict[tuple[int, int], float] = {}
        """Pointers of a table for each slot, by mix and objects of a tree."""
        self._aged_at = 0
        """When exponential lifetimes were last accounted for, ns."""

    def _empty_store(self, store: spec.Store, mix: int) -> StoreState:
        owner = self._ledger.add_owner(LAWS[store.replacement], capacity=store.size)
        return StoreState(owner, mix, store.size, store.replacement, store.structure)

    def tenured(self, mean: float, mix: int) -> int:
        """The owner of a mix's objects that live for an exponential time, made on first use."""
        if (mean, mix) not in self._tenured:
            self._tenured[mean, mix] = self._ledger.add_owner(Law.HAZARD)
        return self._tenured[mean, mix]

    def owners_of(self, mix: int) -> Iterable[tuple[int, int, int]]:
        """(owner, slots, bursts) of everybody who keeps slots of a mix; long-lived owners first.

        These slots are being written down.
        """
        waiting, self._waiting[mix] = self._waiting[mix], {}
        for holder in [*self.kept[mix].values(), *waiting]:
            whole = int(holder.pending + ROUNDING_SLACK)
            if whole:
                holder.pending = max(holder.pending - whole, 0.0)
                if holder.owner < 0:
                    holder.owner = self._ledger.add_owner(Law.ENDS)
                yield holder.owner, whole, max(round(holder.bursts), 1)
                holder.bursts = 0.0

    # -- keeping -----------------------------------------------------------------------------

    def keep(self, g: G, mix: int, slots: float) -> None:
        """The goroutine keeps these slots until it ends."""
        holder = g.keeps.get(mix)
        if holder is None:
            holder = g.keeps[mix] = Holder()
        self._keep_with(holder, g, mix, slots)

    def _keep_with(self, holder: Holder, g: G, mix: int, slots: float) -> None:
        """Whoever this is keeps these slots."""
        self._waiting[mix][holder] = None
        holder.pending += slots
        _count_bursts(holder, g)
        holder.requested += slots / self._mixes[mix].slots_per_byte

    def insert(self, store: StoreState, g: G, slots: float) -> None:
        """A store keeps these slots; a full one replaces others by them, even some of these."""
        per_byte = self._mixes[store.mix].slots_per_byte
        hazard = self._age_by_insertion(store, slots / per_byte)
        survive = -math.expm1(-hazard) / hazard if hazard else 1.0
        self.keep_forever(store.owner, g, store.mix, slots * survive)
        holder = self.kept[store.mix][store.owner]
        if store.replacement == "oldest" and holder.pending > store.capacity * per_byte:
            holder.bursts *= store.capacity * per_byte / holder.pending
            holder.pending = store.capacity * per_byte

    def keep_forever(self, owner: int, g: G, mix: int, slots: float) -> None:
        """An owner without an end, or with a memoryless one, keeps these slots."""
        self.age_tenured()
        kept = self.kept[mix]
        holder = kept.get(owner)
        if holder is None:
            holder = kept[owner] = Holder(owner=owner)
        holder.pending += slots
        _count_bursts(holder, g)

    def publish(self, g: G, store: StoreState) -> None:
        """A store takes over what the goroutine keeps of its mix as one entry, and drops others."""
        entry = g.keeps.pop(store.mix, None)
        if entry is None:
            return
        store.entries.append(entry)
        store.entries_requested += entry.requested
        self._age_by_insertion(store, entry.requested)
        while store.replacement != "none" and store.entries_requested > store.capacity:
            if store.replacement == "random":
                which = int(self._replacement.integers(len(store.entries)))
                store.entries[0], store.entries[which] = store.entries[which], store.entries[0]
            dropped = store.entries.popleft()
            store.entries_requested -= dropped.requested
            self.let_go(dropped, store.mix)

    # -- who keeps what a step allocates -----------------------------------------------------

    def keep_in_goroutine(self, mix: int) -> Keep:
        """The goroutine keeps the objects until it ends."""
        return lambda g, slots: self.keep(g, mix, slots)

    def keep_apart(self, holder: Holder, mix: int) -> Keep:
        """The goroutine keeps the objects until it lets go of them (`let_go`)."""
        return lambda g, slots: self._keep_with(holder, g, mix, slots)

    def keep_for_finalizers(self, mix: int) -> Keep | None:
        """Nobody keeps the objects; None where they have no finalizers either."""
        if mix not in self._finalizers.unreachable:
            return None
        return lambda _, slots: self.lose(mix, slots, 1.0)

    def keep_in(self, store: StoreState) -> Keep:
        """A store keeps them."""
        return lambda g, slots: self.insert(store, g, slots)

    def keep_with(self, owner: int, mix: int) -> Keep:
        """A long-lived owner keeps them."""
        return lambda g, slots: self.keep_forever(owner, g, mix, slots)

    def entries(self) -> Entries:
        """What tables and lists lead to: the entries of stores, and what lives for long."""
        found, kinds = Entries(), len(self._kinds)
        for store in self.stores.values():
            slots = store.held * self._mixes[store.mix].slots_per_byte
            random = store.replacement == "random" and not store.entries
            share = self._share(store.mix, SMALL_TREE if random else LARGE_TREE)
            found = found.plus(store.structure, slots, share)
        for (mean, mix), owner in self._tenured.items():
            slots = float(self._ledger.held_by(owner, kinds).sum())
            tree = LARGE_TREE if mean == math.inf else SMALL_TREE
            found = found.plus("table", slots, self._share(mix, tree))
        return found

    def _share(self, mix: int, tree: int) -> float:
        """Pointers of a table for each slot."""
        if (mix, tree) not in self._shares:
            self._shares[mix, tree] = table_share(self._mixes[mix], self._kinds, tree)
        return self._shares[mix, tree]

    # -- ageing ------------------------------------------------------------------------------

    def _age_by_insertion(self, store: StoreState, requested: float) -> float:
        """New data drives out what lies in a full store object by object; the hazard of each.

        There is none where they go in order.
        """
        store.inserted += requested
        if store.replacement == "oldest":
            self._ledger.advance(store.owner, requested)
        elif store.replacement == "random" and store.inserted > store.capacity:
            hazard = min(requested, store.inserted - store.capacity) / store.capacity
            self._age(store.owner, store.mix, hazard)
            return hazard
        return 0.0

    def age_tenured(self) -> None:
        """Exponential lifetimes: the hazard grows with time."""
        now = self._clock.now
        elapsed, self._aged_at = now - self._aged_at, now
        if elapsed:
            for (mean, mix), owner in self._tenured.items():
                self._age(owner, mix, elapsed / mean)

    def _age(self, owner: int, mix: int, hazard: float) -> None:
        """What a memoryless owner holds dies at this hazard, written down or not."""
        self._ledger.advance(owner, hazard)
        if owner in self.kept[mix]:
            self.kept[mix][owner].pending *= math.exp(-hazard)

    # -- letting go --------------------------------------------------------------------------

    def let_go_of_all(self, g: G) -> None:
        """The goroutine has ended: what it keeps is garbage, what it borrowed goes back."""
        assert g.p is not None
        for pool in g.lent:
            pool.put(g.p.id)
        for mix, holder in g.keeps.items():
            self.let_go(holder, mix)

    def let_go(self, holder: Holder, mix: int) -> None:
        """Nobody holds this any more: it is garbage."""
        self._waiting[mix].pop(holder, None)
        if mix in self._finalizers.unreachable and holder.pending:
            self.lose(mix, holder.pending, holder.bursts)
        holder.pending = 0.0
        if holder.owner >= 0:
            self._ledger.end_owner(holder.owner)
            holder.owner = -1

    def lose(self, mix: int, slots: float, bursts: float) -> None:
        """Nobody holds these slots, but they have finalizers."""
        holder = self._finalizers.lose(mix, slots, bursts)
        self._waiting[mix][holder] = None


def _count_bursts(holder: Holder, g: G) -> None:
    """What a P allocates for the same holder as the last time lies beside that."""
    p = g.p
    assert p is not None
    if p.holder is not holder:
        p.holder = holder
        holder.bursts += 1
