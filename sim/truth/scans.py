"""What a real Green Tea collector scanned: the counts that GODEBUG=gctrace=2 prints."""

from __future__ import annotations

import re
from typing import Final

from sim.errors import UserError
from sim.go.marker.greentea import MAX_SLOT, MIN_SLOT
from sim.go.sizeclass import size_classes

_CLASS: Final = re.compile(
    r"scan: class (\d+)B (\d+)\+\d+\+\d+=(\d+) objs, \d+\+\d+=(\d+) spans", re.ASCII
)
"""Slot bytes; objects scanned alone, and all; visits that scanned several
(runtime/mgcmark_greenteagc.go: dumpScanStats)."""


def visits_per_span(log: str) -> float:
    """How often a span was scanned in a cycle, if its slots were full: all cycles of a log.

    UserError where the log has no such counts.
    """
    table, visits, spans = size_classes(), 0, 0.0
    for match in _CLASS.finditer(log):
        slot, alone, objects, several = map(int, match.groups())
        if MIN_SLOT <= slot <= MAX_SLOT:
            visits += alone + several
            spans += objects / table.spans[table.span_class(slot, noscan=False)].nelems
    if not spans:
        raise UserError("there are no counts of scans: they need GODEBUG=gctrace=2")
    return max(visits / spans, 1.0)
