"""Tables, lists and trees: what leads to entries of a store, and to what lives for long.

Entries are trees of objects that are allocated one after the other. An object leads to those
before it that nothing leads to yet, the oldest first, as far as its pointers reach, and leaves some
of them; what nothing leads to when a tree is complete, the table does. So does the twin
(`sim/truth/go/twin`).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from sim.go.kinds import WORD, KindTable, Mix

SMALL_TREE: Final = 16
"""Objects of a tree where entries die one by one (twin: smallFamily)."""
LARGE_TREE: Final = 512
"""The same of other stores, and of what lives for ever (twin: bigFamily)."""
GENERATIONS: Final = 16
"""Of a tree: so many of its objects wait for a parent (twin: generations)."""


class Tabled(NamedTuple):
    """Slots that tables of pointers lead to, and the pointers of these."""

    slots: float = 0.0
    pointers: float = 0.0

    def plus(self, slots: float, share: float) -> Tabled:
        """So many slots more, with a share of pointers for each."""
        return Tabled(self.slots + slots, self.pointers + slots * share)

    @property
    def nbytes(self) -> float:
        """Bytes of the tables."""
        return self.pointers * WORD


NODE: Final = {"list": 24, "tree": 32}
"""Bytes of a node: one or two others, the entry, and its size (twin: listNode, treeNode)."""


class Entries(NamedTuple):
    """What is reached by tables, and what by linked nodes."""

    tabled: Tabled = Tabled()
    linked: Tabled = Tabled()
    node_bytes: float = 0.0
    """Of all nodes."""
    longest: float = 0.0
    """Nodes on the longest way to an entry."""

    def plus(self, structure: str, slots: float, share: float) -> Entries:
        """So many slots more in a structure of their own, with a share of pointers for each.

        A tree of random order is 4.311 ln n deep (Devroye 1986), about three times its best.
        """
        nodes = slots * share
        if structure == "table" or not nodes:
            return self._replace(tabled=self.tabled.plus(slots, share))
        deep = nodes if structure == "list" else min(4.311 * math.log1p(nodes), nodes)
        return Entries(
            self.tabled,
            self.linked.plus(slots, share),
            self.node_bytes + nodes * NODE[structure],
            max(self.longest, deep),
        )


def table_share(mix: Mix, kinds: KindTable, tree: int) -> float:
    """Pointers of a table for each slot of a mix, of trees of so many objects: a mean.

    How many wait is followed by its mean, which is exact where pointers reach all that wait.
    """
    reach = np.rint(kinds.column("pointers")[list(mix.kinds)])
    waiting, orphans = tree // GENERATIONS, 0.0
    for _ in range(tree):
        orphans += 1 - float(np.dot(mix.shares, np.minimum(reach, max(orphans - waiting, 0.0))))
    return orphans / tree
