"""Objects that cost as much to mark as a log shows, where nobody knows which ones there are."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np

from sim.go.kinds import WORD, KindTable
from sim.go.marker.greentea import GreenTea
from sim.go.sizeclass import size_classes
from sim.machine.price import mark_cpu_ns
from sim.machine.profile import MachineProfile
from sim.units import Bytes

SIZES: Final = range(16, 1025, 16)
"""Bytes of objects that are tried."""
LINKS: Final = (1, 2, 4, 8)
"""Words that lead to another object; all others are scanned too, and lead nowhere."""
NEAR: Final = 0.03
"""Relative error of the cost that is as good as none. A judgement; smaller only takes longer."""
_SPANS: Final = 1000
"""Spans that an estimate is made for. Chosen so that whole spans do not show: 0.1 %."""


class StandIn(NamedTuple):
    """One kind of object for all."""

    size: Bytes
    links: int


def stand_in(mark_cost: float, profile: MachineProfile) -> StandIn:
    """Objects, scanned whole, whose marking costs so many CPU-ns a byte; rather with few links."""
    found = [StandIn(size, links) for links in LINKS for size in SIZES if links * WORD <= size]
    off = {one: abs(math.log(cost_of(one, profile) / mark_cost)) for one in found}
    return next((one for one in found if off[one] < NEAR), min(found, key=off.__getitem__))


def cost_of(one: StandIn, profile: MachineProfile) -> float:
    """CPU-ns of marking a byte of a heap that is full of them, replaced at random."""
    kinds = KindTable()
    words = one.size // WORD
    size, pointers, filled, weight = np.array([[one.size], [words], [one.links / words], [1.0]])
    kinds.add_mix(size, pointers, filled, weight, size_classes())
    (kind,) = kinds.rows
    objects = np.array([kind.nelems * _SPANS])
    counts = GreenTea().count(
        kinds,
        objects,
        np.array([_SPANS]),
        objects.astype(float),
        vector_kernel=profile.mark.vector_kernel > 0,
    )
    return mark_cpu_ns(counts, profile.mark) / (float(objects[0]) * kind.slot_bytes)
