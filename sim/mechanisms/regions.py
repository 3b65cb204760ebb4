"""A region collector as HotSpot's G1: the heap in regions, emptied where most garbage is."""

from __future__ import annotations

from typing import Final

from sim.errors import UserError
from sim.mechanisms.graph import Ref
from sim.mechanisms.moving import MovingRuntime, Space, Tlab
from sim.mechanisms.script import ScenarioSettings, Type
from sim.units import Bytes

BASE: Final = 0x10000
START_MARKING: Final = 0.45
"""Share of old regions from which on they are marked (InitiatingHeapOccupancyPercent)."""
MOST_LIVE: Final = 0.85
"""Old regions with more live bytes are left alone (G1MixedGCLiveThresholdPercent)."""
MOST_MIXED: Final = 2
"""Old regions that one pause takes beside the young ones; HotSpot's pause goal decides on that."""
KINDS: Final = {"eden": "used", "survivor": "survivor", "old": "old", "free": "free"}


class Regions(MovingRuntime):
    """Young regions are evacuated in every pause, old ones when marking found much garbage."""

    def __init__(self, settings: ScenarioSettings, types: dict[str, Type]) -> None:
        super().__init__(settings, types)
        self.regions = [
            Space(f"region {number}", BASE + number * settings.region, settings.region, "free")
            for number in range(settings.regions)
        ]
        self.roles: dict[str, str] = {region.name: "free" for region in self.regions}
        self.remembered: dict[str, set[Ref]] = {region.name: set() for region in self.regions}
        """By region: objects in other regions that may point into it."""
        self.live: dict[str, Bytes] = {}
        """By old region: live bytes, as marking found them."""

    def spaces(self) -> list[Space]:
        """See `MovingRuntime`."""
        return self.regions

    def of(self, role: str) -> list[Space]:
        """The regions that have a role."""
        return [region for region in self.regions if self.roles[region.name] == role]

    def _take(self, role: str) -> Space | None:
        """A free region gets a role; None if there is none."""
        free = self.of("free")
        if not free:
            return None
        self.roles[free[0].name], free[0].kind = role, KINDS[role]
        return free[0]

    def _release(self, region: Space) -> list[Ref]:
        """A region is free again, whatever was in it; the dead ones."""
        dead = self.forget(region)
        self.roles[region.name], region.kind = "free", "free"
        self.remembered[region.name].clear()
        self.live.pop(region.name, None)
        return dead

    def new_tlab(self, actor: str, size: Bytes) -> Tlab | None:
        """A piece of an eden region, or of a new one while the young generation may grow."""
        del actor
        if size > self.settings.region:
            raise UserError("an object larger than a region (humongous) cannot be watched here")
        wanted = max(size, self.settings.tlab)
        for region in self.of("eden"):
            taken = min(wanted, region.size - region.top)
            if taken >= size:
                return self._piece(region, taken)
        young = len(self.of("eden")) + len(self.of("survivor"))
        if young * self.settings.region >= self.settings.eden:
            return None
        fresh = self._take("eden")
        return None if fresh is None else self._piece(fresh, min(wanted, fresh.size))

    def _piece(self, region: Space, size: Bytes) -> Tlab:
        address = region.bump(size)
        assert address is not None
        return Tlab(region, address, address + size)

    def remember(self, actor: str, holder: Ref, new: Ref | None) -> None:
        """A pointer from an old region into another one enters that one's remembered set."""
        if new is None:
            return
        source, target = self.things[holder].space, self.things[new].space
        if source is not target and self.roles[source.name] == "old":
            self.remembered[target.name].add(holder)
            text = f"{target.name} remembers {self.name(holder)}, which points into it"
            self.tell(actor, "barrier", text)

    def make_room(self, actor: str) -> None:
        """A pause: young regions, and after marking the old ones with most garbage."""
        del actor
        mixed = self._worth_it()
        self._evacuate([*self.of("eden"), *self.of("survivor"), *mixed], mixed)
        if len(self.of("old")) >= START_MARKING * len(self.regions):
            self._mark()

    def collect_all(self, actor: str) -> None:
        """Mark, and then evacuate all regions that are worth it, and the young ones."""
        del actor
        self._mark()
        mixed = self._worth_it(len(self.regions))
        self._evacuate([*self.of("eden"), *self.of("survivor"), *mixed], mixed)

    def _worth_it(self, most: int = MOST_MIXED) -> list[Space]:
        """Old regions with garbage, those with most of it first."""
        known = [region for region in self.of("old") if region.name in self.live]
        known.sort(key=lambda region: self.live[region.name])
        return [region for region in known if self.live[region.name] < MOST_LIVE * region.size][
            :most
        ]

    def _evacuate(self, chosen: list[Space], mixed: list[Space]) -> None:
        """Copy what lives in the chosen regions elsewhere; then they are free."""
        self.counts.pauses += 1
        kind = f"a mixed pause with {len(mixed)} old regions" if mixed else "a young pause"
        self.tell("gc", "start", f"the world stops for {kind}: {len(chosen)} regions are emptied")
        self.tlabs.clear()
        moving = {ref for region in chosen for ref in region.objects}
        holders = {ref for region in chosen for ref in self.remembered[region.name]}
        outside = [ref for ref in sorted(holders) if ref in self.things and ref not in moving]
        leaving = {region.name for region in chosen}
        self.evacuate(moving, outside, lambda ref: self._target(ref, leaving))
        dead = [ref for region in chosen for ref in self._release(region)]
        self._remember_moved(moving - set(dead))
        text = f"{len(chosen)} regions are free: {len(dead)} dead objects were never looked at"
        self.tell("gc", "end", f"{text}; the world starts again")

    def _target(self, ref: Ref, leaving: set[str]) -> Space:
        """A survivor region; an old one for those of age, and for those that were old."""
        thing = self.things[ref]
        old = thing.age >= self.settings.tenure or self.roles[thing.space.name] == "old"
        role = "old" if old else "survivor"
        for region in self.of(role):
            if region.name not in leaving and region.top + thing.size <= region.size:
                return region
        fresh = self._take(role)
        if fresh is None:
            raise UserError("the heap of the scenario is full: no free region to copy into")
        return fresh

    def _remember_moved(self, moved: set[Ref]) -> None:
        """Pointers of what has become old, and to what has moved, are remembered anew."""
        for holder, thing in self.things.items():
            if self.roles[thing.space.name] != "old":
                continue
            for to in self.graph.fields[holder].values():
                if to in self.things and (to in moved or holder in moved):
                    target = self.things[to].space
                    if target is not thing.space:
                        self.remembered[target.name].add(holder)

    def _mark(self) -> None:
        """Marking of the whole heap: live bytes of each old region; wholly dead ones are freed."""
        live = self.graph.reachable()
        self.colours = {ref: "black" if ref in live else "white" for ref in self.things}
        self.live = {
            region.name: sum(self.things[ref].size for ref in region.objects if ref in live)
            for region in self.of("old")
        }
        shown = ", ".join(f"{name} {size} B" for name, size in self.live.items()) or "no old region"
        self.tell("gc", "scan", f"marks beside the program; live: {shown}")
        self.colours = {}
        for region in self.of("old"):
            if self.live[region.name] == 0:
                self._release(region)
                self.tell("gc", "release", f"{region.name} holds garbage only: it is free at once")
