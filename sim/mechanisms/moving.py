"""What the copying collectors of Java virtual machines share: TLABs, headers, copying.

Sources: Cheney, A nonrecursive list compacting algorithm, 1970; Ungar, Generation scavenging, 1984;
Detlefs et al., Garbage-first garbage collection, 2004; the HotSpot tuning guide of Oracle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from sim.errors import UserError
from sim.mechanisms.frame import Event
from sim.mechanisms.graph import Graph, Pointers, Ref
from sim.mechanisms.names import NIL
from sim.mechanisms.program import Write
from sim.mechanisms.script import ScenarioSettings, Type
from sim.units import Bytes

HEADER: Final = 16
"""Mark word and class pointer of an object (HotSpot on 64 bits, without compression)."""
ALIGN: Final = 8


@dataclass
class Space:
    """A piece of memory in which objects are put side by side: a bump pointer."""

    name: str
    start: int
    size: Bytes
    kind: str
    """How its objects are drawn: `used` (young), `survivor` or `old`."""
    top: int = 0
    """Bytes taken, from the start."""
    objects: list[Ref] = field(default_factory=list)
    """In the order of their addresses."""

    def bump(self, size: Bytes) -> int | None:
        """The address of `size` more bytes; None if they do not fit."""
        if self.top + size > self.size:
            return None
        self.top += size
        return self.start + self.top - size

    def clear(self) -> None:
        """Free all at once: nobody looks at the dead."""
        self.top = 0
        self.objects.clear()


@dataclass
class Thing:
    """An object, and where it is now."""

    name: str
    size: Bytes
    """With its header, rounded to 8 bytes."""
    address: int
    space: Space
    age: int = 0
    """Collections that it has survived."""


@dataclass
class Tlab:
    """A thread-local allocation buffer: a part of eden in which one goroutine bumps a pointer."""

    space: Space
    next: int
    end: int


@dataclass
class Counts:
    """What the collector has done, in all."""

    copied_objects: int = 0
    copied_bytes: Bytes = 0
    barriers: int = 0
    pauses: int = 0
    visits_while_stopped: int = 0
    tlabs: int = 0


class MovingRuntime:
    """The memory of a program under a collector that moves objects; subclasses say how."""

    def __init__(self, settings: ScenarioSettings, types: dict[str, Type]) -> None:
        self.settings, self.types = settings, types
        self.graph = Graph()
        self.things: dict[Ref, Thing] = {}
        self.listener: Callable[[Event], None] = lambda _: None
        self.tlabs: dict[str, Tlab] = {}
        self.counts = Counts()
        self.names: set[str] = set()
        self.colours: dict[Ref, str] = {}
        """Of objects that take part in the collection that is under way."""

    # -- what a collector is ---------------------------------------------------------------------

    def new_tlab(self, actor: str, size: Bytes) -> Tlab | None:
        """Room for an allocation buffer of at least so many bytes; None if there is none."""
        raise NotImplementedError

    def make_room(self, actor: str) -> None:
        """Collect, as no buffer can be had."""
        raise NotImplementedError

    def collect_all(self, actor: str) -> None:
        """Collect the whole heap, as the program asks for it."""
        raise NotImplementedError

    def remember(self, actor: str, holder: Ref, new: Ref | None) -> None:
        """The barrier behind a write of a pointer into an object."""
        raise NotImplementedError

    def spaces(self) -> list[Space]:
        """All of the memory, in the order of its addresses."""
        raise NotImplementedError

    # -- the memory of the program ---------------------------------------------------------------

    def allocate(
        self, actor: str, kind: str, name: str, pointers: Pointers, frame: Pointers
    ) -> None:
        """Bump a pointer in the goroutine's buffer; if it is full get another one, or collect."""
        size = -(-(self.types[kind].size + HEADER) // ALIGN) * ALIGN
        tlab = self._tlab(actor, size)
        ref = len(self.graph.fields)
        self.graph.fields[ref] = dict.fromkeys(self.types[kind].pointers) | pointers
        self.things[ref] = Thing(self._fresh_name(name), size, tlab.next, tlab.space)
        tlab.space.objects.append(ref)
        tlab.space.objects.sort(key=lambda one: self.things[one].address)
        text = f"{self.name(ref)} = new({kind}), {size} B with header, at {tlab.next:#x}: a bump"
        tlab.next += size
        frame[name] = ref
        self.tell(actor, "allocate", text)

    def _tlab(self, actor: str, size: Bytes) -> Tlab:
        """The goroutine's buffer, with room for so many bytes."""
        tlab = self.tlabs.get(actor)
        for _ in range(3):
            if tlab is not None and tlab.next + size <= tlab.end:
                return tlab
            tlab = self.new_tlab(actor, size)
            if tlab is None:
                self.make_room(actor)
                continue
            self.tlabs[actor] = tlab
            self.counts.tlabs += 1
            text = f"takes a buffer of {tlab.end - tlab.next} B in {tlab.space.name}"
            self.tell(actor, "refill", text)
        raise UserError(
            f"the heap of the scenario is full: no room for {size} B after a collection"
        )

    def _fresh_name(self, name: str) -> str:
        number, free = 2, name
        while free in self.names:
            number, free = number + 1, f"{name}{number}"
        self.names.add(free)
        return free

    def barrier(self, actor: str, write: Write) -> bool:
        """What comes before a write: nothing; see `remember`."""
        del actor, write
        return False

    def write(self, actor: str, write: Write) -> None:
        """A pointer is written, and then remembered if it has to be."""
        pointers = self.graph.globals if write.holder is None else self.graph.fields[write.holder]
        pointers[write.field] = write.new
        holder = "" if write.holder is None else f"{self.name(write.holder)}."
        self.tell(actor, "point", f"{holder}{write.field} = {self.name(write.new)}")
        if write.holder is not None:
            self.counts.barriers += 1
            self.remember(actor, write.holder, write.new)

    def local(self, actor: str, text: str) -> None:
        """No barrier on stacks."""
        self.tell(actor, "program", text)

    def spawned(self, actor: str, name: str, arguments: Sequence[Ref | None]) -> None:
        """A thread begins."""
        del arguments
        self.tell(actor, "program", f"go {name}()")

    def finalizer(self, actor: str, ref: Ref) -> None:
        """Not part of this contrast."""
        self.tell(actor, "finalizer", f"finalizer of {self.name(ref)}: not watched here")

    def collect(self, actor: str, *, wait: bool) -> bool:
        """The whole heap is collected at once."""
        del wait
        self.collect_all(actor)
        return False

    def scavenge(self, actor: str, size: int) -> None:
        """Not part of this contrast."""
        del actor, size

    def compute(self, actor: str, time: int) -> None:
        """Nothing to see."""
        del actor, time

    # -- copying ---------------------------------------------------------------------------------

    def evacuate(
        self, moving: set[Ref], remembered: Sequence[Ref], target: Callable[[Ref], Space]
    ) -> None:
        """Copy what roots and remembered objects reach of `moving`, breadth first (Cheney 1970).

        `target` says where a survivor goes, with room for it.
        """
        self.colours = dict.fromkeys(moving, "white")
        waiting: list[Ref] = []
        for name in self.graph.roots():
            self.tell("gc", "root", f"scans {name}")
            found = [self._copy(ref, target) for ref in self.graph.root(name)]
            waiting += [ref for ref in found if ref is not None]
        for holder in remembered:
            waiting += self._scan(holder, target)
        while waiting:
            waiting += self._scan(waiting.pop(0), target)
        self.colours = {}

    def _scan(self, holder: Ref, target: Callable[[Ref], Space]) -> list[Ref]:
        """Copy what an object points to, and correct its pointers."""
        self.counts.visits_while_stopped += 1
        pointers = [to for to in self.graph.fields[holder].values() if to is not None]
        found = [self._copy(to, target) for to in pointers]
        if holder in self.colours:
            self.colours[holder] = "black"
        self.tell("gc", "scan", f"scans {self.name(holder)}, and corrects its pointers")
        return [ref for ref in found if ref is not None]

    def _copy(self, ref: Ref, target: Callable[[Ref], Space]) -> Ref | None:
        """Move an object that has not moved yet; None for others."""
        if self.colours.get(ref) != "white":
            return None
        thing = self.things[ref]
        thing.age += 1
        space = target(ref)
        self.move(ref, space)
        self.colours[ref] = "grey"
        aged = f"age {thing.age}"
        self.tell("gc", "copy", f"copies {thing.name} ({thing.size} B, {aged}) to {space.name}")
        return ref

    def move(self, ref: Ref, space: Space) -> None:
        """Put an object at the end of a space that has room."""
        thing = self.things[ref]
        address = space.bump(thing.size)
        if address is None:
            raise UserError(f"the heap of the scenario is full: {space.name} has no room for it")
        if ref in thing.space.objects:
            thing.space.objects.remove(ref)
        thing.address, thing.space = address, space
        space.objects.append(ref)
        self.counts.copied_objects += 1
        self.counts.copied_bytes += thing.size

    def forget(self, space: Space) -> list[Ref]:
        """Free a space at once; what was in it and did not move is dead."""
        dead = list(space.objects)
        for ref in dead:
            del self.things[ref]
        space.clear()
        return dead

    # -- telling ---------------------------------------------------------------------------------

    def tell(self, actor: str, kind: str, text: str, rule: str = "") -> None:
        """An event."""
        self.listener(Event(actor, kind, text, rule))

    def name(self, ref: Ref | None) -> str:
        """An object's name."""
        return NIL if ref is None else self.things[ref].name
