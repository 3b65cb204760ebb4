"""Markers: in which steps the reachable heap is traced, as counts that the machine prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sim.go.kinds import KindTable
from sim.registry import Registry

markers: Final = Registry("marker")

Floats = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64] | Floats
"""How many of each kind: whole numbers event by event, expectations as rates."""


@dataclass
class MarkCounts:
    """What tracing a heap consists of."""

    scan_bytes: float = 0.0
    """Scan work as the pacer counts it."""
    noscan_objects: float = 0.0
    """Objects that are only marked."""
    objects: float = 0.0
    """Objects greyed and scanned one by one."""
    object_bytes: float = 0.0
    """Pointer-bearing bytes read object by object."""
    span_visits: float = 0.0
    """Spans taken from the span queue."""
    sparse_objects: float = 0.0
    """Objects scanned in visits to spans with few new marks."""
    dense_bytes: float = 0.0
    """Bytes of spans scanned whole by the vector kernel."""
    pointers: float = 0.0
    """Pointers followed."""
    dense_pointers: float = 0.0
    """Those of them that the vector kernel gathers."""
    spans: float = 0.0
    """Spans in which anything lives."""
    apart: float = 0.0
    """Objects that are marked as soon as they are found, far from any that were before them."""
    queued_apart: float = 0.0
    """The same where the span waits in a queue until more of its objects are found."""
    span_bytes: float = 0.0
    """Memory of the spans in which anything lives: what objects that lie apart are spread over."""


class Marker(Protocol):
    """Counts the steps of marking a heap."""

    def count(
        self,
        kinds: KindTable,
        live: Counts,
        spans: Counts,
        scattered: Floats,
        *,
        vector_kernel: bool,
    ) -> MarkCounts:
        """Steps for `live[k]` reachable objects of kind k that lie in `spans[k]` spans.

        Of them, `scattered[k]` lie apart from those that lead to them and are led to beside them;
        the others are found in the order of their addresses.
        With the `vector_kernel` the CPU can scan the pointers of a whole span at once.
        """
