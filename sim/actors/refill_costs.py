"""What the refills of a batch cost: CPU time, waiting for locks, holding them."""

from __future__ import annotations

import numpy as np

from sim.actors.faults import PageFaults
from sim.actors.locks import Bill, Locks
from sim.actors.state import Ints
from sim.actors.sweeping import Sweeping
from sim.go.mcache import Taken
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
        resolution: str,
    ) -> None:
        self._locks, self._sweeping, self._faults = locks, sweeping, faults
        self._alloc, self._sweep = alloc, sweep
        self._one_by_one = resolution == "refill"

    def bill(self, taken: Taken, pages: Ints) -> Bill:
        """For what was taken, from spans of so many pages by class."""
        counts, alloc, sweep, locks = taken.counts, self._alloc, self._sweep, self._locks
        holds = locks.refill_holds(taken.classes, pages, counts)
        freed = int(counts.freed_spans.sum())
        self._sweeping.note("refill", int(counts.swept.sum()), 0)
        self._sweeping.note("reclaim", freed, freed)
        ns = (
            (counts.partial + counts.swept - counts.in_vain) * alloc.refill_partial_ns
            + counts.fresh * alloc.refill_fresh_ns
            + counts.swept * sweep.span_ns
            + counts.freed_spans * sweep.freed_span_ns
            + self._faults.ns(counts.faulted_bytes)
        )
        if self._one_by_one:
            held = sum(hold.times * hold.ns for hold in holds)
            return Bill(taken.heap_live, np.maximum(ns - held, 0.0), np.zeros_like(ns), holds)
        locks.note_heap_lock(holds[1:])
        wait = np.sum([locks.note_hold(hold) for hold in holds], axis=0)
        return Bill(taken.heap_live, ns, wait, holds)
