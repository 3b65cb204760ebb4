"""Green Tea: small objects are scanned span by span (runtime/mgcmark_greenteagc.go)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

import numpy as np
from annotated_types import Ge, Gt

from sim.go.kinds import KindTable
from sim.go.marker import Counts, Floats, MarkCounts, markers
from sim.go.marker.classic import object_by_object, span_bytes

MIN_SLOT: Final = 16
MAX_SLOT: Final = 512
DENSE: Final = 8  # runtime/mgcmark_greenteagc.go: scanSpan, at least an eighth of the slots


@markers.register("greentea")
@dataclass(frozen=True)
class GreenTea:
    """Marks gather in a span while it waits in a queue; then they are scanned together.

    A visit with at least an eighth of the slots newly marked scans the span with the vector kernel,
    if the CPU has what it takes, and counts whole slots as work; any other scans slot by slot and
    counts pointer prefixes. How many marks a visit finds varies as if every mark were as likely to
    be the last: what real programs count is in the median seven points of a hundred from that.
    """

    visits_per_span: Annotated[float, Ge(1)] = 2.0
    """How often a span full of live objects is taken from the queue in a cycle; one that is half
    full is taken half as often, but once. `GODEBUG=gctrace=2` prints what a real program does. A
    linked list makes it the number of objects."""
    dense_odds: Annotated[float, Gt(0)] = 1.0
    """By how much the odds are better that a visit finds enough marks to scan the whole span: where
    what leads to a span lies together, as in a table in the order of allocation."""
    gathered_odds: Annotated[float, Gt(0)] = 1.0
    """The same for the odds that an object is found by such a visit."""

    def count(
        self,
        kinds: KindTable,
        live: Counts,
        spans: Counts,
        scattered: Floats,
        *,
        vector_kernel: bool,
    ) -> MarkCounts:
        """See `Marker`."""
        slot, scan = kinds.column("slot_bytes"), kinds.column("scan_bytes")
        by_span = (slot >= MIN_SLOT) & (slot <= MAX_SLOT) & (scan > 0)
        counts = object_by_object(kinds, np.where(by_span, 0, live))
        nelems = kinds.column("nelems")
        visits = np.maximum(live / nelems * self.visits_per_span, spans)
        visits = np.where(by_span, np.minimum(visits, live), 0.0)
        filled = np.maximum(nelems // DENSE, 2)
        found = np.maximum(live, 1) / np.maximum(visits, 1.0)
        can = by_span * vector_kernel
        dense_visits = can * dense_share(filled, found, self.dense_odds)
        dense = can * gathered_share(filled, found, self.gathered_odds)
        pointers = live * kinds.column("pointers") * by_span
        counts.span_visits = float(visits.sum())
        counts.sparse_objects = float((live * (by_span - dense)).sum())
        counts.dense_bytes = float((visits * dense_visits * nelems * slot).sum())
        counts.scan_bytes += float((live * (scan + dense * (slot - scan)))[by_span].sum())
        counts.pointers += float(pointers.sum())
        counts.dense_pointers = float((pointers * dense).sum())
        counts.spans, counts.queued_apart = float(spans.sum()), float(scattered.sum())
        counts.span_bytes = span_bytes(kinds, spans)
        return counts


def dense_share(filled: Floats, found: Floats, odds: float) -> Floats:
    """Share of visits that find at least `filled` marks, if they find `found` on average.

    The odds are those of an exponential law, times `odds`.
    """
    return _with_odds(np.exp(-filled / found), odds)


def gathered_share(filled: Floats, found: Floats, odds: float) -> Floats:
    """Share of objects that such visits find; see `dense_share`."""
    most = filled / found
    return _with_odds(np.exp(-most) * (1 + most), odds)


def _with_odds(share: Floats, odds: float) -> Floats:
    better: Floats = odds * share / (1 - share + odds * share)
    return better
