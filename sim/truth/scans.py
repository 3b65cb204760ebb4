"""What a real Green Tea collector scanned: the counts that GODEBUG=gctrace=2 prints."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import brentq

from sim.errors import UserError
from sim.go.marker.greentea import DENSE, MAX_SLOT, MIN_SLOT, GreenTea, dense_share
from sim.go.sizeclass import size_classes

_CLASS: Final = re.compile(
    r"scan: class (\d+)B (\d+)\+\d+\+\d+=(\d+) objs, (\d+)\+(\d+)=\d+ spans", re.ASCII
)
"""Slot bytes; objects scanned alone, and all; visits that scanned several, few and many marks
(runtime/mgcmark_greenteagc.go: dumpScanStats)."""
MOST: Final = 50.0
"""Logarithm of odds beyond which a share is 0 or 1."""


class Scanned(NamedTuple):
    """Objects of a size class, and the visits that scanned them."""

    nelems: int
    objects: int
    visits: int
    dense: int


def green_tea(log: str) -> GreenTea:
    """The marker that scans as the log counts it: the visits, and those that find many marks.

    UserError where the log has no such counts.
    """
    classes = _read(log)
    if not classes:
        raise UserError("there are no counts of scans: they need GODEBUG=gctrace=2")
    nelems, objects, visits, dense = np.array(classes, dtype=float).T
    wanted = min(dense.sum(), visits.sum() - 0.5)

    def beyond(log_odds: float) -> float:
        share = dense_share(nelems // DENSE, objects / visits, np.exp(log_odds))
        return float(np.dot(visits, share) - wanted)

    return GreenTea(
        visits_per_span=max(float(visits.sum() / (objects / nelems).sum()), 1.0),
        dense_odds=float(np.exp(brentq(beyond, -MOST, MOST))) if dense.any() else 1.0,
    )


def _read(log: str) -> list[Scanned]:
    table, found = size_classes(), []
    for match in _CLASS.finditer(log):
        slot, alone, objects, few, many = map(int, match.groups())
        if MIN_SLOT <= slot <= MAX_SLOT and objects:
            nelems = table.spans[table.span_class(slot, noscan=False)].nelems
            found.append(Scanned(nelems, objects, max(alone + few + many, 1), many))
    return found
