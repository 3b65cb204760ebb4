"""The accounts of memory: /memory/classes/* and what the limit looks at (runtime/mstats.go)."""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.go.mcentral import SPAN_SETS
from sim.go.pacer import MemoryUse
from sim.machine.profile import FootprintCosts
from sim.runtime.interfaces import Heap, HeapUsage
from sim.units import Bytes, KiB, MiB, TiB, format_bytes

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


MOST_SPANS: Final = 16_000_000
"""Chosen as what 2.5 GiB hold: 128 GiB of spans of one page, more of larger ones."""
LARGEST_HEAP: Final[Bytes] = 16 * TiB
"""More than the largest machines have; its bitmaps of pages take half a gigabyte."""


class MemoryAccounts:
    """Where all memory of the process is, from what the heap uses."""

    def __init__(self, heap: Heap, use: MemoryUse, ps: int, costs: FootprintCosts) -> None:
        self._heap, self._use = heap, use
        self._ps, self._costs = ps, costs

    def beyond(self) -> str:
        """What of the heap is more than a run holds; empty if nothing is."""
        if self._heap.spans > MOST_SPANS:
            return f"the heap has more than {MOST_SPANS:,} spans"
        if self._heap.mapped > LARGEST_HEAP:
            return f"the heap is larger than {format_bytes(LARGEST_HEAP)}"
        return ""

    def classes(self) -> tuple[MemoryClasses, dict[str, int]]:
        """Where all memory of the runtime is at this instant, and what of it the OS sees."""
        usage = self._heap.usage()
        classes = memory_classes(usage, self._ps, self._costs)
        return classes, resident(classes, usage, self._costs)

    def resident(self) -> dict[str, int]:
        """What the OS sees at this instant, by what it is for."""
        return self.classes()[1]

    def tell_pacer(self) -> HeapUsage:
        """Tell the pacer what the limit looks at (runtime/mgcpacer.go: memoryLimitHeapGoal)."""
        usage, use = self._heap.usage(), self._use
        classes = memory_classes(usage, self._ps, self._costs)
        use.mapped_ready = sum(classes) - classes.heap_released
        use.heap_free = classes.heap_free
        use.heap_alloc = classes.heap_objects
        return usage


def memory_classes(usage: HeapUsage, ps: int, costs: FootprintCosts) -> MemoryClasses:
    """/memory/classes/* of a heap with so many Ps."""
    mspans, mcaches = int(usage.spans) * MSPAN, ps * MCACHE
    arenas = -(-int(usage.mapped) // ARENA)
    objects = int(usage.objects)
    return MemoryClasses(
        heap_free=int(usage.free),
        heap_objects=objects,
        heap_released=int(usage.released),
        heap_stacks=int(usage.stacks),
        heap_unused=int(usage.in_use) - objects,
        mcache_free=-mcaches % FIXED_BLOCK,
        mcache_inuse=mcaches,
        mspan_free=-mspans % FIXED_BLOCK,
        mspan_inuse=mspans,
        metadata_other=max(arenas - 1, 0) * ARENA_METADATA
        + 16 * int(usage.mark_words)  # mark and allocation bits (runtime/mheap.go: newMarkBits)
        + usage.classes_used * SPAN_SETS
        + round(usage.finalizers_queued * QUEUED_FINALIZER)
        + round(costs.metadata_bytes),
        os_stacks=0,
        other=round(costs.other_bytes) + int(usage.specials) * SPECIAL,
        profiling_buckets=PROFILE_TABLE,
    )


def resident(classes: MemoryClasses, usage: HeapUsage, costs: FootprintCosts) -> dict[str, int]:
    """What the OS sees, by what it is for: memory that was touched and is not returned.

    Of what the runtime maps at its start beyond the heap, it touches a part.
    """
    untouched = round(costs.metadata_bytes)
    return {
        "heap objects": classes.heap_objects,
        "unused in spans": classes.heap_unused,
        "free heap": classes.heap_free,
        "stacks": classes.heap_stacks,
        "metadata": classes.mcache_free
        + classes.mcache_inuse
        + classes.mspan_free
        + classes.mspan_inuse
        + classes.metadata_other
        - untouched
        + round(costs.runtime_bytes),
        "program file": round(costs.text_bytes),
        "rest of huge pages": int(usage.huge),
    }
