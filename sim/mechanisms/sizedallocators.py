"""Allocators with lists by size: segregated fit, TCMalloc's caches, and Go's mcache and mcentral.

Sources: Ghemawat and Menage, TCMalloc: thread-caching malloc; the design page of google/tcmalloc
(thread cache, transfer cache, central free list, page heap); runtime/mcache.go, mcentral.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from sim.go.mheap import PAGE
from sim.go.sizeclass import SizeClassTable, size_classes
from sim.mechanisms.allocators import Block, Costs
from sim.mechanisms.frame import MemoryCell, MemoryRow
from sim.mechanisms.heap import SmallHeap, SweptSpan
from sim.units import Bytes, KiB

TRANSFER_SLOTS: Final = 64
"""Objects that a transfer cache of a class holds (in TCMalloc 64 batches at most)."""
MOST_MOVED: Final = 32
"""Objects that move between caches at once (TCMalloc: num_objects_to_move, 64 KiB at most)."""
FIRST_CYCLE: Final = 16 * KiB
"""Go: bytes before the first cycle here; the real runtime's 4 MiB would be out of sight."""


HOW: Final = {
    "hit": "a slot of the mcache: no lock",
    "tiny": "a place in the P's tiny block: no lock",
    "fresh": "a slot of a fresh span for the mcache: the heap's lock",
    "large": "a span of its own: the heap's lock",
}
"""How Go served a request; others came from the mcentral."""


class Segregated:
    """A list of free slots for each power of two; pages are cut into slots of one size.

    Each list has a lock. Pages never change their size again.
    """

    def __init__(self) -> None:
        self.costs = Costs()
        self.blocks: dict[str, Block] = {}
        self.pages: list[tuple[Bytes, list[int]]] = []
        """Slot size and addresses of the slots of each page."""
        self.lists: dict[Bytes, list[int]] = {}
        self.size = 0

    def malloc(self, name: str, size: Bytes, thread: int) -> str:
        """See `Allocator`."""
        del thread
        slot = max(16, 1 << (size - 1).bit_length())
        self.costs.locks += 1
        self.costs.searched += 1
        slots = self.lists.setdefault(slot, [])
        how = "the first of its list"
        if not slots:
            npages = -(-slot // PAGE)
            start, self.size = self.size, self.size + npages * PAGE
            slots += range(start + npages * PAGE - slot, start - 1, -slot)
            self.pages.append((slot, sorted(slots)))
            how = f"of {npages} fresh pages cut into slots of {slot} B"
        self.blocks[name] = Block(name, size, slots.pop(), slot)
        return f"{name} gets a slot of {slot} B, {how}"

    def free(self, name: str, thread: int) -> str:
        """See `Allocator`."""
        del thread
        block = self.blocks.pop(name)
        self.costs.locks += 1
        self.lists[block.taken].append(block.address)
        return f"{name}'s slot is the first of the list of {block.taken} B again"

    def held(self) -> Bytes:
        """See `Allocator`."""
        return self.size

    def rows(self) -> list[MemoryRow]:
        """See `Allocator`."""
        return [
            MemoryRow(
                f"page {slots[0] // PAGE}", f"slots of {slot} B", _slot_cells(slots, slot, self)
            )
            for slot, slots in self.pages
        ]


def _slot_cells(
    slots: Iterable[int], size: Bytes, allocator: Segregated | TcMalloc
) -> tuple[MemoryCell, ...]:
    """Slots in order, free ones put together."""
    names = {block.address: block.name for block in allocator.blocks.values()}
    cells = [
        MemoryCell(names.get(slot, ""), "used" if slot in names else "free", size) for slot in slots
    ]
    groups = [list(group) for _, group in groupby(cells)]
    return tuple(group[0]._replace(times=len(group)) for group in groups)


class TcMalloc:
    """A cache a thread, a transfer cache and a central list a class, and a page heap.

    Only the thread's own cache needs no lock. A list of a thread grows with its use (slow start)
    and gives half of it back when it is too long. Size classes are Go's here.
    """

    def __init__(self) -> None:
        self.costs = Costs()
        self.blocks: dict[str, Block] = {}
        self.table = size_classes()
        self.threads: dict[tuple[int, int], list[int]] = {}
        """Free slots by thread and class."""
        self.longest: dict[tuple[int, int], int] = {}
        self.transfer: dict[int, list[int]] = {}
        self.central: dict[int, list[int]] = {}
        self.spans: list[tuple[int, list[int]]] = []
        self.classes: dict[str, int] = {}
        self.size = 0

    def malloc(self, name: str, size: Bytes, thread: int) -> str:
        """See `Allocator`."""
        span_class = self.table.span_class(size, noscan=True)
        slot = int(self.table.elemsize[span_class])
        cache = self.threads.setdefault((thread, span_class), [])
        self.costs.searched += 1
        how = f"thread {thread}'s cache has a slot: no lock"
        if not cache:
            how = self._fetch(thread, span_class, cache)
        self.blocks[name] = Block(name, size, cache.pop(), slot)
        self.classes[name] = span_class
        return f"{name} gets a slot of {slot} B: {how}"

    def _fetch(self, thread: int, span_class: int, cache: list[int]) -> str:
        """Some slots at once from the transfer cache, the central list or the page heap."""
        key, most = (thread, span_class), self._batch(span_class)
        wanted = min(self.longest.setdefault(key, 1), most)
        self.longest[key] = min(self.longest[key] + 1, most)
        self.costs.locks += 1
        transfer = self.transfer.setdefault(span_class, [])
        if transfer:
            moved = [transfer.pop() for _ in range(min(wanted, len(transfer)))]
            cache += moved
            return f"{len(moved)} come from the transfer cache, one lock"
        central = self.central.setdefault(span_class, [])
        self.costs.locks += 1
        how = "from a span of the central list, two locks"
        if not central:
            self.costs.locks += 1
            central += self._new_span(span_class)
            how = "from a fresh span of the page heap, three locks"
        moved = [central.pop() for _ in range(min(wanted, len(central)))]
        cache += moved
        return f"{len(moved)} come {how}"

    def _batch(self, span_class: int) -> int:
        return max(2, min(MOST_MOVED, 64 * KiB // int(self.table.elemsize[span_class])))

    def _new_span(self, span_class: int) -> list[int]:
        slot, npages = int(self.table.elemsize[span_class]), int(self.table.npages[span_class])
        start, self.size = self.size, self.size + npages * PAGE
        slots = list(range(start, start + npages * PAGE - slot + 1, slot))
        self.spans.append((slot, slots))
        return slots[::-1]

    def free(self, name: str, thread: int) -> str:
        """See `Allocator`."""
        block, span_class = self.blocks.pop(name), self.classes.pop(name)
        cache = self.threads.setdefault((thread, span_class), [])
        cache.append(block.address)
        if len(cache) <= max(2, self.longest.get((thread, span_class), 1)):
            return f"{name} goes to thread {thread}'s cache: no lock"
        moved = cache[: len(cache) // 2 + 1]
        del cache[: len(moved)]
        self.costs.locks += 1
        transfer = self.transfer.setdefault(span_class, [])
        room = TRANSFER_SLOTS - len(transfer)
        transfer += moved[:room]
        if moved[room:]:
            self.costs.locks += 1
            self.central.setdefault(span_class, []).extend(moved[room:])
        return f"{name}: thread {thread}'s cache is too long, {len(moved)} go to the transfer cache"

    def held(self) -> Bytes:
        """See `Allocator`."""
        return self.size

    def rows(self) -> list[MemoryRow]:
        """See `Allocator`."""
        rows = [
            MemoryRow(
                f"span {slots[0] // PAGE}", f"slots of {slot} B", _slot_cells(slots, slot, self)
            )
            for slot, slots in self.spans
        ]
        cells = {
            name: (MemoryCell("", "free", 8, count),) if count else ()
            for name, count in self._waiting()
        }
        return [*rows, *(MemoryRow(name, "free slots", some) for name, some in cells.items())]

    def _waiting(self) -> Iterable[tuple[str, int]]:
        """Free slots by the cache that they wait in."""
        for thread in sorted({thread for thread, _ in self.threads}):
            mine = [slots for (owner, _), slots in self.threads.items() if owner == thread]
            yield f"cache of thread {thread}", sum(map(len, mine))
        yield "transfer caches", sum(map(len, self.transfer.values()))
        yield "central lists", sum(map(len, self.central.values()))


class GoAllocator:
    """Go's allocator: nobody frees; a cycle finds out what is dead, and sweeping frees it.

    A cycle is over at once here, and comes when as much was allocated as lived after the last one.
    """

    def __init__(self) -> None:
        self.costs = Costs()
        self.blocks: dict[str, Block] = {}
        self.table: SizeClassTable = size_classes()
        self.heap: SmallHeap[str] = SmallHeap(self.table)
        self.left = FIRST_CYCLE
        """Bytes to be allocated until the next cycle."""

    def malloc(self, name: str, size: Bytes, thread: int) -> str:
        """See `Allocator`."""
        cycle = self._collect() if self.left <= 0 else ""
        placed = self.heap.allocate(thread, size, name, noscan=True)
        span = placed.span
        self.left -= span.size
        self._forget(placed.swept)
        self.costs.searched += 1 + len(placed.swept)
        fresh = placed.how in ("fresh", "large")
        self.costs.locks += fresh
        self.blocks[name] = Block(name, size, span.address(placed.index), span.size)
        how = HOW.get(placed.how, f"a slot of a span of the mcentral ({placed.how}): no lock")
        return f"{cycle}{name} gets {how}"

    def _collect(self) -> str:
        """Mark what lives; the sweep comes bit by bit with refills, and at the next cycle."""
        self._forget(self.heap.sweep_all())
        alive = {name for name, block in self.blocks.items() if not block.dead}
        live = sum(self.blocks[name].taken for name in alive)
        self.heap.begin_sweep(lambda name: name in alive)
        self._forget(self.heap.flush())
        self.left = max(live, FIRST_CYCLE)
        return f"a cycle marks {live} B; "

    def _forget(self, swept: list[SweptSpan[str]]) -> None:
        self.costs.locks += sum(one.returned for one in swept)
        for one in swept:
            for name in one.freed:
                self.blocks.pop(name, None)

    def free(self, name: str, thread: int) -> str:
        """See `Allocator`."""
        del thread
        self.blocks[name].dead = True
        return f"nothing points to {name} any more: the next cycle will see"

    def held(self) -> Bytes:
        """See `Allocator`."""
        free, _ = self.heap.free_pages()
        return self.heap.mheap.stats.in_use_bytes + free * PAGE

    def rows(self) -> list[MemoryRow]:
        """See `Allocator`."""
        return [
            MemoryRow(
                f"span {span.page}",
                f"slots of {span.size} B; {self.heap.place_of(span)}",
                tuple(self._cells(span.items, span.size)),
            )
            for span in self.heap.by_address()
        ]

    def _cells(self, items: list[tuple[str, ...]], size: Bytes) -> Iterable[MemoryCell]:
        cells = [
            MemoryCell(", ".join(names), self._state(names), size)
            if names
            else MemoryCell("", "free", size)
            for names in items
        ]
        for _, group in groupby(cells):
            some = list(group)
            yield some[0]._replace(times=len(some))

    def _state(self, names: tuple[str, ...]) -> str:
        dead = all(name not in self.blocks or self.blocks[name].dead for name in names)
        return "dead" if dead else "used"
