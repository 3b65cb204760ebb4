"""What stays reachable, as levels: slots of one mix that a store, a lifetime or somebody keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Final, NamedTuple

AGES: Final = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Mean lifetimes; between two of these, all objects that die at random count as of one age. A
judgement, finer where more die; fewer moves the spans that are freed."""
NOTHING_LEFT: Final = 1e-12
"""Share of what filled a store first that is as good as none. Less than an object of any heap."""
ROUNDING: Final = 1e-6
"""Entries; so much less than a whole one is one."""
SETTLED: Final = 5
"""Turnovers, or mean lifetimes, after which a level is reached but for exp(-5), 0.7 %."""
YOUNG: Final = 1e-6
"""Share of a lifetime, of what has just been allocated."""


class Runs(NamedTuple):
    """Slots that lay side by side when they were allocated."""

    slots: float
    """Kept now."""
    length: float
    """Slots of each run, those included that nobody keeps any more."""
    left: float = 1.0
    """Share of them that is kept, each by chance."""


class Retained:
    """Keeps slots for ever: a leak, what `lives: forever`, what a scripted goroutine holds."""

    def __init__(self, mix: int, burst: float = 1.0) -> None:
        self.mix = mix
        self.burst = burst
        """Slots that are allocated in one go, and so lie side by side."""
        self.slots = 0.0
        self.table_share = 0.0
        """Pointers of the table that leads to what is kept, for each slot; 0: there is none."""
        self.structure = "table"
        """Or `list` or `tree`, with a node for each such pointer."""

    def add(self, slots: float) -> None:
        """So many slots more are kept."""
        self.slots += slots

    def allocate_at_once(self, slots: float) -> None:
        """So many slots are allocated in one go."""
        self.burst = max(self.burst, slots)

    def take_entries(self, slots: float) -> None:
        """What is kept are entries of so many slots."""

    def runs(self) -> Sequence[Runs]:
        """What is kept, in parts."""
        return (Runs(self.slots, self.burst),)

    def scattered(self) -> float:
        """Share of the slots that lie apart: they survived among others that died at random."""
        return 0.0

    fades: ClassVar[bool] = False
    """Whether it changes although nobody adds anything."""

    @property
    def settled(self) -> float:
        """How far it is on the way to a level; 1 when it is there."""
        return 0.0


class RandomStore(Retained):
    """A store that, once it is full, drops an entry at random for every new one."""

    def __init__(self, mix: int, capacity: float) -> None:
        super().__init__(mix)
        self._capacity = capacity
        self._inserted = 0.0

    def add(self, slots: float) -> None:
        """See `Retained`; even new entries may be dropped again."""
        room = max(min(self._capacity - self._inserted, slots), 0.0)
        self._inserted += slots
        self.slots += room
        missing = self._capacity - self.slots
        self.slots = self._capacity - missing * math.exp((room - slots) / self._capacity)

    def allocate_at_once(self, slots: float) -> None:
        """See `Retained`; what fills half of the store is none of its replacements."""
        if slots < self._capacity / 2:
            super().allocate_at_once(slots)

    def runs(self) -> Sequence[Runs]:
        """See `Retained`: what filled the store first, and what has replaced it since."""
        turnovers = max(self._inserted - self._capacity, 0.0) / self._capacity
        left = math.exp(-turnovers)
        replaced = _by_age(self.slots * (1 - left), self.burst, turnovers)
        if left < NOTHING_LEFT:
            return replaced
        return (Runs(self.slots * left, self._capacity, left), *replaced)

    @property
    def settled(self) -> float:
        """See `Retained`."""
        replaced = max(self._inserted - self._capacity, 0.0)
        return min(replaced / (SETTLED * self._capacity), 1.0)

    def scattered(self) -> float:
        """See `Retained`: all but what filled the store first and has its neighbour still."""
        return -math.expm1(2.0 * min(self._capacity - self._inserted, 0.0) / self._capacity)


class OldestStore(Retained):
    """A store that keeps what came last."""

    def __init__(self, mix: int, capacity: float) -> None:
        super().__init__(mix)
        self._size = self._capacity = capacity

    def take_entries(self, slots: float) -> None:
        """See `Retained`: only whole ones are kept."""
        if 0 < slots < self._size:
            self._capacity = math.floor(self._size / slots + ROUNDING) * slots

    def add(self, slots: float) -> None:
        """See `Retained`."""
        self.slots = min(self.slots + slots, self._capacity)

    @property
    def settled(self) -> float:
        """See `Retained`."""
        return self.slots / self._capacity


class Memoryless(Retained):
    """Objects with exponential lifetimes."""

    def __init__(self, mix: int, mean: float) -> None:
        super().__init__(mix)
        self._mean = mean
        self._age = 0.0
        self._new = 0.0
        """Slots allocated since the others were last made older."""

    def add(self, slots: float) -> None:
        """See `Retained`."""
        self.slots += slots
        self._new += slots

    fades: ClassVar[bool] = True

    @property
    def settled(self) -> float:
        """See `Retained`."""
        return min(self._age / (SETTLED * self._mean), 1.0)

    def scattered(self) -> float:
        """See `Retained`: all but what was kept first and has its neighbour still."""
        return -math.expm1(-2.0 * self._age / self._mean)

    def runs(self) -> Sequence[Runs]:
        """See `Retained`."""
        return _by_age(self.slots, self.burst, self._age / self._mean)

    def age(self, elapsed: float) -> None:
        """So many ns go by, in which what is new was allocated evenly.

        A slot lives on for t with probability exp(-t / mean), one that came at an even rate within
        t with (1 - exp(-t / mean)) / (t / mean).
        """
        self._age += elapsed
        hazard = elapsed / self._mean
        if not hazard:
            return
        old = self.slots - self._new
        self.slots = old * math.exp(-hazard) - self._new * math.expm1(-hazard) / hazard
        self._new = 0.0


class Pooled(Retained):
    """Objects of a sync.Pool: as many as were in use at the same time since the last cycle.

    Collections drop what was not needed since the one before (sync/pool.go), so that new ones are
    allocated whenever more are needed at once than in the last interval.
    """

    @property
    def settled(self) -> float:
        """See `Retained`."""
        return 1.0


def _by_age(slots: float, burst: float, oldest: float) -> list[Runs]:
    """What dies at random and is replaced all the time; ages are in mean lifetimes."""
    oldest = max(oldest, YOUNG)
    found, alive = [], -math.expm1(-oldest)
    for young, old in pairwise(AGES):
        if young < oldest:
            until = min(old, oldest)
            share = math.exp(-young) - math.exp(-until)
            found.append(Runs(slots * share / alive, burst, share / (until - young)))
    return found
