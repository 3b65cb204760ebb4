"""The marker up to Go 1.25: every object is greyed, fetched and scanned by itself."""

from __future__ import annotations

from dataclasses import dataclass

from sim.go.kinds import KindTable
from sim.go.marker import Counts, Floats, MarkCounts, markers


@markers.register("classic")
@dataclass(frozen=True)
class Classic:
    """Object by object, last in first out (runtime/mgcmark_nogreenteagc.go, scanObject)."""

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
        del vector_kernel
        counts = object_by_object(kinds, live)
        counts.spans, counts.apart = float(spans.sum()), float(scattered.sum())
        counts.span_bytes = span_bytes(kinds, spans)
        return counts


def object_by_object(kinds: KindTable, live: Counts) -> MarkCounts:
    """Steps when no span is scanned as a whole."""
    scan = kinds.column("scan_bytes")
    scanned = live * (scan > 0)
    return MarkCounts(
        scan_bytes=float((live * scan).sum()),
        noscan_objects=float((live * (scan == 0)).sum()),
        objects=float(scanned.sum()),
        object_bytes=float((live * scan).sum()),
        pointers=float((live * kinds.column("pointers")).sum()),
    )


def span_bytes(kinds: KindTable, spans: Counts) -> float:
    """Memory of so many spans of each kind."""
    return float((spans * kinds.column("nelems") * kinds.column("slot_bytes")).sum())
