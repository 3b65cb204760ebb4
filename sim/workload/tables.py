"""Tables of pointers and lists: what leads to entries of a store, and to what lives for long.

Entries are trees of objects that are allocated one after the other. An object leads to those
before it that nothing leads to yet, the oldest first, as far as its pointers reach, and leaves some
of them; what nothing leads to when a tree is complete, the table does. So does the twin
(`sim/truth/go/twin`).
"""

from __future__ import annotations

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


LIST_NODE: Final = 24
"""Bytes of a node of a list: the next one, the entry, and its size (twin: listNode)."""


class Entries(NamedTuple):
    """What is reached by tables, and what by lists."""

    tabled: Tabled = Tabled()
    listed: Tabled = Tabled()
    longest: float = 0.0
    """Nodes of the longest list."""

    def plus(self, structure: str, slots: float, share: float) -> Entries:
        """So many slots more in a structure of their own, with a share of pointers for each."""
        if structure == "list":
            listed = self.listed.plus(slots, share)
            return self._replace(listed=listed, longest=max(self.longest, slots * share))
        return self._replace(tabled=self.tabled.plus(slots, share))


def table_share(mix: Mix, kinds: KindTable, tree: int) -> float:
    """Pointers of a table for each slot of a mix, of trees of so many objects: a mean.

    How many wait is followed by its mean, which is exact where pointers reach all that wait.
    """
    reach = np.rint(kinds.column("pointers")[list(mix.kinds)])
    waiting, orphans = tree // GENERATIONS, 0.0
    for _ in range(tree):
        orphans += 1 - float(np.dot(mix.shares, np.minimum(reach, max(orphans - waiting, 0.0))))
    return orphans / tree
