"""What a real Green Tea collector scanned: the counts that GODEBUG=gctrace=2 prints."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import brentq

from sim.errors import UserError
from sim.go.marker import Floats
from sim.go.marker.greentea import (
    DENSE,
    MAX_SLOT,
    MIN_SLOT,
    GreenTea,
    dense_share,
    gathered_share,
)
from sim.go.sizeclass import size_classes

_CLASS: Final = re.compile(
    r"scan: class (\d+)B (\d+)\+\d+\+(\d+)=(\d+) objs, (\d+)\+(\d+)=\d+ spans", re.ASCII
)
"""Slot bytes; objects scanned alone, with many others, and all; visits that found few and many
marks (runtime/mgcmark_greenteagc.go: dumpScanStats)."""
LARGEST_LOGARITHM: Final = 50.0
"""Logarithm of odds beyond which a share is 0 or 1."""


class Scanned(NamedTuple):
    """Objects of a size class, and the visits that scanned them."""

    nelems: int
    objects: int
    gathered: int
    visits: int
    dense: int


def green_tea(log: str) -> GreenTea:
    """The marker that scans as the log counts it: the visits, and those that find many marks.

    UserError where the log has no such counts.
    """
    classes = _read(log)
    if not classes:
        raise UserError("there are no counts of scans: they need GODEBUG=gctrace=2")
    nelems, objects, gathered, visits, dense = np.array(classes, dtype=float).T
    filled, found = np.maximum(nelems // DENSE, 2), objects / visits

    def odds(share: Callable[[Floats, Floats, float], Floats], of: Floats, many: Floats) -> float:
        wanted = min(many.sum(), of.sum() - 0.5)
        log_odds = brentq(
            lambda log: np.dot(of, share(filled, found, np.exp(log))) - wanted,
            -LARGEST_LOGARITHM,
            LARGEST_LOGARITHM,
        )
        return float(np.exp(log_odds))

    return GreenTea(
        visits_per_span=max(float(visits.sum() / (objects / nelems).sum()), 1.0),
        dense_odds=odds(dense_share, visits, dense) if dense.any() else 1.0,
        gathered_odds=odds(gathered_share, objects, gathered) if gathered.any() else 1.0,
    )


def _read(log: str) -> list[Scanned]:
    table, found = size_classes(), []
    for match in _CLASS.finditer(log):
        slot, alone, gathered, objects, few, many = map(int, match.groups())
        if MIN_SLOT <= slot <= MAX_SLOT and objects:
            nelems = table.spans[table.span_class(slot, noscan=False)].nelems
            visits = max(alone + few + many, 1)
            found.append(Scanned(nelems, objects, gathered, visits, many))
    return found
