"""Spans by class, free pages and locks as rows of the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.actors.kinds import KindColumns
from sim.actors.locks import Locks
from sim.actors.state import Ints
from sim.engine.clock import ProcessClock
from sim.go.kinds import LARGE_NOSCAN
from sim.go.mheap import PAGE, MHeap
from sim.record.facts import FreeRuns, LockUse, SpanClassUse
from sim.runtime.state import GC
from sim.workload.ledger import Ledger


class HeapReport:
    """Tells how the heap is at an instant, and what happened to its locks until then."""

    def __init__(
        self,
        clock: ProcessClock,
        emit: Callable[[Any], None],
        gc: GC,
        heap: MHeap,
        ledger: Ledger,
        kinds: KindColumns,
        locks: Locks,
    ) -> None:
        self._clock, self._emit, self._gc = clock, emit, gc
        self._heap, self._ledger, self._kinds, self._locks = heap, ledger, kinds, locks
        rows = range(len(locks.use.acquisitions))
        self._rows_of_locks = sorted((locks.name(row), row) for row in rows)
        """Lock, cause and row of the account, in the order in which they are told."""

    def all(self) -> None:
        """All of it."""
        self.spans()
        self.free_runs()
        self.locks()

    def spans(self) -> None:
        """Spans in use by class, at this instant."""
        heap, spans = self._heap, self._heap.spans
        used = spans.rows_in_use()
        if not len(used):
            return
        classes, slots = spans.span_class.take(used), spans.allocated.take(used)
        live = np.minimum(self._ledger.per_span(spans.capacity).take(used), slots)
        number, objects, live_objects = (
            self._by_class(classes, amount) for amount in (np.ones_like(slots), slots, live)
        )
        large = np.flatnonzero(classes <= LARGE_NOSCAN)
        size = spans.slot_bytes.take(used.take(large))

        def large_bytes(amount: Ints) -> Ints:
            """Bytes by class of large objects, which differ in size; there is one in a span."""
            return self._by_class(classes.take(large), amount.take(large) * size)

        capacity = number * heap.nelems
        span_bytes = number * heap.span_pages * PAGE + large_bytes(np.ones_like(slots))
        tail_waste = number * heap.span_pages * PAGE - capacity * heap.slot_size
        object_bytes = objects * heap.slot_size + large_bytes(slots)
        live_bytes = live_objects * heap.slot_size + large_bytes(live)
        columns = (
            heap.slot_size,
            number,
            objects,
            live_objects,
            capacity - objects,
            span_bytes,
            object_bytes,
            live_bytes,
            tail_waste,
            np.rint(object_bytes * self._kinds.waste_by_class).astype(np.int64),
        )
        there = np.flatnonzero(number)
        told = (column.take(there).tolist() for column in columns)
        for span_class, size, *amounts in zip(there.tolist(), *told, strict=True):
            about = (self._clock.now, self._gc.cycles, span_class, size, bool(span_class % 2))
            self._emit(SpanClassUse(*about, *amounts))

    def _by_class(self, classes: Ints, amount: Ints) -> Ints:
        count = np.bincount(classes, weights=amount, minlength=len(self._heap.nelems))
        return count.astype(np.int64)

    def free_runs(self) -> None:
        """Free pages between spans, in powers of two of their runs' lengths."""
        lengths = self._heap.pages.free_runs()
        power = np.ceil(np.log2(lengths)).astype(np.int64)
        runs = np.bincount(power)
        pages = np.bincount(power, weights=lengths)
        for exponent in np.flatnonzero(runs).tolist():
            self._emit(
                FreeRuns(
                    at_ns=self._clock.now,
                    cycle=self._gc.cycles,
                    longest=PAGE << exponent,
                    runs=int(runs[exponent]),
                    free_bytes=int(pages[exponent]) * PAGE,
                )
            )

    def locks(self) -> None:
        """What every cause did with every lock since this was told last."""
        locks, use, now = self._locks, self._locks.use, self._clock.now
        columns = (use.acquisitions, use.contended, use.hold_ns, use.wait_ns, locks.longest_waits())
        acquisitions, contended, hold, wait, longest = (column.tolist() for column in columns)
        for (lock, cause), row in self._rows_of_locks:
            if acquisitions[row]:
                self._emit(
                    LockUse(
                        end_ns=now,
                        begin_ns=use.since,
                        lock=lock,
                        cause=cause,
                        acquisitions=acquisitions[row],
                        contended=contended[row],
                        hold_ns=round(hold[row]),
                        wait_ns=round(wait[row]),
                        max_wait_ns=round(longest[row]),
                    )
                )
        use.clear(now)
