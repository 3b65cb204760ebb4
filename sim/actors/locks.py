"""The heap lock and the mcentrals: holding, waiting, and the accounts of both.

In batches the wait follows from the load of the lock; with every refill an event, Ps queue for
real SimPy locks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from sim.actors.state import Body, Floats, G, Ints
from sim.engine.clock import Clock
from sim.engine.lock import Lock
from sim.engine.queueing import mean_wait
from sim.go.kinds import LARGE_NOSCAN
from sim.go.mheap import MHeap
from sim.go.refill import RefillCounts
from sim.machine.profile import PageCosts
from sim.runtime.state import Switches

HEAP_LOCK: Final = "mheap"
HEAP_LOCK_CAUSES: Final = ("grow", "reclaim")
"""What the heap lock is held for."""
PAGE_CACHE_PAGES: Final = 64  # runtime/mpagecache.go: pageCachePages
PAGE_CACHE_LIMIT: Final = 16  # runtime/mheap.go: allocSpan, requests below it may use the cache


class Hold(NamedTuple):
    """Acquisitions of locks for one cause, class by class; an expected number in batches."""

    use: Ints
    """Row of the account of locks for each class (`Locks.name`)."""
    times: Floats
    ns: float
    """How long each of them holds it."""


class Bill(NamedTuple):
    """What the refills of a batch did and cost, class by class."""

    heap_live: Ints
    ns: Floats
    wait_ns: Floats
    holds: tuple[Hold, ...]


@dataclass(slots=True)
class LockUse:
    """What each cause did with each lock. Written by `Locks`.

    Rows: refills with the mcentral of each span class, then the heap lock by HEAP_LOCK_CAUSES.
    """

    acquisitions: Floats
    contended: Floats
    hold_ns: Floats
    wait_ns: Floats
    max_wait_ns: Floats
    since: int = 0
    """Begin in ns of what the rows are about."""

    def clear(self, now: int) -> None:
        """Begin anew."""
        self.since = now
        for rows in (
            self.acquisitions,
            self.contended,
            self.hold_ns,
            self.wait_ns,
            self.max_wait_ns,
        ):
            rows[:] = 0.0


class Locks:
    """All locks of the heap, and what is known of them."""

    def __init__(
        self,
        clock: Clock,
        heap: MHeap,
        costs: PageCosts,
        ps: int,
        switches: Switches,
        rng: np.random.Generator,
    ) -> None:
        self._clock, self._costs, self._on, self._rng = clock, costs, switches, rng
        self._customers = ps if switches.lock_contention else 1
        """Who may be at a lock at a time; nobody waits where contention is switched off."""
        self._classes, self._sizes = len(heap.nelems), heap.slot_size
        self.use = LockUse(*np.zeros((5, self._classes + len(HEAP_LOCK_CAUSES))))
        self._heap_lock_wait = 0.0
        """Mean wait for the heap lock in the last batch, ns."""
        self._heap_lock_count = self._heap_lock_hold = 0.0
        """Acquisitions of the heap lock since the last batch, and for how long, ns."""
        self._batch_at = 0
        """When that was, ns."""
        self._locks: dict[str, Lock] = {}

    # -- in batches --------------------------------------------------------------------------

    def refill_holds(
        self, classes: Ints, pages: Ints, counts: RefillCounts
    ) -> tuple[Hold, Hold, Hold]:
        """What refills of these classes hold, whose spans have so many pages each."""
        return (self.central_hold(classes, counts), *self._heap_lock_holds(pages, counts))

    def central_hold(self, classes: Ints, counts: RefillCounts) -> Hold:
        """How refills hold the mcentrals of their classes (runtime/mcentral.go: cacheSpan).

        A span set has no lock, but one word that every push and pop changes: the full span goes in,
        the next one comes out. Up to Go 1.14 the lock is held to move a span from one list to the
        other, and again to enter one that came fresh from the heap meanwhile; large objects are on
        no list.
        """
        if self._on.mcentral == "go1.14":
            moves = (counts.spans + counts.fresh) * (classes > LARGE_NOSCAN)
            return Hold(classes, moves.astype(np.float64), self._costs.span_list_ns)
        return Hold(classes, (2 * counts.spans).astype(np.float64), self._costs.span_set_ns)

    def _heap_lock_holds(self, pages: Ints, counts: RefillCounts) -> tuple[Hold, Hold]:
        """How refills hold the heap lock: for fresh spans, and to reclaim spans."""
        grow, reclaim = self._classes, self._classes + 1
        return (
            Hold(
                np.full(len(pages), grow),
                heap_lock_acquisitions(counts.fresh, pages),
                self._costs.alloc_span_ns,
            ),
            Hold(
                np.full(len(pages), reclaim),
                counts.freed_spans.astype(np.float64),
                self._costs.free_span_ns,
            ),
        )

    def note_heap_lock(self, holds: tuple[Hold, ...]) -> None:
        """The load of the heap lock since the last batch."""
        for hold in holds:
            times = float(hold.times.sum())
            self._heap_lock_count += times
            self._heap_lock_hold += times * hold.ns

    def note_hold(self, hold: Hold) -> Floats:
        """Account for acquisitions since the last batch; their total wait in ns by class.

        The heap lock serves everybody, so its wait is that which the whole of the last batch
        showed; an mcentral is loaded by its own class alone.
        """
        use, rows = self.use, hold.use
        total = hold.times * hold.ns
        if int(rows[0]) >= self._classes:
            wait = np.full(len(rows), self._heap_lock_wait)
        else:
            elapsed = self._clock.now - self._batch_at
            wait = mean_wait(hold.ns, hold.times, elapsed, self._customers)
        wait_ns: Floats = hold.times * wait
        np.add.at(use.acquisitions, rows, hold.times)
        np.add.at(use.hold_ns, rows, total)
        np.add.at(use.wait_ns, rows, wait_ns)
        np.add.at(use.contended, rows, hold.times * wait / (wait + hold.ns))
        return wait_ns

    def longest_waits(self) -> Floats:
        """The longest wait by row, in ns: as seen, or expected where refills go in batches.

        Of so many exponential waits; those of a queue with exponential holds are (Kleinrock,
        "Queueing Systems", volume 1, 1975, section 5.12).
        """
        use = self.use
        if self._on.resolution == "refill":
            return use.max_wait_ns
        mean: Floats = use.wait_ns / np.maximum(use.contended, np.finfo(float).tiny)
        return np.where(use.contended > 0, mean * np.log1p(use.contended), 0.0)

    def close_batch(self) -> None:
        """The wait for the heap lock follows from all of its load since the last batch."""
        now = self._clock.now
        elapsed, self._batch_at = now - self._batch_at, now
        if elapsed <= 0:
            return
        self._heap_lock_wait = 0.0
        if self._heap_lock_count:
            hold = self._heap_lock_hold / self._heap_lock_count
            wait = mean_wait(hold, self._heap_lock_count, elapsed, self._customers)
            self._heap_lock_wait = float(wait)
        self._heap_lock_count = self._heap_lock_hold = 0.0

    # -- one by one --------------------------------------------------------------------------

    def taken(self, bills: list[Bill]) -> Iterator[tuple[int, int, float]]:
        """(Row of the account, times, ns) of every lock that refills hold, class by class."""
        for bill in bills:
            expected = np.array([hold.times for hold in bill.holds]).T
            times = (expected + self._rng.random(expected.shape)).astype(np.int64)
            for at, which in np.argwhere(times).tolist():
                hold = bill.holds[which]
                yield int(hold.use[at]), int(times[at, which]), hold.ns

    def queue_for(self, g: G, row: int, times: int, ns: float) -> Body:
        """Acquire, hold and release a lock so many times, on the goroutine's P."""
        lock, use, contention = self._lock_of(row), self.use, self._on.lock_contention
        for _ in range(times):
            turn = lock.acquire() if contention else None
            if turn is not None:
                begun = self._clock.process_time
                yield turn
                waited = self._clock.process_time - begun
                g.lock_wait += waited
                use.contended[row] += 1
                use.wait_ns[row] += waited
                use.max_wait_ns[row] = max(use.max_wait_ns[row], waited)
            yield self._clock.work(max(1, round(ns)))
            g.alloc += max(1, round(ns))
            use.acquisitions[row] += 1
            use.hold_ns[row] += ns
            if contention:
                lock.release()

    def _lock_of(self, row: int) -> Lock:
        """The lock of a row of the account, made on first use."""
        name = self.name(row)[0]
        if name not in self._locks:
            self._locks[name] = Lock(self._clock)
        return self._locks[name]

    def name(self, row: int) -> tuple[str, str]:
        """The lock and the cause of a row of the account.

        `mcentral[320B noscan]`: the size of its objects, and that they have no pointers.
        """
        if row >= self._classes:
            return HEAP_LOCK, HEAP_LOCK_CAUSES[row - self._classes]
        size = f"{self._sizes[row]}B" if row > LARGE_NOSCAN else "large"
        return f"mcentral[{size}{' noscan' if row % 2 else ''}]", "refill"


def heap_lock_acquisitions(fresh_spans: Ints, npages: Ints) -> Floats:
    """Small spans come from the P's page cache, which takes the lock once per 64 pages."""
    cached = fresh_spans * npages / PAGE_CACHE_PAGES
    return np.where(npages < PAGE_CACHE_LIMIT, cached, fresh_spans)
