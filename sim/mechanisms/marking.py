"""Tri-colour marking in single steps (runtime/mgcmark.go).

White objects are not marked; grey ones are marked and wait to be scanned; black ones are marked and
scanned. What is white when nothing is grey any more is garbage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sim.mechanisms.barrier import WriteBarrier
from sim.mechanisms.graph import Graph, Ref


class Colour(StrEnum):
    """The three colours of Dijkstra et al. 1978."""

    WHITE = "white"
    GREY = "grey"
    BLACK = "black"


class Edge(NamedTuple):
    """A pointer from a black object, or a scanned root, to a white one."""

    holder: Ref | str
    field: str
    to: Ref


@dataclass
class Marking:
    """One mark phase: who is marked, who waits, which roots are still to be scanned."""

    graph: Graph
    barrier: WriteBarrier
    marked: set[Ref] = field(default_factory=set)
    grey: list[Ref] = field(default_factory=list)
    """Marked objects that wait; the last one is next in Go's classic marker."""
    scanning: tuple[Ref, int] | None = None
    """The object that is being scanned, and how many of its fields were read."""
    roots: list[str] = field(default_factory=list)
    """Roots that are still to be scanned: they count as grey."""

    def copy(self, graph: Graph) -> Marking:
        """The same stage of marking another graph."""
        return Marking(
            graph, self.barrier, set(self.marked), list(self.grey), self.scanning, list(self.roots)
        )

    def key(self) -> tuple[object, ...]:
        """What tells this stage from others."""
        return (
            frozenset(self.marked),
            frozenset(self.grey),
            self.scanning,
            tuple(sorted(self.roots)),
        )

    def begin(self) -> None:
        """The first pause: all is white, all roots are to be scanned (gcPrepareMarkRoots)."""
        self.marked.clear()
        self.grey.clear()
        self.roots = self.graph.roots()
        if self.barrier.scans_stacks_at_once:
            for name in self.graph.stacks:
                self.scan_root(name)

    @property
    def finished(self) -> bool:
        """Nothing is grey."""
        return not (self.roots or self.grey or self.scanning)

    def colour(self, ref: Ref) -> Colour:
        """The colour of an object."""
        if ref not in self.marked:
            return Colour.WHITE
        waits = ref in self.grey or (self.scanning is not None and self.scanning[0] == ref)
        return Colour.GREY if waits else Colour.BLACK

    def shade(self, ref: Ref | None) -> bool:
        """Mark an object and let it wait; True if it was white (greyobject)."""
        if ref is None or ref in self.marked:
            return False
        self.marked.add(ref)
        if self.graph.fields[ref]:
            self.grey.append(ref)
        return True

    def born(self, ref: Ref) -> None:
        """A new object is black (gcmarknewobject)."""
        self.marked.add(ref)

    def before_write(self, old: Ref | None, new: Ref | None) -> list[Ref]:
        """What the barrier shades before a pointer in the heap is written (mwbbuf.go)."""
        shaded = []
        if self.barrier.shades_old and self.shade(old):
            shaded.append(old)
        if self.barrier.shades_new and self.shade(new):
            shaded.append(new)
        return [ref for ref in shaded if ref is not None]

    def scan_root(self, name: str) -> list[Ref]:
        """Shade all to which a root points (markroot, scanstack); a stack is stopped meanwhile."""
        self.roots.remove(name)
        return self._shade_root(name)

    def rescan_stacks(self) -> list[Ref]:
        """What the last pause finds on stacks (Go 1.5 to 1.7)."""
        return [ref for name in self.graph.stacks for ref in self._shade_root(name)]

    def _shade_root(self, name: str) -> list[Ref]:
        return [ref for ref in self.graph.root(name) if self.shade(ref)]

    def take(self, ref: Ref) -> None:
        """Begin to scan a grey object."""
        self.grey.remove(ref)
        self.scanning = (ref, 0)

    def scan_field(self) -> list[Ref]:
        """Read the next field of the object that is being scanned (scanObject)."""
        if self.scanning is None:
            return []
        ref, at = self.scanning
        pointers = list(self.graph.fields[ref].values())
        self.scanning = (ref, at + 1) if at + 1 < len(pointers) else None
        return [to for to in pointers[at : at + 1] if to is not None and self.shade(to)]

    def scan(self, ref: Ref) -> list[Ref]:
        """Scan a grey object at once; what it turned grey."""
        self.take(ref)
        found = []
        while self.scanning is not None:
            found += self.scan_field()
        return found

    def drain(self) -> None:
        """Mark to the end; the program stands still."""
        while self.grey:
            self.scan(self.grey[-1])

    # -- what must hold --------------------------------------------------------------------------

    def black_to_white(self) -> Iterator[Edge]:
        """Pointers that the strong invariant forbids: from black objects and scanned roots."""
        for name in self.graph.roots():
            if name not in self.roots:
                yield from (Edge(name, "", to) for to in self.graph.root(name) if self._white(to))
        for ref in sorted(self.marked & self.graph.fields.keys()):
            if self.colour(ref) is Colour.BLACK:
                for name, to in self.graph.fields[ref].items():
                    if to is not None and self._white(to):
                        yield Edge(ref, name, to)

    def doomed(self) -> set[Ref]:
        """White objects that the program can reach and marking cannot any more.

        Marking gets at what grey objects and unscanned roots lead to. The weak invariant says that
        there is none of these: a white object to which a black one points is led to by a grey one.
        """
        starts = [*self.grey, *self._unread()]
        roots = self.graph.stacks if self.barrier.rescans_stacks else ()
        ahead = self.graph.closure(starts) | self.graph.reachable([*self.roots, *roots])
        return self.graph.reachable() - self.marked - ahead

    def _unread(self) -> list[Ref]:
        """Where the fields lead to that are still to be read of the object being scanned."""
        if self.scanning is None:
            return []
        ref, at = self.scanning
        return [to for to in list(self.graph.fields[ref].values())[at:] if to is not None]

    def lost(self) -> set[Ref]:
        """After marking: white objects that the program can reach, which sweeping would free."""
        return self.graph.reachable() - self.marked

    def _white(self, ref: Ref) -> bool:
        return ref not in self.marked
