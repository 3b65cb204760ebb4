"""The stacks of all goroutines as counts, and the spans that they are taken from.

Stacks of one size are alike, so that a collection with a hundred thousand goroutines halves their
stacks in a few steps. Sources: runtime/stack.go; runtime/proc.go, gfput and gfget. Within a pool,
stacks are packed: what a few long-lived ones keep of many spans is not told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from sim.go.mheap import PAGE, MHeap
from sim.go.stack import (
    FIXED_STACK,
    STACK_ORDERS,
    STACK_SPAN,
    fits,
    grown_stack,
    shrunk_stack,
    stack_span_pages,
    starting_stack_size,
)
from sim.units import Bytes, KiB

SIZES: Final = 20
"""Sizes of stacks: 2 KiB and its doubles up to 1 GiB."""
_ORDER: Final = {FIXED_STACK << order: order for order in range(SIZES)}
THREAD_STACKS: Final[tuple[Bytes, ...]] = (16 * KiB, 32 * KiB)
"""A thread has a stack for the scheduler and one for signals (runtime/proc.go: mpreinit)."""
EXTRA_THREADS: Final = 3
"""Threads beside those that run Go code, in a program that does nothing on two Ps."""


class Growth(NamedTuple):
    """What it took to make room on a stack."""

    size: Bytes
    copies: int
    copied_bytes: Bytes
    faulted_bytes: Bytes = 0
    """Memory of new spans that the OS has to provide at the first touch."""


class Held(NamedTuple):
    """A stack as its goroutine last knew it: it may have been halved in later collections."""

    used: Bytes
    size: Bytes
    generation: int


@dataclass(slots=True)
class _Size:
    """The stacks of one size."""

    shared_by: int
    """Stacks in a span: small ones share it."""
    stacks: int = 0
    """In use, or kept by a dead goroutine for the next one."""
    spans: list[int] = field(default_factory=list)
    """First pages of the spans of this size."""

    def needed(self) -> int:
        """Spans for so many stacks."""
        return -(-self.stacks // self.shared_by)


class Stacks:
    """All stacks. One that was taken is handed back as the `Held` of its goroutine."""

    def __init__(self, heap: MHeap, threads: int) -> None:
        self._heap = heap
        self._sizes = [_Size(max(STACK_SPAN // size, 1)) for size in _ORDER]
        self._in_use: dict[Bytes, list[int]] = {}  # bytes used -> goroutines by order
        self._dead = 0  # stacks of the starting size that dead goroutines keep
        self._generation = 0
        self.starting_size = FIXED_STACK
        """Size of the stacks of new goroutines."""
        self.span_bytes = 0
        """Memory of all spans for stacks: /memory/classes/heap/stacks."""
        self.allocated = 0
        """Bytes of the stacks of goroutines: what there might be to scan."""
        self.used = 0
        """Bytes in use of them: what a collection scans."""
        self.goroutines = 0
        for size in THREAD_STACKS:
            self._add(size, threads)

    def start(self, used: Bytes) -> tuple[Held, Growth]:
        """Give a new goroutine a stack, and room for what it uses (newproc, newstack)."""
        size = self.starting_size
        if self._dead:
            self._dead -= 1
            self._sizes[_ORDER[size]].stacks -= 1
        growth = _grow(size, used)
        if faulted := self._enter(used, growth.size):
            growth = growth._replace(faulted_bytes=faulted)
        return Held(used, growth.size, self._generation), growth

    def use(self, held: Held, used: Bytes) -> tuple[Held, Growth]:
        """The goroutine uses less or more of its stack, which grows if it must."""
        size = self._leave(held)
        growth = _grow(size, used)
        if faulted := self._enter(used, growth.size):
            growth = growth._replace(faulted_bytes=faulted)
        return Held(used, growth.size, self._generation), growth

    def end(self, held: Held) -> None:
        """A goroutine ended; one with a stack of the usual size keeps it for the next (gfput)."""
        size = self._leave(held)
        order = _ORDER[size]
        if size == self.starting_size:
            self._dead += 1
            self._sizes[order].stacks += 1
        elif order >= STACK_ORDERS:
            self._release(order)

    def scan(self) -> None:
        """The stacks are scanned: those used by less than a quarter are halved (shrinkstack).

        Dead goroutines lose theirs (markrootFreeGStacks). Spans stay until `end_cycle`.
        """
        self._forget_dead()
        self._generation += 1
        for used, counts in self._in_use.items():
            for order in range(1, SIZES):
                size = FIXED_STACK << order
                if counts[order] and shrunk_stack(size, used) < size:
                    self._move(counts, order)

    def end_cycle(self, scanned: Bytes, goroutines: int) -> None:
        """Marking ended: free spans go back, and new goroutines get the stack that most need."""
        size = starting_stack_size(scanned, goroutines)
        if size != self.starting_size:
            self._forget_dead()
            self.starting_size = size
        for order in range(SIZES):
            self._release(order)

    def _forget_dead(self) -> None:
        self._sizes[_ORDER[self.starting_size]].stacks -= self._dead
        self._dead = 0

    def _move(self, counts: list[int], order: int) -> None:
        moved = counts[order]
        counts[order], counts[order - 1] = 0, counts[order - 1] + moved
        self._sizes[order].stacks -= moved
        self._add(FIXED_STACK << order - 1, moved)
        self.allocated -= moved * (FIXED_STACK << order - 1)

    def _enter(self, used: Bytes, size: Bytes) -> Bytes:
        if used not in self._in_use:
            self._in_use[used] = [0] * SIZES
        self._in_use[used][_ORDER[size]] += 1
        self.allocated += size
        self.used += used
        self.goroutines += 1
        return self._add(size, 1)

    def _leave(self, held: Held) -> Bytes:
        size = self._size_now(held)
        order = _ORDER[size]
        self._in_use[held.used][order] -= 1
        self._sizes[order].stacks -= 1
        self.allocated -= size
        self.used -= held.used
        self.goroutines -= 1
        return size

    def _size_now(self, held: Held) -> Bytes:
        size = held.size
        if held.generation == self._generation:
            return size
        for _ in range(min(self._generation - held.generation, SIZES)):
            size = shrunk_stack(size, held.used)
        return size

    def _add(self, size: Bytes, stacks: int) -> Bytes:
        """Count stacks in, and take the spans that they need; bytes that the OS has to provide."""
        order = _ORDER[size]
        mine = self._sizes[order]
        mine.stacks += stacks
        missing = mine.needed() - len(mine.spans)
        if missing <= 0:
            return 0
        npages = stack_span_pages(size)
        pages, scavenged = self._heap.take_pages(npages, missing)
        mine.spans += pages.tolist()
        self.span_bytes += missing * npages * PAGE
        return int(scavenged.sum())

    def _release(self, order: int) -> None:
        """Give back the spans of a size that its stacks do not need."""
        mine, npages = self._sizes[order], stack_span_pages(FIXED_STACK << order)
        needed = mine.needed()
        gone = mine.spans[needed:]
        if gone:
            del mine.spans[needed:]
            self._heap.pages.free_many(np.array(gone), npages)
            self.span_bytes -= len(gone) * npages * PAGE


@lru_cache
def _grow(size: Bytes, used: Bytes) -> Growth:
    """Double until there is room; every time, what is in use is copied."""
    copies = copied = 0
    while not fits(size, used):
        copied += size
        copies += 1
        size = grown_stack(size, used=0)
    return Growth(size, copies, copied)
