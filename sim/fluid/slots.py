"""Slots by mix: what was allocated, what was freed, and what is in the heap."""

from __future__ import annotations

import operator
from collections.abc import Sequence

from sim.units import Bytes


class SlotAccounts:
    """Allocated less freed is what is in the heap, in slots and in bytes, at every instant."""

    def __init__(self, slot_bytes: Sequence[float]) -> None:
        self._slot_bytes = slot_bytes
        mixes = len(slot_bytes)
        self.taken = [0.0] * mixes
        """Slots allocated since the last sweep, by mix. Written by `Flow.settle` and by pools."""
        self.last_taken = [0.0] * mixes
        """The same, between the last two sweeps."""
        self._before = [0.0] * mixes
        """Slots allocated before the last sweep."""
        self._left = [0.0] * mixes
        """Slots that the last sweep left."""
        self._freed = [0.0] * mixes
        """Slots freed since the start."""

    def in_heap(self) -> list[float]:
        """Slots in use, by mix: alive, or dead and not swept."""
        return list(map(operator.add, self._left, self.taken))

    def total_taken(self) -> list[float]:
        """Slots allocated since the start, by mix."""
        return list(map(operator.add, self._before, self.taken))

    def sweep(self, marked: Sequence[float]) -> float:
        """Only what is marked stays; returns the bytes that were freed."""
        freed = list(map(operator.sub, self.in_heap(), marked))
        self._freed = list(map(operator.add, self._freed, freed))
        self._before, self._left = self.total_taken(), list(marked)
        self.last_taken, self.taken = self.taken, [0.0] * len(self.taken)
        return self._nbytes(freed)

    @property
    def freed_by_mix(self) -> list[float]:
        """Slots freed since the start, by mix."""
        return self._freed

    def repeat(self, slots: Sequence[float]) -> None:
        """So many are allocated and freed again, by mix; what is in the heap stays."""
        self._freed = list(map(operator.add, self._freed, slots))
        self._before = list(map(operator.add, self._before, slots))

    def _nbytes(self, slots: Sequence[float]) -> float:
        return float(sum(map(operator.mul, slots, self._slot_bytes)))

    @property
    def allocated(self) -> tuple[Bytes, int]:
        """Whole bytes and objects allocated since the start."""
        total = self.total_taken()
        return int(self._nbytes(total)), int(sum(total))

    @property
    def freed(self) -> tuple[Bytes, int]:
        """Whole bytes and objects freed since the start."""
        return int(self._nbytes(self._freed)), int(sum(self._freed))
