"""What a marker promises."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Final

import numpy as np

from sim.go.kinds import KindTable
from sim.go.marker import Counts, Floats, MarkCounts, Marker
from sim.go.sizeclass import size_classes
from sim.streams import Streams
from sim.testing.promise import checker

HEAPS: Final = 20
ROUNDING: Final = 1e-9


def check_marker(marker: Marker) -> None:
    """AssertionError unless the marker keeps `sim.go.marker.Marker`.

    Counts are finite and not negative and depend on the heap alone; every live object is marked,
    every pointer of it followed, and the scan work lies between pointer prefixes and whole slots.
    """
    kinds = heap_kinds()
    empty = np.zeros(len(kinds), dtype=np.int64)
    rng = Streams(1)["conformance"]
    for vector_kernel in (False, True):
        nothing = marker.count(
            kinds, empty, empty, np.zeros(len(kinds)), vector_kernel=vector_kernel
        )
        checker(marker)(not any(asdict(nothing).values()), f"an empty heap is no work: {nothing}")
        for _ in range(HEAPS):
            live = (rng.integers(0, 10_000, len(kinds)) * rng.integers(0, 2, len(kinds))).astype(
                np.int64
            )
            spread = rng.integers(1, 50, len(kinds))
            nelems = kinds.column("nelems").astype(np.int64)
            spans = np.minimum(-(-live // nelems) * spread, live)
            scattered: Floats = live.astype(np.float64) * rng.random()
            _check_heap(marker, kinds, live, spans, scattered, vector_kernel=vector_kernel)


def heap_kinds() -> KindTable:
    """Kinds of every sort: tiny, without and with pointers, with a header, large."""
    kinds = KindTable()
    sizes = np.asarray([8.0, 64.0, 64.0, 512.0, 2048.0, 65536.0, 65536.0])
    words = np.asarray([0.0, 0.0, 4.0, np.inf, 16.0, 0.0, np.inf])
    ones = np.ones(len(sizes))
    kinds.add_mix(sizes, words, ones, ones, size_classes("1.27"))
    return kinds


def _check_heap(
    marker: Marker,
    kinds: KindTable,
    live: Counts,
    spans: Counts,
    scattered: Floats,
    *,
    vector_kernel: bool,
) -> None:
    promise, given = checker(marker), (live.copy(), spans.copy())
    counts = marker.count(kinds, live, spans, scattered, vector_kernel=vector_kernel)
    for name, value in asdict(counts).items():
        promise(math.isfinite(value) and value >= 0, f"{name} is a count, got {value!r}")
    promise(
        bool(np.array_equal(live, given[0]) and np.array_equal(spans, given[1])),
        "counting leaves the heap as it is",
    )
    promise(
        counts == marker.count(kinds, live, spans, scattered, vector_kernel=vector_kernel),
        "the same heap is the same work",
    )
    _check_work(marker, kinds, live, counts)


def _check_work(marker: Marker, kinds: KindTable, live: Counts, counts: MarkCounts) -> None:
    promise = checker(marker)
    scan, slot = kinds.column("scan_bytes"), kinds.column("slot_bytes")
    noscan = float(live[scan == 0].sum())
    promise(
        counts.noscan_objects == noscan,
        f"all {noscan:g} objects without pointers are marked, got {counts.noscan_objects:g}",
    )
    pointers = float(np.dot(live, kinds.column("pointers")))
    promise(
        math.isclose(counts.pointers, pointers, rel_tol=ROUNDING),
        f"all {pointers:g} pointers are followed once, got {counts.pointers:g}",
    )
    least, most = float(np.dot(live, scan)), float(np.dot(live, np.where(scan > 0, slot, 0)))
    promise(
        least * (1 - ROUNDING) <= counts.scan_bytes <= most * (1 + ROUNDING),
        f"scan_bytes lies between pointer prefixes and whole slots, {least:g} to {most:g},"
        f" got {counts.scan_bytes:g}",
    )
