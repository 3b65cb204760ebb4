"""Prices: counts of steps times what each costs on this machine."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.machine.profile import AllocCosts, FinalizerCosts, MarkCosts

Floats = NDArray[np.float64]

OS_PAGE: Final = 4096
"""Bytes of a page of the OS that a first touch provides, and that one fault costs."""
HEADER_ABOVE: Final = 512  # internal/runtime/gc/malloc.go: MinSizeForMallocHeader


def malloc_ns(
    slot_bytes: Floats, scan_bytes: Floats, npages: Floats, objects: Floats, costs: AllocCosts
) -> Floats:
    """The fast path per slot of each kind, clearing included; refills and spans come on top."""
    small = np.where(scan_bytes > 0, costs.scan_ns, costs.noscan_ns)
    small = small + np.where((scan_bytes > 0) & (slot_bytes > HEADER_ABOVE), costs.header_ns, 0.0)
    base = np.where(npages > 0, costs.large_ns, small)
    base = np.where(objects > 1, costs.tiny_ns * objects, base)
    return base + slot_bytes * costs.byte_ns


def set_finalizer_ns(nelems: Floats, objects: Floats, costs: FinalizerCosts) -> Floats:
    """runtime.SetFinalizer for what is in a slot, where every object of its span has a finalizer.

    The objects before it are half of the span's on average.
    """
    return objects * (costs.set_ns + (nelems - 1) / 2 * costs.step_ns)


class MarkSteps(Protocol):
    """How often each step of marking happens, as a marker counts them."""

    noscan_objects: float
    objects: float
    object_bytes: float
    span_visits: float
    sparse_objects: float
    dense_bytes: float
    pointers: float
    dense_pointers: float
    spans: float
    apart: float
    queued_apart: float
    span_bytes: float


def mark_cpu_ns(steps: MarkSteps, costs: MarkCosts) -> float:
    """CPU time of marking a heap."""
    return (
        steps.noscan_objects * costs.noscan_object_ns
        + steps.objects * costs.object_ns
        + steps.object_bytes * costs.byte_ns
        + steps.span_visits * costs.span_visit_ns
        + steps.sparse_objects * costs.sparse_object_ns
        + steps.dense_bytes * costs.dense_byte_ns
        + (steps.pointers - steps.dense_pointers) * costs.pointer_ns
        + steps.dense_pointers * costs.dense_pointer_ns
        + steps.spans * costs.span_ns
        + apart_ns(steps, costs)
    )


def apart_ns(steps: MarkSteps, costs: MarkCosts) -> float:
    """What it takes longer that objects lie apart.

    Of memory that is read at random, caches hold what fits: the rest, a part 1 - cache / memory,
    comes from memory.
    """
    held = min(costs.cache_bytes / steps.span_bytes, 1.0) if steps.span_bytes else 0.0
    return (1.0 - held) * (
        steps.apart * costs.apart_ns + steps.queued_apart * costs.queued_apart_ns
    )


def crowding_ns(steps: MarkSteps, costs: MarkCosts) -> float:
    """What two markers at a time take longer for a heap than one alone (CPU time)."""
    apart = steps.apart + steps.queued_apart
    return steps.spans * costs.crowded_span_ns + apart * costs.crowded_apart_ns


def crowded(crowding: float, others: float) -> float:
    """By what factor a marker takes longer beside so many others; a part of one is there at times.

    They write the same cache lines, of spans and queues: with n markers, a line was last another's
    with a chance of (n - 1) / n. `crowding` is what two of them cost each other, as a part of what
    marking takes alone.
    """
    return 1.0 + crowding * (others if others < 1 else 2 * others / (others + 1))
