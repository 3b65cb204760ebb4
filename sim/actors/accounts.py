"""The accounts of memory: /memory/classes/* and what the limit looks at (runtime/mstats.go)."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from sim.go.mcentral import SPAN_SETS
from sim.go.mheap import PAGE
from sim.units import KiB, MiB
from sim.world import World

MSPAN: Final = 160
"""Bytes of an mspan (runtime/mheap.go)."""
MCACHE: Final = 2304
"""Bytes of an mcache, rounded to its allocation size (runtime/mcache.go)."""
FIXED_BLOCK: Final = 16 * KiB
"""mspans and mcaches are allocated in blocks (runtime/mfixalloc.go: _FixAllocChunk)."""
SPECIAL: Final = 56
"""Bytes of the record of a finalizer (runtime/mheap.go: specialfinalizer)."""
QUEUED_FINALIZER: Final = 4096 / 101
"""Bytes of one in the queue, by the block (runtime/mfinal.go: finBlock)."""
ARENA: Final = 64 * MiB
ARENA_METADATA: Final = 68 * KiB
PROFILE_TABLE: Final = 179_999 * 8
"""Bytes of the hash table of the heap profile (runtime/mprof.go: buckHashSize)."""


class MemoryClasses(NamedTuple):
    """Bytes of /memory/classes/*, which sum to the total, under the names of the samples."""

    heap_free: int
    heap_objects: int
    heap_released: int
    heap_stacks: int
    heap_unused: int
    mcache_free: int
    mcache_inuse: int
    mspan_free: int
    mspan_inuse: int
    metadata_other: int
    os_stacks: int
    other: int
    profiling_buckets: int


def memory_classes(world: World) -> MemoryClasses:
    """Where all memory of the runtime is at this instant."""
    memory, footprint = world.memory, world.machine.footprint
    heap, pages = memory.heap, memory.heap.pages
    objects = heap.stats.allocated_bytes - heap.stats.freed_bytes
    mspans, mcaches = heap.spans.count * MSPAN, world.gomaxprocs * MCACHE
    released = pages.scavenged_pages * PAGE
    free = pages.free_pages * PAGE - released
    arenas = -(-pages.total_pages * PAGE // ARENA)
    return MemoryClasses(
        heap_free=free, heap_objects=objects, heap_released=released,
        heap_stacks=memory.stacks.span_bytes,
        heap_unused=heap.stats.in_use_bytes - objects,
        mcache_free=_rounding(mcaches), mcache_inuse=mcaches,
        mspan_free=_rounding(mspans), mspan_inuse=mspans,
        metadata_other=max(arenas - 1, 0) * ARENA_METADATA
        + _mark_bits(world)
        + int(np.count_nonzero(heap.classes_used)) * SPAN_SETS
        + round(memory.finalizers.longest * QUEUED_FINALIZER)
        + round(footprint.metadata_bytes),
        os_stacks=0, other=round(footprint.other_bytes) + memory.finalizers.specials * SPECIAL,
        profiling_buckets=PROFILE_TABLE,
    )  # fmt: skip


def _rounding(used: int) -> int:
    return -used % FIXED_BLOCK


def _mark_bits(world: World) -> int:
    """Mark and allocation bits: one each a slot, in words of 64 (runtime/mheap.go: newMarkBits)."""
    return 16 * world.memory.heap.spans.mark_words


def resident(classes: MemoryClasses, world: World) -> dict[str, int]:
    """What the OS sees, by what it is for: memory that was touched and is not returned.

    Of what the runtime maps at its start beyond the heap, it touches a part.
    """
    footprint = world.machine.footprint
    untouched = round(footprint.metadata_bytes)
    return {
        "heap objects": classes.heap_objects,
        "unused in spans": classes.heap_unused,
        "free heap": classes.heap_free,
        "stacks": classes.heap_stacks,
        "metadata": classes.mcache_free + classes.mcache_inuse + classes.mspan_free
        + classes.mspan_inuse + classes.metadata_other - untouched
        + round(footprint.runtime_bytes),
        "program file": round(footprint.text_bytes),
        "rest of huge pages": world.memory.heap.pages.huge_bytes(),
    }  # fmt: skip


def rss(classes: MemoryClasses, world: World) -> int:
    """Resident memory of the process."""
    return sum(resident(classes, world).values())


def update_memory_use(world: World) -> None:
    """Tell the pacer what the memory limit looks at (runtime/mgcpacer.go: memoryLimitHeapGoal)."""
    classes, use = memory_classes(world), world.gc.pacer.memory
    use.mapped_ready = sum(classes) - classes.heap_released
    use.heap_free = classes.heap_free
    use.heap_alloc = classes.heap_objects
