"""Objects that point to one another, and the roots that lead to them: globals and stacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

Ref: TypeAlias = int
"""An object, by its number; unlike an address it never changes."""
Pointers: TypeAlias = dict[str, Ref | None]
"""Pointers by the names of the fields or variables that hold them."""
GLOBALS = "globals"
"""The root that stands for all global variables."""


@dataclass
class Graph:
    """All pointers of a program."""

    fields: dict[Ref, Pointers] = field(default_factory=dict)
    """The pointers in every object; objects without pointers have none."""
    globals: Pointers = field(default_factory=dict)
    stacks: dict[str, list[Pointers]] = field(default_factory=dict)
    """The frames of every goroutine, the running function last."""

    def copy(self) -> Graph:
        """Another graph that changes by itself."""
        return Graph(
            {ref: dict(pointers) for ref, pointers in self.fields.items()},
            dict(self.globals),
            {name: [dict(frame) for frame in stack] for name, stack in self.stacks.items()},
        )

    def key(self) -> tuple[object, ...]:
        """What tells this graph from others."""
        return (
            tuple((ref, *pointers.values()) for ref, pointers in self.fields.items()),
            tuple(self.globals.values()),
            tuple(
                (name, tuple(tuple(frame.items()) for frame in stack))
                for name, stack in self.stacks.items()
            ),
        )

    def roots(self) -> list[str]:
        """The roots: globals, then every goroutine."""
        return [GLOBALS, *self.stacks]

    def root(self, name: str) -> Iterator[Ref]:
        """Objects to which a root points; none any more if the goroutine has ended."""
        frames = [self.globals] if name == GLOBALS else self.stacks.get(name, [])
        for frame in frames:
            yield from (ref for ref in frame.values() if ref is not None)

    def reachable(self, roots: Iterable[str] | None = None) -> set[Ref]:
        """Objects that the program can get at, from all roots or from some."""
        starts = self.roots() if roots is None else roots
        return self.closure(ref for name in starts for ref in self.root(name))

    def closure(self, refs: Iterable[Ref]) -> set[Ref]:
        """These objects and all to which they lead."""
        found: set[Ref] = set()
        waiting = list(refs)
        while waiting:
            ref = waiting.pop()
            if ref in found:
                continue
            found.add(ref)
            waiting += [to for to in self.fields[ref].values() if to is not None]
        return found
