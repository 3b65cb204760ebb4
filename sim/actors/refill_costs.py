"""What refills cost: CPU time, waiting for locks, holding them."""

from __future__ import annotations

import numpy as np

from sim.actors.faults import PageFaults
from sim.actors.locks import Bill, Locks, RefillWork
from sim.actors.state import Floats, Ints
from sim.actors.sweeping import Sweeping
from sim.go.mcache import Taken
from sim.go.refill import RefillCounts
from sim.machine.profile import AllocCosts, SweepCosts


class RefillCosts:
    """Makes out the bills of refills, and lets locks and sweeping know of them."""

    def __init__(
        self,
        locks: Locks,
        sweeping: Sweeping,
        faults: PageFaults,
        alloc: AllocCosts,
        sweep: SweepCosts,
    ) -> None:
        self._locks, self._sweeping, self._faults = locks, sweeping, faults
        self._alloc, self._sweep = alloc, sweep

    def bill(self, taken: Taken, pages: Ints) -> Bill:
        """For what was taken since the last batch, from spans of so many pages by class."""
        self._note_swept(taken.counts)
        central = self._locks.central_holds(taken.classes, taken.counts)
        heap = self._locks.heap_lock_holds(pages, taken.counts)
        self._locks.note_heap_lock(heap)
        wait = np.sum([self._locks.note_hold(hold) for hold in (*central, *heap)], axis=0)
        return Bill(taken.heap_live, self._ns(taken.counts), wait)

    def paid(self, taken: Taken) -> Bill:
        """For refills that were events: their goroutines have paid."""
        self._note_swept(taken.counts)
        nothing = np.zeros(len(taken.classes))
        return Bill(taken.heap_live, nothing, nothing)

    def work(self, classes: Ints, pages: Ints, counts: RefillCounts) -> RefillWork:
        """What refills are for the goroutine that needs them now."""
        holds = self._locks.refill_holds(classes, pages, counts)
        held = sum(float(hold.times.sum()) * hold.ns for hold in holds)
        return RefillWork(holds, max(float(self._ns(counts).sum()) - held, 0.0))

    def _note_swept(self, counts: RefillCounts) -> None:
        """Refills sweep, and reclaim what is dead."""
        freed = int(counts.freed_spans.sum())
        self._sweeping.note("refill", int(counts.swept.sum()), 0)
        self._sweeping.note("reclaim", freed, freed)

    def _ns(self, counts: RefillCounts) -> Floats:
        """CPU time by class, with that in which locks are held."""
        ns: Floats = (
            (counts.partial + counts.swept - counts.in_vain) * self._alloc.refill_partial_ns
            + counts.fresh * self._alloc.refill_fresh_ns
            + counts.swept * self._sweep.span_ns
            + counts.freed_spans * self._sweep.freed_span_ns
            + self._faults.ns(counts.faulted_bytes)
        )
        return ns
