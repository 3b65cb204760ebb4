"""A generational collector as HotSpot's serial one: eden, two survivor spaces, an old space."""

from __future__ import annotations

from typing import Final

from sim.mechanisms.graph import Ref
from sim.mechanisms.moving import MovingRuntime, Space, Tlab
from sim.mechanisms.script import ScenarioSettings, Type
from sim.units import Bytes

CARD: Final = 512
"""Bytes of memory that share a mark in the card table (HotSpot)."""
BASE: Final = 0x10000


class Generational(MovingRuntime):
    """Young objects are copied, old ones marked and slid together, both with the world stopped."""

    def __init__(self, settings: ScenarioSettings, types: dict[str, Type]) -> None:
        super().__init__(settings, types)
        at = BASE
        spaces = []
        for name, size, kind in (
            ("eden", settings.eden, "used"),
            ("survivor 0", settings.survivor, "survivor"),
            ("survivor 1", settings.survivor, "survivor"),
            ("old", settings.old, "old"),
        ):
            spaces.append(Space(name, at, size, kind))
            at += size
        self.eden, self.source, self.target, self.old = spaces
        self.dirty: set[int] = set()
        """Cards of the old space in which a pointer was written."""

    def spaces(self) -> list[Space]:
        """See `MovingRuntime`."""
        spaces = [self.eden, self.source, self.target, self.old]
        return sorted(spaces, key=lambda space: space.start)

    def new_tlab(self, actor: str, size: Bytes) -> Tlab | None:
        """The next piece of eden; threads take it with one atomic addition."""
        del actor
        wanted = max(size, self.settings.tlab)
        room = self.eden.size - self.eden.top
        taken = min(wanted, room)
        if taken < size:
            return None
        address = self.eden.bump(taken)
        assert address is not None
        return Tlab(self.eden, address, address + taken)

    def remember(self, actor: str, holder: Ref, new: Ref | None) -> None:
        """Card marking: the next young collection looks at old objects on dirty cards only."""
        thing = self.things[holder]
        if thing.space is not self.old:
            return
        card = (thing.address - self.old.start) // CARD
        self.dirty.add(card)
        young = new is not None and self.things[new].space is not self.old
        text = f"card {card} of the old space is dirty: {thing.name} may point to a young object"
        if young:
            self.tell(actor, "barrier", text)

    def make_room(self, actor: str) -> None:
        """A young collection, or a full one if the old space might not hold the survivors."""
        young = sum(
            self.things[ref].size for space in (self.eden, self.source) for ref in space.objects
        )
        if self.old.size - self.old.top < young:
            self.collect_all(actor)
        else:
            self._collect_young()

    def _collect_young(self) -> None:
        self.counts.pauses += 1
        self.tell("gc", "start", "eden is full: the world stops for a young collection")
        self.tlabs.clear()
        moving = {*self.eden.objects, *self.source.objects}
        remembered = [ref for ref in self.old.objects if self._cards(ref) & self.dirty]
        self.evacuate(moving, remembered, self._target)
        dead = [*self.forget(self.eden), *self.forget(self.source)]
        self.source, self.target = self.target, self.source
        self._clean_cards()
        text = (
            f"eden and {self.target.name} are free at once: {len(dead)} dead objects were never"
            " looked at; the world starts again"
        )
        self.tell("gc", "end", text)

    def _cards(self, ref: Ref) -> set[int]:
        thing = self.things[ref]
        first = (thing.address - self.old.start) // CARD
        last = (thing.address + thing.size - 1 - self.old.start) // CARD
        return set(range(first, last + 1))

    def _target(self, ref: Ref) -> Space:
        """The other survivor space; the old one for those of age, and if the other is full."""
        thing = self.things[ref]
        fits = self.target.top + thing.size <= self.target.size
        return self.target if thing.age < self.settings.tenure and fits else self.old

    def _clean_cards(self) -> None:
        """Cards stay dirty where an old object still points to a young one."""
        self.dirty = {
            card
            for ref in self.old.objects
            for to in self.graph.fields[ref].values()
            if to in self.things and self.things[to].space is not self.old
            for card in self._cards(ref)
        }

    def collect_all(self, actor: str) -> None:
        """Mark everything, and slide what lives to the start of the old space (mark-compact)."""
        del actor
        self.counts.pauses += 1
        self.tell("gc", "start", "the world stops for a full collection: mark, then compact")
        self.tlabs.clear()
        live = self.graph.reachable()
        self.counts.visits_while_stopped += len(live)
        self.colours = {ref: "black" if ref in live else "white" for ref in self.things}
        self.tell("gc", "scan", f"marks {len(live)} of {len(self.things)} objects from the roots")
        order = [ref for space in (self.old, self.eden, self.source) for ref in space.objects]
        for ref in order:
            if ref not in live:
                self.things[ref].space.objects.remove(ref)
                del self.things[ref]
        self.old.top = 0
        for ref in order:
            if ref in live:
                self._slide(ref)
        for space in (self.eden, self.source):
            space.clear()
        self.colours = {}
        self._clean_cards()
        self.tell("gc", "end", "the old space has no holes; the world starts again")

    def _slide(self, ref: Ref) -> None:
        """To the end of what has been compacted; what is there already need not move."""
        thing = self.things[ref]
        if thing.space is self.old and thing.address == self.old.start + self.old.top:
            self.old.top += thing.size
            return
        self.move(ref, self.old)
        self.tell("gc", "copy", f"slides {thing.name} to {thing.address:#x}")
