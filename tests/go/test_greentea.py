"""The Green Tea marker beside counts of real programs."""

from __future__ import annotations

import numpy as np
import pytest

from sim.go.kinds import KindTable
from sim.go.marker import MarkCounts
from sim.go.marker.greentea import GreenTea
from sim.go.sizeclass import size_classes

REAL = [
    # slot, objects, scanned in visits with many marks, visits
    (16, 2258687, 914559, 158129),
    (32, 3162470, 1405545, 247555),
    (48, 2485340, 1176922, 250657),
    (64, 345510, 220589, 31034),
    (320, 478540, 443194, 92139),
    (64, 237289, 205396, 13109),
    (48, 57193, 41225, 4065),
    (32, 1020990, 220839, 56282),
    (96, 815823, 620796, 84805),
    (256, 204077, 178744, 52115),
    (48, 122827, 106787, 5126),
    (112, 17044, 16008, 891),
]
"""Twins of shipped workloads on a CPU with AVX-512, Go 1.27.3, GODEBUG=gctrace=2."""


def counted(
    slot: int, objects: int, visits: int, scattered: float = 0.0, *, vector_kernel: bool = True
) -> MarkCounts:
    """Steps of marking so many objects of a slot size with two pointers, in so many visits."""
    kinds, one = KindTable(), np.ones(1)
    kinds.add_mix(one * slot, one * 2, one, one, size_classes())
    marker = GreenTea(visits_per_span=1.0)
    return marker.count(
        kinds,
        np.asarray([objects]),
        np.asarray([visits]),
        np.asarray([scattered]),
        vector_kernel=vector_kernel,
    )


def test_marks_of_a_visit_vary_as_those_of_real_programs() -> None:
    """A threshold on the mean would take all visits of a program for well filled, or none."""
    off = [
        abs(1 - counted(slot, objects, visits).sparse_objects / objects - dense / objects)
        for slot, objects, dense, visits in REAL
    ]
    assert np.median(off) < 0.1


def test_the_kernel_reads_whole_spans_and_gathers_their_pointers() -> None:
    full = counted(64, 127_000, 1000)
    assert full.dense_bytes == pytest.approx(1000 * 127 * 64, rel=0.15)
    assert full.dense_pointers == pytest.approx(full.pointers, rel=0.01)
    assert full.pointers == 2 * 127_000
    assert full.scan_bytes == pytest.approx(127_000 * 64, rel=0.01)


def test_without_the_kernel_all_is_slot_by_slot() -> None:
    counts = counted(64, 127_000, 1000, vector_kernel=False)
    assert (counts.dense_bytes, counts.dense_pointers) == (0, 0)
    assert counts.sparse_objects == 127_000
    assert counts.scan_bytes == 127_000 * 16


def test_objects_that_lie_apart_miss_the_caches_one_by_one() -> None:
    """Without it, an old cache would cost as little to mark as a new one."""
    assert counted(64, 127_000, 1000).queued_apart == 0
    assert counted(64, 127_000, 1000, scattered=90_000.0).queued_apart == 90_000
