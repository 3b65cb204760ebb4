"""sync.Pool: a cache that collection cycles empty in two steps (sync/pool.go)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class SyncPool:
    """Counts of idle objects; `owner` is whatever the caller uses to find their memory."""

    owner: int
    idle: int = 0
    victims: int = 0
    lent: int = 0

    def get(self) -> bool:
        """Take an idle object, then a victim; False when a new one must be allocated."""
        self.lent += 1
        if self.idle:
            self.idle -= 1
        elif self.victims:
            self.victims -= 1
        else:
            return False
        return True

    def put(self) -> None:
        """Give one back."""
        self.lent -= 1
        self.idle += 1

    def cleanup(self) -> tuple[int, int]:
        """At the start of a cycle (poolCleanup): victims die, idle objects become victims.

        Returns how many died, of how many.
        """
        total = self.idle + self.victims + self.lent
        dropped, self.victims, self.idle = self.victims, self.idle, 0
        return dropped, total
