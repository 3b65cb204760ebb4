"""Where an allocation goes: its slot and span, and the steps that Go tries one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.go.pagebits import CHUNK_PAGES
from sim.go.refill import PAGE_CACHE_LIMIT, SWEEP_BUDGET
from sim.go.sizeclass import MALLOC_HEADER_SIZE, PAGE_SIZE, TINY_SIZE, SizeClassTable
from sim.machine.price import OS_PAGE
from sim.machine.profile import MachineProfile
from sim.units import Bytes, format_bytes


class AllocationStep(NamedTuple):
    """One thing that Go tries; the next follows only if this one does not serve."""

    when: str
    lock: str
    function: str
    """File and function in Go's `src/runtime`."""
    cost_ns: float
    """CPU time of this step on the machine of the profile, clearing of the slot in the first one
    included; waiting for a lock is not in it."""


@dataclass(frozen=True)
class Path:
    """What becomes of one request."""

    size: Bytes
    pointers: bool
    path: str
    """tiny, small or large."""
    header: Bytes
    sizeclass: int
    span_class: int
    slot: Bytes
    span_pages: int
    slots: int
    reserve: Bytes
    """Of the span, taken by mark bits and the pointer bitmap."""
    steps: tuple[AllocationStep, ...]

    @property
    def objects_a_slot(self) -> int:
        """How many such objects share a slot: tiny ones fill a block (runtime/malloc.go:
        mallocgcTiny), here with others of their size."""
        return TINY_SIZE // self.size if self.path == "tiny" else 1

    @property
    def slot_waste(self) -> Bytes:
        """Bytes of the slot that the program did not ask for, header included."""
        return self.slot - self.objects_a_slot * self.size

    @property
    def tail(self) -> Bytes:
        """Bytes of the span behind the last slot that nothing uses."""
        return self.span_pages * PAGE_SIZE - self.reserve - self.slots * self.slot

    @property
    def waste(self) -> float:
        """Share of a span full of such objects that no object asked for."""
        asked = self.slots * self.objects_a_slot * self.size
        return 1 - asked / (self.span_pages * PAGE_SIZE)


def path_of(size: Bytes, pointers: bool, table: SizeClassTable, machine: MachineProfile) -> Path:
    """The way of one request through the allocator (runtime/malloc.go: mallocgc).

    A request of 0 bytes gets the address that all such objects share (mallocgc: zerobase).
    """
    if size == 0:
        step = AllocationStep("always", "none", "malloc.go: mallocgc (zerobase)", 0.0)
        return Path(0, pointers, "nothing", 0, 0, 0, 0, 0, 0, 0, (step,))
    span_class = table.span_class(size, not pointers)
    if span_class <= 1:
        pages = table.large_npages(size)
        steps = tuple(_large_steps(pages, machine))
        return Path(
            size, pointers, "large", 0, 0, span_class, pages * PAGE_SIZE, pages, 1, 0, steps
        )
    tiny = not pointers and size < TINY_SIZE
    span = table.spans[table.tiny_span_class if tiny else span_class]
    slot_bytes = span.elemsize
    header = 0 if tiny else slot_bytes - table.usable_size(size, not pointers)
    block = [_tiny_step(machine)] if tiny else []
    steps = (*block, *_small_steps(span.npages, slot_bytes, pointers, header, machine))
    return Path(
        size,
        pointers,
        "tiny" if tiny else "small",
        header,
        span.sizeclass,
        2 * span.sizeclass + span.noscan,
        slot_bytes,
        span.npages,
        span.nelems,
        span.reserve,
        steps,
    )


def _tiny_step(machine: MachineProfile) -> AllocationStep:
    return AllocationStep(
        "the P's 16-byte block has room", "none", "malloc.go: mallocgcTiny", machine.alloc.tiny_ns
    )


def _small_steps(
    pages: int, slot: Bytes, pointers: bool, header: Bytes, machine: MachineProfile
) -> list[AllocationStep]:
    alloc, page, sweep = machine.alloc, machine.page, machine.sweep
    hit = (alloc.scan_ns if pointers else alloc.noscan_ns) + slot * alloc.byte_ns
    hit += alloc.header_ns if header == MALLOC_HEADER_SIZE else 0
    sets = "none; one atomic operation on the set"
    return [
        AllocationStep(
            "the mcache's span has a free slot", "none", "malloc.go: nextFreeFast, nextFree", hit
        ),
        AllocationStep(
            "the mcentral has a swept span with free slots",
            sets,
            "mcache.go: refill; mcentral.go: cacheSpan (partialSwept)",
            alloc.refill_partial_ns,
        ),
        AllocationStep(
            "it has an unswept span with free slots: sweep it",
            sets,
            "mcentral.go: cacheSpan (partialUnswept); mgcsweep.go: sweep",
            alloc.refill_partial_ns + sweep.span_ns,
        ),
        AllocationStep(
            f"it has unswept full spans: sweep up to {SWEEP_BUDGET + 1} for a free slot",
            sets,
            "mcentral.go: cacheSpan (fullUnswept)",
            alloc.refill_partial_ns + sweep.span_ns,
        ),
        *_page_steps(pages, alloc.refill_fresh_ns, machine),
        _grow_step(pages, alloc.refill_fresh_ns + page.alloc_span_ns, machine),
    ]


def _large_steps(pages: int, machine: MachineProfile) -> list[AllocationStep]:
    base = machine.alloc.large_ns + pages * PAGE_SIZE * machine.alloc.byte_ns
    return [
        *_page_steps(pages, base, machine),
        _grow_step(pages, base + machine.page.alloc_span_ns, machine),
    ]


def _page_steps(pages: int, base: float, machine: MachineProfile) -> list[AllocationStep]:
    locked = base + machine.page.alloc_span_ns
    search = AllocationStep(
        "a free run of pages, lowest address first",
        "heap lock",
        "mheap.go: allocSpan; mpagealloc.go: find",
        locked,
    )
    freeing = base + machine.sweep.span_ns + machine.sweep.freed_span_ns
    reclaim = AllocationStep(
        "sweeping is not over: free whole dead spans first",
        "heap lock, a span each",
        "mheap.go: reclaim",
        freeing,
    )
    if pages >= PAGE_CACHE_LIMIT:
        return [reclaim, search]
    return [
        reclaim,
        AllocationStep(
            "the P's cache of up to 64 pages has a run",
            "none",
            "mheap.go: alloc, allocSpan; mpagecache.go: alloc",
            base,
        ),
        AllocationStep(
            "refill that cache with the free pages of the lowest block",
            "heap lock",
            "mpagecache.go: allocToCache",
            locked,
        ),
        search,
    ]


def _grow_step(pages: int, base: float, machine: MachineProfile) -> AllocationStep:
    faults = pages * PAGE_SIZE // OS_PAGE * machine.page.fault_ns
    asked = format_bytes(-(-pages // CHUNK_PAGES) * CHUNK_PAGES * PAGE_SIZE)
    return AllocationStep(
        f"ask the OS for {asked} more; the first touch faults pages in",
        "heap lock",
        "mheap.go: grow; malloc.go: sysAlloc; mem.go: sysMap",
        base + faults,
    )


class InClass(NamedTuple):
    """Requests that get slots of one size."""

    share: float
    """Of all requests."""
    wasted: float
    """Mean bytes of slots, for each of all requests, that these did not ask for."""


@dataclass(frozen=True)
class Rounding:
    """What rounding costs requests of several sizes, on average."""

    requested: float
    """Mean bytes asked for."""
    slot: float
    """Mean bytes of the slots."""
    span: float
    """Mean bytes of spans: a slot's share of its span."""
    classes: dict[Bytes, InClass]
    """By slot size, in order; large objects have sizes of whole pages."""


def rounding(
    sizes: NDArray[np.float64], pointers: bool, table: SizeClassTable, machine: MachineProfile
) -> Rounding:
    """Rounding of requests of these sizes, each as frequent as any other."""
    whole, counts = np.unique(np.maximum(np.rint(sizes), 1).astype(np.int64), return_counts=True)
    shares = counts / counts.sum()
    paths = [path_of(size, pointers, table, machine) for size in whole.tolist()]
    slots = np.array([path.slot / path.objects_a_slot for path in paths])
    spans = [path.span_pages * PAGE_SIZE / path.slots / path.objects_a_slot for path in paths]
    classes: dict[Bytes, InClass] = {}
    for path, share, wasted in zip(paths, shares, shares * (slots - whole), strict=True):
        before = classes.get(path.slot, InClass(0.0, 0.0))
        classes[path.slot] = InClass(before.share + float(share), before.wasted + float(wasted))
    return Rounding(
        float(np.dot(shares, whole)),
        float(np.dot(shares, slots)),
        float(np.dot(shares, spans)),
        dict(sorted(classes.items())),
    )
