"""A program and a collector that race: every step of either is atomic, and any may be next.

Objects have no addresses here, only pointers and colours. A write of a pointer is two steps, the
barrier and the write, and an object is scanned field by field; the world can stop only where no
goroutine is between a barrier and its write (runtime/preempt.go: isAsyncSafePoint).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from sim.mechanisms.barrier import WriteBarrier
from sim.mechanisms.code import Code
from sim.mechanisms.frame import Event
from sim.mechanisms.graph import GLOBALS, Graph, Pointers, Ref
from sim.mechanisms.marking import Marking
from sim.mechanisms.names import NIL
from sim.mechanisms.program import ScenarioProgram, Write
from sim.mechanisms.script import Scenario

GC = "gc"


class RacePhase(StrEnum):
    """Where the one collection stands."""

    BEFORE = "before"
    MARK = "mark"
    OVER = "over"


class Move(NamedTuple):
    """Who acts, and for the collector what it does."""

    actor: str
    what: str = ""
    on: Ref | str = ""


class Race:
    """One stage of the race; it is also the memory of the program."""

    def __init__(self, scenario: Scenario, code: Code, barrier: WriteBarrier) -> None:
        self.graph = Graph()
        self.names: dict[Ref, str] = {}
        self.phase = RacePhase.BEFORE
        self.marking = Marking(self.graph, barrier)
        self.events: list[Event] = []
        self.program = ScenarioProgram(code)
        self.program.start(scenario, self)
        self.events.clear()

    def copy(self) -> Race:
        """The same stage, to go on by itself."""
        other = object.__new__(Race)
        other.graph = self.graph.copy()
        other.names = dict(self.names)
        other.phase = self.phase
        other.marking = self.marking.copy(other.graph)
        other.events = []
        other.program = self.program.copy()
        return other

    def key(self) -> tuple[object, ...]:
        """What tells this stage from others."""
        goroutines = tuple(one.key() for one in self.program.goroutines.values())
        return (self.phase, self.graph.key(), self.marking.key(), goroutines)

    def moves(self) -> Iterator[Move]:
        """All that may happen next."""
        yield from (Move(name) for name in self.program.runnable())
        if self.phase is RacePhase.BEFORE and self.program.at_safe_points:
            yield Move(GC, "start")
        if self.phase is RacePhase.MARK:
            yield from self._collector_moves()

    def _collector_moves(self) -> Iterator[Move]:
        """Roots and grey objects in any order: that of every marker is among them."""
        marking = self.marking
        if marking.scanning is not None:
            yield Move(GC, "field", marking.scanning[0])
            return
        for name in marking.roots:
            if name == GLOBALS or self.program.goroutines[name].pending is None:
                yield Move(GC, "root", name)
        yield from (Move(GC, "scan", ref) for ref in marking.grey)
        if marking.finished and self.program.at_safe_points:
            yield Move(GC, "end")

    def do(self, move: Move) -> None:
        """Let it happen."""
        if move.actor != GC:
            self.program.step(move.actor, self)
            return
        match move.what:
            case "start":
                self._start()
            case "root":
                self._shaded(
                    "root",
                    f"scans {move.on}",
                    self.marking.scan_root(str(move.on)),
                    "mgcmark.go: markroot",
                )
            case "scan":
                self.marking.take(int(move.on))
                self._scan_field()
            case "field":
                self._scan_field()
            case "end":
                self._end()

    def _start(self) -> None:
        self.phase = RacePhase.MARK
        self.marking.begin()
        self._tell(
            GC,
            "start",
            "the world stops, marking begins, the world starts again",
            "mgc.go: gcStart",
        )

    def _scan_field(self) -> None:
        assert self.marking.scanning is not None
        ref, at = self.marking.scanning
        field = list(self.graph.fields[ref])[at]
        text = f"reads {self.names[ref]}.{field} ({self._name(self.graph.fields[ref][field])})"
        self._shaded("scan", text, self.marking.scan_field(), "mgcmark.go: scanObject")

    def _end(self) -> None:
        text = "the world stops, nothing is grey"
        if self.marking.barrier.rescans_stacks:
            found = self.marking.rescan_stacks()
            self.marking.drain()
            text += f"; stacks are scanned again and give {self._list(found)}"
        self.phase = RacePhase.OVER
        self._tell(GC, "end", f"{text}; marking ends", "mgc.go: gcMarkTermination")
        for ref in sorted(self.marking.lost()):
            holders = ", ".join(self.holders(ref))
            text = f"{self.names[ref]} is white, so it is freed; but {holders} still leads to it"
            self._tell("sweeper", "lost", text, "mgcsweep.go: sweep")

    def holders(self, ref: Ref) -> Iterator[str]:
        """What points to an object: variables and fields that the program can reach."""
        for name in self.graph.roots():
            frames = [self.graph.globals] if name == GLOBALS else self.graph.stacks[name]
            for frame in frames:
                yield from (f"{name}'s {variable}" for variable, to in frame.items() if to == ref)
        for holder in sorted(self.graph.reachable()):
            for field, to in self.graph.fields[holder].items():
                if to == ref:
                    yield f"{self.names[holder]}.{field}"

    # -- the memory of the program ---------------------------------------------------------------

    def allocate(
        self, actor: str, kind: str, name: str, pointers: Pointers, frame: Pointers
    ) -> None:
        """A new object; black while the collector marks."""
        ref = len(self.graph.fields)
        self.graph.fields[ref] = dict.fromkeys(self.program.code.types[kind].pointers) | pointers
        self.names[ref] = name if name not in self.names.values() else f"{name}{ref}"
        frame[name] = ref
        if self.phase is RacePhase.MARK:
            self.marking.born(ref)
            for to in pointers.values():
                self.marking.before_write(None, to)
        self._tell(actor, "allocate", f"{self.names[ref]} = new({kind})", "malloc.go: mallocgc")

    def barrier(self, actor: str, write: Write) -> bool:
        """While marking the barrier is a step of its own, also one that does nothing."""
        if self.phase is not RacePhase.MARK:
            return False
        old = self._pointers(write)[write.field]
        shaded = self.marking.before_write(old, write.new)
        text = f"is about to write {self._shown(write)}; the barrier shades {self._list(shaded)}"
        self._tell(actor, "barrier", text, "mbarrier.go; mwbbuf.go")
        return True

    def write(self, actor: str, write: Write) -> None:
        """The pointer is there now."""
        self._pointers(write)[write.field] = write.new
        self._tell(actor, "point", f"writes {self._shown(write)}")

    def local(self, actor: str, text: str) -> None:
        """No barrier: stacks have none."""
        self._tell(actor, "program", text)

    def spawned(self, actor: str, name: str, arguments: Sequence[Ref | None]) -> None:
        """The new stack is black; what it gets went through a closure in the heap."""
        shaded = []
        if self.phase is RacePhase.MARK:
            for ref in arguments:
                shaded += self.marking.before_write(None, ref)
        text = f"go {name}(); the barrier shades {self._list(shaded)}"
        self._tell(actor, "program", text, "proc.go: newproc")

    def finalizer(self, actor: str, ref: Ref) -> None:
        """Not part of the race."""
        del actor, ref

    def collect(self, actor: str, *, wait: bool) -> bool:
        """The collection starts when it likes."""
        del actor, wait
        return False

    def scavenge(self, actor: str, size: int) -> None:
        """Not part of the race."""
        del actor, size

    def compute(self, actor: str, time: int) -> None:
        """Not part of the race."""
        del actor, time

    def _pointers(self, write: Write) -> dict[str, Ref | None]:
        return self.graph.globals if write.holder is None else self.graph.fields[write.holder]

    def _shown(self, write: Write) -> str:
        holder = "" if write.holder is None else f"{self.names[write.holder]}."
        return f"{holder}{write.field} = {self._name(write.new)}"

    # -- telling ---------------------------------------------------------------------------------

    def _tell(self, actor: str, kind: str, text: str, rule: str = "") -> None:
        self.events.append(Event(actor, kind, text, rule))

    def _shaded(self, kind: str, text: str, shaded: Sequence[Ref], rule: str) -> None:
        self._tell(GC, kind, f"{text}; grey: {self._list(shaded)}", rule)

    def _list(self, refs: Sequence[Ref]) -> str:
        return ", ".join(self.names[ref] for ref in refs) or "nothing"

    def _name(self, ref: Ref | None) -> str:
        return NIL if ref is None else self.names[ref]
