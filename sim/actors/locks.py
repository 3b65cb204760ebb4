"""The heap lock and the mcentrals: holding, waiting, and the accounts of both.

In batches the wait follows from the load of the lock; with every refill an event, Ps queue for
real SimPy locks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import simpy

from sim.actors.batch_times import BatchTimes
from sim.actors.state import Body, Floats, G, Ints
from sim.engine.clock import ProcessClock
from sim.engine.lock import Lock
from sim.engine.queueing import SeenByArrivals, seen_by_arrivals
from sim.go.kinds import LARGE_NOSCAN
from sim.go.mheap import MHeap
from sim.go.refill import RefillCounts, heap_lock_acquisitions
from sim.machine.profile import PageCosts, SweepCosts
from sim.runtime.state import Switches

HEAP_LOCK: Final = "mheap"
CENTRAL_CAUSES: Final = ("push", "pop")
"""What an mcentral is held for: a span goes in, or out."""
HEAP_LOCK_CAUSES: Final = ("grow", "reclaim")
"""What the heap lock is held for."""


class Hold(NamedTuple):
    """Acquisitions of locks for one cause, class by class; an expected number in batches."""

    use: Ints
    """Row of the account of locks for each class (`Locks.name`)."""
    times: Floats
    ns: float
    """How long each of them holds it."""
    refills: RefillCounts | None = None
    """What they are for, where that is the span sets of mcentrals."""


class Bill(NamedTuple):
    """What the refills of a batch did and cost, class by class."""

    heap_live: Ints
    ns: Floats
    wait_ns: Floats


class RefillWork(NamedTuple):
    """What a goroutine has to do for a refill that is an event."""

    holds: tuple[Hold, ...]
    ns: float
    """CPU time between the locks that it holds."""


@dataclass(slots=True)
class LockAccounts:
    """What each cause did with each lock. Written by `Locks`.

    Rows: those of the mcentrals for each span class, CENTRAL_CAUSES one after the other; then those
    of the heap lock, HEAP_LOCK_CAUSES.
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
        clock: ProcessClock,
        times: BatchTimes,
        heap: MHeap,
        costs: PageCosts,
        sweep: SweepCosts,
        ps: int,
        switches: Switches,
        rng: np.random.Generator,
    ) -> None:
        self._clock, self._times, self._costs = clock, times, costs
        self._on, self._rng = switches, rng
        self._sweep_span_ns = sweep.span_ns
        self._customers = ps if switches.lock_contention else 1
        """Who may be at a lock at a time; nobody waits where contention is switched off."""
        self._classes, self._sizes = len(heap.nelems), heap.slot_size
        self._heap_rows = len(CENTRAL_CAUSES) * self._classes
        """The first row of the heap lock."""
        self.use = LockAccounts(*np.zeros((5, self._heap_rows + len(HEAP_LOCK_CAUSES))))
        self._heap_lock = SeenByArrivals(np.zeros(()), np.zeros(()))
        """What was met at the heap lock in the last batch, ns."""
        self._heap_lock_count = self._heap_lock_hold = 0.0
        """Acquisitions of the heap lock since the last batch, and for how long, ns."""
        self._locks: dict[int, Lock] = {}

    # -- in batches --------------------------------------------------------------------------

    def refill_holds(self, classes: Ints, pages: Ints, counts: RefillCounts) -> tuple[Hold, ...]:
        """What refills of these classes hold, whose spans have so many pages each."""
        return (*self.central_holds(classes, counts), *self.heap_lock_holds(pages, counts))

    def central_holds(self, classes: Ints, counts: RefillCounts) -> tuple[Hold, ...]:
        """How refills hold the mcentrals of their classes (runtime/mcentral.go: cacheSpan).

        A span set has no lock, but one word that every push and pop changes: the full span goes
        into one set, the next one comes out of another, or fresh from the heap. Up to Go 1.14 one
        lock is held to move a span from one list to the other, and again to enter one that came
        fresh from the heap meanwhile; large objects are on no list.
        """
        if self._on.mcentral == "go1.14":
            moves = (counts.spans + counts.fresh) * (classes > LARGE_NOSCAN)
            return (Hold(classes, moves.astype(np.float64), self._costs.span_list_ns, counts),)
        ns, popped = self._costs.span_set_ns, counts.partial + counts.swept
        return (
            Hold(classes, counts.spans.astype(np.float64), ns, counts),
            Hold(classes + self._classes, popped.astype(np.float64), ns, counts),
        )

    def heap_lock_holds(self, pages: Ints, counts: RefillCounts) -> tuple[Hold, Hold]:
        """How refills hold the heap lock: for fresh spans, and to reclaim spans."""
        grow, reclaim = self._heap_rows, self._heap_rows + 1
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
        showed; a span set is loaded by its own class alone.
        """
        use, rows = self.use, hold.use
        if hold.refills is None:
            parts = [(hold.times, self._heap_lock)]
        else:
            parts = self._at_span_set(hold, hold.refills)
        wait_ns: Floats = np.sum([times * seen.wait for times, seen in parts], axis=0)
        contended = np.sum([times * seen.busy for times, seen in parts], axis=0)
        np.add.at(use.acquisitions, rows, hold.times)
        np.add.at(use.hold_ns, rows, hold.times * hold.ns)
        np.add.at(use.wait_ns, rows, wait_ns)
        np.add.at(use.contended, rows, contended)
        return wait_ns

    def _at_span_set(
        self, hold: Hold, refills: RefillCounts
    ) -> list[tuple[Floats, SeenByArrivals]]:
        """What refills meet that take a span, and those that sweep in vain.

        Spans with free slots are taken evenly. Those without lie together in the sets, so that
        refills come to them one after the other: a sequence of sweeps between two refills of the
        class. Meanwhile the Ps that run sweep, which the next batch pays for: all of the class, and
        of other classes what their refills come to in that time.
        """
        times, ps = self._times, self._customers
        in_vain, sweeps = refills.in_vain.astype(np.float64), refills.sweeps_in_vain
        calm, taken = hold.times - in_vain, np.maximum(refills.spans - in_vain, 1)
        evenly = (calm, seen_by_arrivals(hold.ns, calm, times.elapsed, ps))
        if not in_vain.any():
            return [evenly]
        between = np.maximum(times.spent * np.minimum(sweeps / taken, 1), 1)
        overlap = np.minimum(between[:, np.newaxis] / between, 1)
        together = between + overlap @ in_vain * self._sweep_span_ns
        at_work = times.at_work(together)
        sweepers = np.minimum(np.minimum(sweeps, at_work), ps)
        met = seen_by_arrivals(hold.ns, in_vain, together / at_work, sweepers)
        return [evenly, (in_vain, met)]

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
        if not self._times.elapsed:
            return
        count = self._heap_lock_count
        hold = self._heap_lock_hold / count if count else 0.0
        self._heap_lock = seen_by_arrivals(hold, count, self._times.elapsed, self._customers)
        self._heap_lock_count = self._heap_lock_hold = 0.0

    # -- one by one --------------------------------------------------------------------------

    def go_through(self, g: G, work: RefillWork) -> Body:
        """Take one lock after the other on the goroutine's P, with so much work between them.

        Work between two locks is of exponential length, and they come in any order: Ps that all did
        the same would meet at every lock, once they have met.
        """
        turns = [(row, ns) for row, times, ns in self._turns(work.holds) for _ in range(times)]
        turns = [turns[at] for at in self._rng.permutation(len(turns)).tolist()]
        if not turns:
            yield self._book(g, work.ns)
            return
        gaps = self._rng.exponential(work.ns / len(turns), len(turns)).tolist()
        for (row, ns), gap in zip(turns, gaps, strict=True):
            yield from self._take(g, row, ns)
            yield self._book(g, gap)

    def _turns(self, holds: Sequence[Hold]) -> Iterator[tuple[int, int, float]]:
        """(Row of the account, times, ns) of every lock that is held, class by class."""
        for hold in holds:
            number = (hold.times + self._rng.random(len(hold.times))).astype(np.int64)
            for at in np.flatnonzero(number).tolist():
                yield int(hold.use[at]), int(number[at]), hold.ns

    def _take(self, g: G, row: int, ns: float) -> Body:
        """Acquire, hold and release a lock."""
        lock, use, contention = self._lock_of(row), self.use, self._on.lock_contention
        turn = lock.acquire() if contention else None
        if turn is not None:
            begun = self._clock.process_time
            yield turn
            waited = self._clock.process_time - begun
            g.lock_wait += waited
            use.contended[row] += 1
            use.wait_ns[row] += waited
            use.max_wait_ns[row] = max(use.max_wait_ns[row], waited)
        yield self._book(g, ns)
        use.acquisitions[row] += 1
        use.hold_ns[row] += ns
        if contention:
            lock.release()

    def _book(self, g: G, ns: float) -> simpy.Event:
        """The end of so much work in the allocator, in which nobody is preempted."""
        whole = max(1, round(ns))
        g.alloc += whole
        return self._clock.work(whole)

    def _lock_of(self, row: int) -> Lock:
        """The lock of a row of the account, made on first use."""
        key = min(row, self._heap_rows)
        if key not in self._locks:
            self._locks[key] = Lock(self._clock)
        return self._locks[key]

    def name(self, row: int) -> tuple[str, str]:
        """The lock and the cause of a row of the account.

        `mcentral[320B noscan]`: the size of its objects, and that they have no pointers.
        """
        if row >= self._heap_rows:
            return HEAP_LOCK, HEAP_LOCK_CAUSES[row - self._heap_rows]
        cause, span_class = divmod(row, self._classes)
        size = f"{self._sizes[span_class]}B" if span_class > LARGE_NOSCAN else "large"
        return f"mcentral[{size}{' noscan' if span_class % 2 else ''}]", CENTRAL_CAUSES[cause]
