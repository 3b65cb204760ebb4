"""sync.Pool: a cache that collection cycles empty in two steps (sync/pool.go)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class PoolLocals:
    """Idle objects: one of each P's own, and those that every P may take (poolLocal)."""

    private: set[int] = field(default_factory=set)
    """Ps that have an object of their own."""
    shared: int = 0

    def __len__(self) -> int:
        return self.shared + len(self.private)

    def get(self, p: int) -> bool:
        """Take an object on a P: its own, else a shared one; nobody gets at that of another P."""
        if p in self.private:
            self.private.remove(p)
        elif self.shared:
            self.shared -= 1
        else:
            return False
        return True

    def put(self, p: int) -> None:
        """Give one back on a P."""
        if p in self.private:
            self.shared += 1
        else:
            self.private.add(p)


@dataclass(slots=True)
class SyncPool:
    """Counts of idle objects; `owner` is whatever the caller uses to find their memory."""

    owner: int
    idle: PoolLocals = field(default_factory=PoolLocals)
    victims: PoolLocals = field(default_factory=PoolLocals)
    lent: int = 0

    def get(self, p: int) -> bool:
        """Take an idle object, then a victim; False when a new one must be allocated."""
        self.lent += 1
        return self.idle.get(p) or self.victims.get(p)

    def put(self, p: int) -> None:
        """Give one back."""
        self.lent -= 1
        self.idle.put(p)

    def cleanup(self) -> tuple[int, int]:
        """At the start of a cycle (poolCleanup): victims die, idle objects become victims.

        Returns how many died, of how many.
        """
        dropped = len(self.victims)
        total = len(self.idle) + dropped + self.lent
        self.victims, self.idle = self.idle, PoolLocals()
        return dropped, total
