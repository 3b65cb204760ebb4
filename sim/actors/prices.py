"""What slots are expected to cost and to move heap_live by, learnt from the last batches."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.actors.faults import PageFaults
from sim.actors.kinds import KindColumns
from sim.actors.locks import Bill
from sim.go.kinds import LARGE_NOSCAN
from sim.go.mheap import PAGE, MHeap
from sim.go.sizeclass import SizeClassTable
from sim.machine.profile import AllocCosts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HISTORY: Final = 8
"""Spans of history that a price remembers besides the last batch. A judgement, so that a batch of
few refills does not make a price of its own; more follows changes later."""


class Prices:
    """Prices of a slot, until the next batch."""

    def __init__(
        self,
        kinds: KindColumns,
        heap: MHeap,
        sizes: SizeClassTable,
        faults: PageFaults,
        costs: AllocCosts,
    ) -> None:
        self._kinds, self._heap, self._faults, self._costs = kinds, heap, faults, costs
        classes, mixes = len(heap.nelems), len(kinds.mixes)
        self._class_ns, self._class_wait_ns = np.zeros(classes), np.zeros(classes)
        """Refills, and waiting for locks: ns for a slot by span class."""
        self._class_live: Floats = sizes.npages * PAGE / np.maximum(sizes.nelems, 1)
        """Bytes of heap_live for a slot by span class."""
        self._large_ns, self._large_wait_ns = np.zeros(len(kinds)), np.zeros(len(kinds))
        """The same for a large object, by kind."""
        self.ns = [0.0] * mixes
        """CPU time of allocating a slot, by mix."""
        self.wait_ns = [0.0] * mixes
        """Waiting for locks for a slot, by mix."""
        self.live = [0.0] * mixes
        """Bytes that a slot moves heap_live by, by mix."""
        self.scan = kinds.scan_per_slot()
        """Bytes that a slot moves heap_scan by, by mix."""

    def expect_fresh_spans(self) -> None:
        """Before anything is known of refills: every span comes fresh from the OS."""
        heap, fresh = self._heap, self._costs.refill_fresh_ns
        self._class_ns[:] = fresh + self._faults.ns(heap.span_pages * PAGE)
        self._class_ns /= np.maximum(heap.nelems, 1)
        self._large_ns[:] = fresh + self._faults.ns(self._kinds.slot_bytes)

    def learn(self, classes: Ints, objects: Ints, bill: Bill) -> None:
        """Move the classes' estimates towards what this batch showed, more the larger it was."""
        weight = 1.0 / (objects + HISTORY * self._heap.nelems[classes])
        for estimate, seen in (
            (self._class_live, bill.heap_live),
            (self._class_ns, bill.ns),
            (self._class_wait_ns, bill.wait_ns),
        ):
            estimate[classes] += (seen - estimate[classes] * objects) * weight

    def learn_large(self, kinds: Ints, objects: Ints, bill: Bill) -> None:
        """The next large object of a kind costs what those of this batch did."""
        self._large_ns[kinds] = bill.ns / objects
        self._large_wait_ns[kinds] = bill.wait_ns / objects

    def update(self, debt_ns: float, *, marking: bool) -> None:
        """Work out the prices; a byte of heap_live pays for so much sweeping (ns)."""
        columns = self._kinds
        malloc = columns.malloc_ns_marking if marking else columns.malloc_ns
        for mix_id, mix in enumerate(columns.mixes):
            kinds, classes = columns.by_mix[mix_id], columns.classes_by_mix[mix_id]
            large = classes <= LARGE_NOSCAN
            refill = np.where(large, self._large_ns[kinds], self._class_ns[classes])
            live = np.where(large, columns.slot_bytes[kinds], self._class_live[classes])
            wait = np.where(large, self._large_wait_ns[kinds], self._class_wait_ns[classes])
            self.ns[mix_id] = float(np.dot(mix.shares, malloc[kinds] + refill))
            self.wait_ns[mix_id] = float(np.dot(mix.shares, wait))
            self.live[mix_id] = float(np.dot(mix.shares, live))
            self.ns[mix_id] += self.live[mix_id] * debt_ns
