"""What stays reachable, as levels: slots of one mix that a store, a lifetime or somebody keeps."""

from __future__ import annotations

import math
from collections.abc import Sequence


class Keeper:
    """Keeps slots for ever: a leak, what `lives: forever`, what a scripted goroutine holds."""

    def __init__(self, mix: int, burst: float = 1.0) -> None:
        self.mix = mix
        self.burst = burst
        """Slots that are allocated in one go, and so lie side by side."""
        self.slots = 0.0

    def add(self, slots: float) -> None:
        """So many slots more are kept."""
        self.slots += slots

    def runs(self) -> Sequence[tuple[float, float]]:
        """What is kept in parts: slots, and how many of them lie side by side."""
        return ((self.slots, self.burst),)

    def scattered(self) -> float:
        """Share of the slots that lie apart: they survived among others that died at random."""
        return 0.0

    def pass_time(self, elapsed: float) -> None:
        """Time goes by, in ns."""


class RandomStore(Keeper):
    """A store that, once it is full, drops an entry at random for every new one."""

    def __init__(self, mix: int, capacity: float) -> None:
        super().__init__(mix)
        self._capacity = capacity
        self._inserted = 0.0

    def add(self, slots: float) -> None:
        """See `Keeper`; even new entries may be dropped again."""
        room = max(min(self._capacity - self._inserted, slots), 0.0)
        self._inserted += slots
        self.slots += room
        missing = self._capacity - self.slots
        self.slots = self._capacity - missing * math.exp((room - slots) / self._capacity)

    def runs(self) -> Sequence[tuple[float, float]]:
        """See `Keeper`: of a burst, half survives on average beside any of its slots.

        What filled the store at the start is thinned out, and what replaces it lies anywhere.
        """
        if self.burst < self._capacity / 2:
            return ((self.slots, max(1.0, self.burst / 2)),)
        left = math.exp(min(self._capacity - self._inserted, 0.0) / self._capacity)
        run = 1 / max(1 - left, 1 / self.burst)
        return (self.slots * left, run), (self.slots * (1 - left), 1.0)

    def scattered(self) -> float:
        """See `Keeper`: all but what filled the store first and has its neighbour still."""
        return -math.expm1(2.0 * min(self._capacity - self._inserted, 0.0) / self._capacity)


class OldestStore(Keeper):
    """A store that keeps what came last."""

    def __init__(self, mix: int, capacity: float) -> None:
        super().__init__(mix)
        self._capacity = capacity

    def take_entries(self, slots: float) -> None:
        """What is kept are whole entries of so many slots."""
        self._capacity -= self._capacity % slots if slots < self._capacity else 0.0

    def add(self, slots: float) -> None:
        """See `Keeper`."""
        self.slots = min(self.slots + slots, self._capacity)


class Memoryless(Keeper):
    """Objects with exponential lifetimes."""

    def __init__(self, mix: int, mean: float) -> None:
        super().__init__(mix)
        self._mean = mean
        self._age = 0.0

    def scattered(self) -> float:
        """See `Keeper`: all but what was kept first and has its neighbour still."""
        return -math.expm1(-2.0 * self._age / self._mean)

    def pass_time(self, elapsed: float) -> None:
        """See `Keeper`."""
        self._age += elapsed
        self.slots *= math.exp(-elapsed / self._mean)


class Pooled(Keeper):
    """Objects of a sync.Pool: as many as were in use at the same time since the last cycle.

    Collections drop what was not needed since the one before (sync/pool.go), so that new ones are
    allocated whenever more are needed at once than in the last interval.
    """
