"""Go's runtime over a small heap: allocation, the write barrier, assists (runtime/malloc.go)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sim.go.kinds import HEADER_ABOVE, WORD
from sim.go.pacer.go127 import Go127Pacer
from sim.go.sizeclass import TINY_SIZE, SizeClassTable
from sim.go.sweep import SweepPace
from sim.machine.profile import MachineProfile
from sim.mechanisms.barrier import BARRIERS
from sim.mechanisms.cycle import SmallCollector
from sim.mechanisms.finalizers import SET
from sim.mechanisms.frame import Event
from sim.mechanisms.graph import Graph, Pointers, Ref
from sim.mechanisms.heap import PlacedObject, Slots, SmallHeap, SweptSpan
from sim.mechanisms.names import NIL
from sim.mechanisms.program import Write
from sim.mechanisms.script import ScenarioSettings, Type
from sim.mechanisms.where import path_of
from sim.units import MAX_INT64, Bytes, format_bytes

MOST_LISTED = 8
"""Names that fit into a line."""


@dataclass(frozen=True)
class Item:
    """An object: what it is, and where it lies."""

    name: str
    kind: str
    size: Bytes
    noscan: bool
    scan: Bytes
    """What scanning it counts as work."""
    span: Slots[Ref]
    index: int

    @property
    def address(self) -> int:
        """Of its slot."""
        return self.span.address(self.index)


class GoRuntime:
    """The memory of a program under Go; the collector is its `cycle`."""

    def __init__(
        self,
        settings: ScenarioSettings,
        types: dict[str, Type],
        sizes: SizeClassTable,
        machine: MachineProfile,
    ) -> None:
        self.settings, self.types, self.machine = settings, types, machine
        self.graph = Graph()
        self.items: dict[Ref, Item] = {}
        self.listener: Callable[[Event], None] = lambda _: None
        self.pacer = Go127Pacer()
        self.pacer.configure(settings.gogc, MAX_INT64, 0)
        self.pace = SweepPace()
        self.heap: SmallHeap[Ref] = SmallHeap(sizes, self._pages_owed)
        self.names: set[str] = set()
        self.now = 0.0
        """CPU time of all steps so far, ns."""
        self.heap_scan = 0
        """Scannable bytes allocated since the last refill (runtime/mcache.go: scanAlloc)."""
        self.ps: dict[str, int] = {}
        self.cycle = SmallCollector(self, BARRIERS[settings.barrier])

    def p_of(self, actor: str) -> int:
        """The P on which a goroutine runs: they take turns at getting one."""
        return self.ps.setdefault(actor, len(self.ps)) % self.settings.gomaxprocs

    def tell(self, actor: str, kind: str, text: str, rule: str = "") -> None:
        """An event."""
        self.listener(Event(actor, kind, text, rule))

    def listed(self, refs: Sequence[Ref]) -> str:
        """Names of objects; of many their number."""
        names = [self.items[ref].name for ref in refs if ref in self.items]
        if len(names) > MOST_LISTED:
            return f"{len(names)} objects"
        return ", ".join(names) or "nothing"

    def name(self, ref: Ref | None) -> str:
        """An object's name."""
        return NIL if ref is None else self.items[ref].name

    # -- the memory of the program ---------------------------------------------------------------

    def allocate(
        self, actor: str, kind: str, name: str, pointers: Pointers, frame: Pointers
    ) -> None:
        """A new object; black while the collector marks (runtime/malloc.go: mallocgc)."""
        self.cycle.assists.before_allocation(actor, self.types[kind].size)
        size, fields = self.types[kind].size, self.types[kind].pointers
        ref = len(self.graph.fields)
        placed = self.heap.allocate(self.p_of(actor), size, ref, noscan=not fields)
        scan = WORD * len(fields)
        if fields and size > HEADER_ABOVE:
            scan = placed.span.size
        self.items[ref] = Item(
            self._fresh_name(name), kind, size, not fields, scan, placed.span, placed.index
        )
        self.graph.fields[ref] = dict.fromkeys(fields) | pointers
        frame[name] = ref
        self.heap_scan += scan
        self.now += self._malloc_ns(size, bool(fields), placed)
        self.cycle.allocated(actor, ref, placed)
        self._tell_allocation(actor, ref, placed)

    def _malloc_ns(self, size: Bytes, pointers: bool, placed: PlacedObject[Ref]) -> float:
        path = path_of(size, pointers, self.heap.sizes, self.machine)
        alloc = self.machine.alloc
        refill = {"hit": 0.0, "tiny": 0.0, "large": 0.0, "fresh": alloc.refill_fresh_ns}
        sweep = len(placed.swept) * self.machine.sweep.span_ns
        return path.steps[0].cost_ns + refill.get(placed.how, alloc.refill_partial_ns) + sweep

    def _fresh_name(self, name: str) -> str:
        number, free = 2, name
        while free in self.names:
            number, free = number + 1, f"{name}{number}"
        self.names.add(free)
        return free

    def _tell_allocation(self, actor: str, ref: Ref, placed: PlacedObject[Ref]) -> None:
        item, span, p = self.items[ref], placed.span, self.p_of(actor)
        for swept in placed.swept:
            self.tell_swept(actor, swept)
        if placed.grown:
            text = f"the heap grows by {format_bytes(placed.grown)}: reserved, not yet resident"
            self.tell(actor, "grow", text, "mheap.go: grow")
        if placed.how not in ("hit", "tiny", "large"):
            self._tell_refill(actor, placed)
        where = f"{item.address:#x}, slot {item.index + 1} of {len(span.items)}"
        how = {"tiny": f"into P{p}'s tiny block", "large": "a span of its own"}
        text = f"{item.name} = new({item.kind}), {item.size} B: slot of {span.size} B at {where}"
        small = "mallocgcTiny" if item.noscan and item.size < TINY_SIZE else "nextFreeFast"
        rule = "mallocgcLarge" if placed.how == "large" else small
        black = "; black, as the collector marks" if self.cycle.marks else ""
        self.tell(
            actor,
            "allocate",
            f"{text}{_comma(how.get(placed.how, ''))}{black}",
            f"malloc.go: {rule}",
        )

    def _tell_refill(self, actor: str, placed: PlacedObject[Ref]) -> None:
        span = placed.span
        free = len(span.items) - int(self.heap.mheap.spans.allocated[span.row]) + 1
        source = (
            "a fresh one from the page heap"
            if placed.how == "fresh"
            else (f"one of the mcentral's {placed.how} spans")
        )
        text = (
            f"P{self.p_of(actor)}'s mcache has no free slot of {span.size} B: it gets"
            f" {source}, with {free} free slots; heap_live grows"
            f" by {format_bytes(placed.heap_live)}"
        )
        self.tell(actor, "refill", text, "mcache.go: refill; mcentral.go: cacheSpan")

    def tell_swept(self, actor: str, swept: SweptSpan[Ref]) -> None:
        """A span has been swept: what died is no more."""
        span = swept.span
        freed = self.listed(swept.freed)
        for ref in swept.freed:
            self.cycle.freed(ref)
        kind = "release" if swept.returned else "sweep"
        text = f"sweeps the span at {span.address(0):#x} ({span.size} B slots): frees {freed}"
        if swept.returned:
            text += "; nothing in it lives, so its pages go back to the page heap"
        self.tell(actor, kind, text, "mgcsweep.go: sweep")

    def barrier(self, actor: str, write: Write) -> bool:
        """While marking every write of a pointer to the heap shades (runtime/mwbbuf.go)."""
        if self.cycle.marks:
            self.cycle.barrier(actor, self._pointers(write)[write.field], write.new)
        return False

    def write(self, actor: str, write: Write) -> None:
        """The pointer is there now."""
        pointers = self._pointers(write)
        holder = "" if write.holder is None else f"{self.name(write.holder)}."
        old, pointers[write.field] = pointers[write.field], write.new
        self.tell(
            actor, "point", f"{holder}{write.field} = {self.name(write.new)} (was {self.name(old)})"
        )

    def _pointers(self, write: Write) -> Pointers:
        return self.graph.globals if write.holder is None else self.graph.fields[write.holder]

    def local(self, actor: str, text: str) -> None:
        """Stacks have no barrier."""
        self.tell(actor, "program", text)

    def spawned(self, actor: str, name: str, arguments: Sequence[Ref | None]) -> None:
        """A new stack is black; its pointers came through a closure, with a barrier."""
        self.tell(actor, "program", f"go {name}()", "proc.go: newproc")
        if self.cycle.marks:
            for ref in arguments:
                self.cycle.barrier(actor, None, ref)

    def finalizer(self, actor: str, ref: Ref) -> None:
        """runtime.SetFinalizer: the object gets a record, a special, at its span."""
        self.cycle.finalizers.states[ref] = SET
        text = f"{self.name(ref)} gets a finalizer"
        self.tell(actor, "finalizer", text, "mfinal.go: SetFinalizer")

    def collect(self, actor: str, *, wait: bool) -> bool:
        """A cycle is wanted."""
        text = "runtime.GC(), and waits" if wait else "a cycle is triggered"
        self.tell(actor, "program", text, "mgc.go: GC" if wait else "mgc.go: gcTrigger.test")
        self.cycle.wanted = True
        return wait

    def scavenge(self, actor: str, size: int) -> None:
        """Free pages go back to the OS (runtime/mgcscavenge.go)."""
        del actor
        released = self.heap.mheap.pages.scavenge(size, force=True)
        text = f"returns {format_bytes(released)} of free pages to the OS: RSS falls by as much"
        self.tell("scavenger", "release", text, "mgcscavenge.go: scavenge")

    def compute(self, actor: str, time: int) -> None:
        """CPU time passes; there is nothing to see."""
        del actor
        self.now += time

    def _pages_owed(self, nbytes: Bytes) -> int:
        target = self.pace.target(self.pacer.heap_live, nbytes)
        return target - self.heap.mheap.stats.pages_swept


def _comma(text: str) -> str:
    return f", {text}" if text else ""
