"""How many objects have pointers, and to how many they lead, for marking to cost what it did.

A heap profile tells sizes; only the cost of marking tells what of them is scanned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from sim.fitting.fit import Fit
from sim.go.kinds import WORD, KindTable
from sim.go.marker import Marker
from sim.go.sizeclass import size_classes
from sim.machine.price import mark_cpu_ns
from sim.machine.profile import MachineProfile
from sim.units import Bytes, Fraction

SHARES: Final = tuple(k / 20 for k in range(1, 21))
LINKS: Final = (1, 2, 3, 4, 6, 8)
"""Words of an object that lead to another."""


class Pointers(NamedTuple):
    """The same for all objects that may have pointers."""

    share: Fraction
    """Of them, that have some; they are scanned whole."""
    links: int
    """Words of each that lead to another object."""


def pointers_of(
    fit: Fit,
    mays: Sequence[tuple[Mapping[Bytes, float], bool]],
    profile: MachineProfile,
    marker: Marker,
) -> Pointers:
    """Those with which marking costs what the log shows, or as nearly as any.

    `mays`: frequencies of the sizes of what is alive, and whether it may have pointers at all.
    """
    wanted = mark_cost(fit, profile)
    tried = [*(Pointers(share, 1) for share in SHARES), *(Pointers(1.0, n) for n in LINKS[1:])]
    return min(tried, key=lambda one: abs(_cost(one, mays, profile, marker) - wanted))


def mark_cost(fit: Fit, profile: MachineProfile) -> float:
    """CPU-ns a live byte in the log's larger cycles, without what a cycle of no heap takes."""
    seen = fit.observed
    fixed = profile.mark.cycle_ns + fit.program.roots * profile.mark.root_byte_ns
    large = ~seen.forced & (seen.live >= np.median(seen.live))
    large = large if large.any() else np.ones_like(large)
    return float(np.maximum(seen.mark_cpu[large] - fixed, 0).sum() / seen.live[large].sum())


def _cost(
    one: Pointers,
    mays: Sequence[tuple[Mapping[Bytes, float], bool]],
    profile: MachineProfile,
    marker: Marker,
) -> float:
    """CPU-ns of marking a byte of a heap of such objects that have replaced others at random."""
    rows = [
        row
        for sizes, may in mays
        for size, n in sizes.items()
        if n
        for row in kinds_of(size, n, one if may else None)
    ]
    kinds = KindTable()
    size, words, filled, weight = np.array(rows, dtype=float).T
    mix = kinds.add_mix(size, words, filled, weight, size_classes())
    objects = np.ceil(mix.shares * 1e6).astype(np.int64)
    nelems = kinds.column("nelems")
    spans = np.ceil(objects / nelems).astype(np.int64)
    counts = marker.count(
        kinds, objects, spans, objects.astype(float), vector_kernel=profile.mark.vector_kernel > 0
    )
    return mark_cpu_ns(counts, profile.mark) / float((objects * kinds.column("slot_bytes")).sum())


def kinds_of(
    size: Bytes, frequency: float, one: Pointers | None
) -> list[tuple[Bytes, int, float, float]]:
    """Objects of a size as kinds: size, words with pointers, part of them filled, frequency."""
    words = size // WORD
    if one is None or not words:
        return [(size, 0, 1.0, frequency)]
    found = [
        (size, words, min(one.links, words) / words, frequency * one.share),
        (size, 0, 1.0, frequency * (1 - one.share)),
    ]
    return [row for row in found if row[3] > 0]
