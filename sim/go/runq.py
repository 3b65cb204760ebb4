"""Run queues of goroutines (runtime/proc.go: runqput, runqget, runqsteal, globrunqget)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

LOCAL_CAPACITY: Final = 256
GLOBAL_EVERY: Final = 61  # runtime/proc.go: schedtick%61


GlobalQueue = deque
"""The queue all Ps share."""


@dataclass(slots=True)
class Tally:
    """How much lies in several queues together, and in which."""

    items: int = 0
    waiting: int = 0
    """Bit i: the i-th queue has some of it."""


class LocalQueue(Generic[T]):
    """The queue of one P: up to 256 goroutines and the one to run next."""

    __slots__ = ("_bit", "inherit_time", "queue", "runnext", "tally")

    def __init__(self, tally: Tally, number: int) -> None:
        self.tally = tally
        self._bit = 1 << number
        self.queue: deque[T] = deque()
        self.runnext: T | None = None
        self.inherit_time = False
        """What was taken last was the next to run: it goes on in the time slice of the one before,
        so that goroutines that wake each other share one (runqget, inheritTime)."""

    def __len__(self) -> int:
        return len(self.queue) + (self.runnext is not None)

    def put(self, item: T, overflow: GlobalQueue[T]) -> None:
        """Add at the tail; when full, half of the queue and the item move to the global queue."""
        if len(self.queue) >= LOCAL_CAPACITY:
            for _ in range(LOCAL_CAPACITY // 2):
                overflow.append(self.queue.popleft())
            overflow.append(item)
            self.tally.items -= LOCAL_CAPACITY // 2
        else:
            self.queue.append(item)
            self.tally.items += 1
            self.tally.waiting |= self._bit

    def put_next(self, item: T, overflow: GlobalQueue[T]) -> None:
        """Make it the next to run; what was next goes to the tail."""
        kicked, self.runnext = self.runnext, item
        if kicked is None:
            self.tally.items += 1
            self.tally.waiting |= self._bit
        else:
            self.put(kicked, overflow)

    def get(self) -> T | None:
        """The next to run, or None."""
        item, self.runnext = self.runnext, None
        self.inherit_time = item is not None
        if item is None:
            if not self.queue:
                return None
            item = self.queue.popleft()
        self.tally.items -= 1
        if not self.queue:
            self.tally.waiting &= ~self._bit
        return item

    def steal_half_from(self, victim: LocalQueue[T]) -> T | None:
        """Take half of another P's queue (runnext only if nothing else); returns one to run."""
        waiting = len(victim.queue)
        for _ in range(waiting - waiting // 2):
            self.queue.append(victim.queue.popleft())
        if waiting:
            item: T | None = self.queue.pop()
        else:
            item, victim.runnext = victim.runnext, None
        if item is not None:
            self.tally.items -= 1
        if self.queue:
            self.tally.waiting |= self._bit
        if not len(victim):
            self.tally.waiting &= ~victim._bit
        return item

    def take_from_global(self, shared: GlobalQueue[T], gomaxprocs: int) -> T | None:
        """A fair share of the global queue; returns one to run (globrunqgetbatch)."""
        if not shared:
            return None
        count = min(len(shared), len(shared) // gomaxprocs + 1, LOCAL_CAPACITY // 2)
        item = shared.popleft()
        for _ in range(count - 1):
            self.queue.append(shared.popleft())
        self.tally.items += count - 1
        if self.queue:
            self.tally.waiting |= self._bit
        return item
