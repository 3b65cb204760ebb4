"""Who keeps objects: what a goroutine, a store or one of its entries holds of a mix."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Holder:
    """Objects of a mix that somebody keeps: a goroutine, a store, one of its entries, for ever."""

    owner: int = -1
    """Owner in the ledger, once something has been written down."""
    pending: float = 0.0
    """Slots that are not written down yet."""
    bursts: float = 0.0
    """How often it was begun to allocate them, after something else on the same P."""
    requested: float = 0.0
    """Bytes asked for."""


@dataclass(slots=True)
class StoreState:
    """A long-lived store as the ledger knows it."""

    owner: int
    mix: int
    capacity: float
    replacement: str
    structure: str = "table"
    inserted: float = 0.0
    entries: deque[Holder] = field(default_factory=deque)
    """What was published into it, the oldest first."""
    entries_requested: float = 0.0
    """Bytes of the entries."""

    @property
    def held(self) -> float:
        """Bytes of what it has now."""
        return self.inserted if self.replacement == "none" else min(self.inserted, self.capacity)
