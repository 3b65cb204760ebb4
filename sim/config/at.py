"""A place in a config: what stands there, the key path to it, and errors that name both."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from sim.config.tree import Node
from sim.errors import UserError, nearest


@dataclass(frozen=True)
class At:
    """A node, the key path that leads to it and the unit of numbers below it."""

    node: Node
    path: tuple[str, ...] = ()
    unit: str | None = None
    unread: bool = False
    """Plug-ins were not run: a name that nobody knows may be one of theirs."""

    def error(self, message: str) -> UserError:
        """A mistake at this place: `FILE:LINE: key.path: message`."""
        return UserError(": ".join(filter(None, [self.node.where, ".".join(self.path), message])))

    def expected(self, what: str) -> UserError:
        """The mistake that something else was expected here."""
        return self.error(f"expected {what}, got {self.node.described()}")

    def unknown(self, kind: str, name: str, valid: Collection[str]) -> UserError:
        """The mistake that the last key of the path is none of the valid ones."""
        return replace(self, path=self.path[:-1]).error(
            f"unknown {kind} {name!r}{nearest(name, valid)}"
        )

    def children(self, what: str = "a mapping") -> dict[str, At]:
        """The places below a mapping."""
        if not isinstance(self.node.value, dict):
            raise self.expected(what)
        return {key: self.down(key, node) for key, node in self.node.value.items()}

    def items(self) -> list[At]:
        """The places in a list."""
        if not isinstance(self.node.value, list):
            raise self.expected("a list")
        return [self.down(str(index), node) for index, node in enumerate(self.node.value)]

    def choice(self, what: str) -> tuple[str, At]:
        """The one key here and its value; a bare word is a key without value.

        Where an override added a key to the one that stood here, the override wins.
        """
        if isinstance(self.node.value, str):
            return self.node.value, self.down(self.node.value, replace(self.node, value=None))
        children = self.children(what)
        if self.node.newest in children:
            return self.node.newest, children[self.node.newest]
        if len(children) != 1:
            raise self.error(f"expected {what}, got {_listed(children)}")
        return next(iter(children.items()))

    def require(self, name: str, present: Collection[str]) -> None:
        """Complain unless the key is there."""
        if name not in present:
            raise self.error(f"expected the key {name!r}, got {_listed(present)}")

    def down(self, key: str, node: Node) -> At:
        """The place below a key."""
        return replace(self, node=node, path=(*self.path, key))


def _listed(names: Collection[str]) -> str:
    return ", ".join(repr(name) for name in names) or "nothing"
