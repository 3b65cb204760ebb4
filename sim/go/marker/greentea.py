"""Green Tea: small objects are scanned span by span (runtime/mgcmark_greenteagc.go)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from annotated_types import Ge

from sim.go.kinds import KindTable
from sim.go.marker import Ints, MarkCounts, markers
from sim.go.marker.classic import object_by_object

MIN_SLOT: Final = 16
MAX_SLOT: Final = 512
DENSE: Final = 8  # runtime/mgcmark_greenteagc.go: scanSpan, at least an eighth of the slots


@markers.register("greentea")
@dataclass(frozen=True)
class GreenTea:
    """Marks gather in a span while it waits in a queue; then they are scanned together.

    A visit with at least an eighth of the slots newly marked scans the span with the vector kernel,
    if the CPU has what it takes, and counts whole slots as work; any other scans slot by slot and
    counts pointer prefixes.
    """

    visits_per_span: Annotated[float, Ge(1)] = 2.0
    """How often a span with live objects is taken from the queue in a cycle; `GODEBUG=gctrace=2`
    prints what a real program does. A linked list makes it the number of objects."""

    def count(
        self, kinds: KindTable, live: Ints, spans: Ints, *, vector_kernel: bool
    ) -> MarkCounts:
        """See `Marker`."""
        slot, scan = kinds.column("slot_bytes"), kinds.column("scan_bytes")
        by_span = (slot >= MIN_SLOT) & (slot <= MAX_SLOT) & (scan > 0)
        counts = object_by_object(kinds, np.where(by_span, 0, live))
        visits = np.where(by_span, np.minimum(spans * self.visits_per_span, live), 0.0)
        per_visit = live / np.maximum(visits, 1.0)
        nelems = kinds.column("nelems")
        dense = by_span & vector_kernel & (per_visit >= np.maximum(nelems // DENSE, 2))
        sparse = by_span & ~dense
        counts.span_visits = float(visits.sum())
        counts.sparse_objects = float((live * sparse).sum())
        counts.dense_bytes = float((visits * nelems * slot)[dense].sum())
        counts.scan_bytes += float((live * np.where(dense, slot, scan))[by_span].sum())
        counts.pointers += float((live * kinds.column("pointers"))[by_span].sum())
        return counts
