"""Families of allocators on the same requests: bump pointer, and free lists with their fits.

Sources: Knuth, The Art of Computer Programming, vol. 1, section 2.5; Wilson et al., Dynamic storage
allocation: a survey and critical review, 1995.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from sim.mechanisms.frame import MemoryCell, MemoryRow
from sim.units import Bytes

TAG: Final = 8
"""Bytes in front of a block of a free list that tell its size."""
ALIGN: Final = 16


@dataclass
class Costs:
    """What the requests have cost so far."""

    searched: int = 0
    """Free blocks, lists or spans that were looked at."""
    locks: int = 0
    """Locks that were taken: those that another thread may hold."""


@dataclass
class Block:
    """A block that somebody holds, or held and has not been found dead yet."""

    name: str
    size: Bytes
    """Asked for."""
    address: int
    taken: Bytes
    """With header and rounding."""
    dead: bool = False


class AllocatorFamily(Protocol):
    """What every family can do."""

    costs: Costs
    blocks: dict[str, Block]

    def malloc(self, name: str, size: Bytes, thread: int) -> str:
        """Serve a request; a sentence says how."""

    def free(self, name: str, thread: int) -> str:
        """Take a block back; a sentence says how."""

    def held(self) -> Bytes:
        """Memory that the allocator has from the system."""

    def rows(self) -> list[MemoryRow]:
        """Its memory."""


def rounded(size: Bytes, step: Bytes) -> Bytes:
    """The next multiple of the step."""
    return -(-size // step) * step


def cell_of(block: Block) -> MemoryCell:
    """A block that is taken, as a piece of memory."""
    return MemoryCell(block.name, "dead" if block.dead else "used", block.taken)


class Bump:
    """A pointer that only goes up; all is given back at once, when nothing lives any more."""

    def __init__(self, grow: Bytes) -> None:
        self.grow, self.top, self.size = grow, 0, 0
        self.costs = Costs()
        self.blocks: dict[str, Block] = {}

    def malloc(self, name: str, size: Bytes, thread: int) -> str:
        """See `AllocatorFamily`."""
        del thread
        taken = rounded(size, ALIGN)
        while self.top + taken > self.size:
            self.size += self.grow
            self.costs.locks += 1
        self.blocks[name] = Block(name, size, self.top, taken)
        self.top += taken
        return f"{name} at {self.top - taken}: the pointer moves on by {taken} B"

    def free(self, name: str, thread: int) -> str:
        """See `AllocatorFamily`."""
        del thread
        self.blocks[name].dead = True
        if all(block.dead for block in self.blocks.values()):
            self.top = 0
            self.blocks.clear()
            return f"{name} was the last that lived: the pointer goes back to the start"
        return f"{name} is dead, but its memory stays taken until all of it is"

    def held(self) -> Bytes:
        """See `AllocatorFamily`."""
        return self.size

    def rows(self) -> list[MemoryRow]:
        """See `AllocatorFamily`."""
        cells = [cell_of(block) for block in self.blocks.values()]
        if self.size > self.top:
            cells.append(MemoryCell("", "free", self.size - self.top))
        return [MemoryRow("arena", f"{self.size} B", tuple(cells))]


class FreeList:
    """One list of free blocks in the order of addresses, split and put together again.

    `fit` is `first` (the first that is large enough), `next` (the search goes on where the last one
    ended) or `best` (the smallest that is large enough). One lock guards the list.
    """

    def __init__(self, fit: str, grow: Bytes) -> None:
        self.fit, self.grow, self.size = fit, grow, 0
        self.costs = Costs()
        self.blocks: dict[str, Block] = {}
        self.holes: list[tuple[int, Bytes]] = []
        """Free blocks: address and size."""
        self.rover = 0
        """Address at which the next search of `next` begins."""

    def malloc(self, name: str, size: Bytes, thread: int) -> str:
        """See `AllocatorFamily`."""
        del thread
        self.costs.locks += 1
        taken = rounded(size + TAG, ALIGN)
        found, looked = self._search(taken)
        self.costs.searched += looked
        if found is None:
            self._extend(taken)
            found = next(hole for hole in reversed(self.holes) if hole[1] >= taken)
        address, room = found
        at = self.holes.index(found)
        self.holes[at : at + 1] = [(address + taken, room - taken)] if room > taken else []
        self.rover = address + taken
        self.blocks[name] = Block(name, size, address, taken)
        return f"{name} at {address}, {taken} B of a hole of {room} B, after {looked} holes"

    def _search(self, taken: Bytes) -> tuple[tuple[int, Bytes] | None, int]:
        """The hole to use, and how many were looked at."""
        holes = self.holes
        if self.fit == "best":
            fitting = [hole for hole in holes if hole[1] >= taken]
            return min(fitting, key=lambda hole: hole[1], default=None), len(holes)
        if self.fit == "next":
            later = [hole for hole in holes if hole[0] >= self.rover]
            holes = [*later, *(hole for hole in holes if hole[0] < self.rover)]
        for looked, hole in enumerate(holes, start=1):
            if hole[1] >= taken:
                return hole, looked
        return None, len(holes)

    def _extend(self, taken: Bytes) -> None:
        more = rounded(taken, self.grow)
        self._add_hole(self.size, more)
        self.size += more

    def _add_hole(self, address: int, size: Bytes) -> None:
        """A hole, put together with its neighbours if these are free."""
        self.holes = sorted([*self.holes, (address, size)])
        joined: list[tuple[int, Bytes]] = []
        for start, length in self.holes:
            if joined and sum(joined[-1]) == start:
                joined[-1] = (joined[-1][0], joined[-1][1] + length)
            else:
                joined.append((start, length))
        self.holes = joined

    def free(self, name: str, thread: int) -> str:
        """See `AllocatorFamily`."""
        del thread
        self.costs.locks += 1
        block = self.blocks.pop(name)
        before = len(self.holes)
        self._add_hole(block.address, block.taken)
        joined = before + 1 - len(self.holes)
        return f"{name} is a hole again" + (f", joined with {joined} beside it" if joined else "")

    def held(self) -> Bytes:
        """See `AllocatorFamily`."""
        return self.size

    def rows(self) -> list[MemoryRow]:
        """See `AllocatorFamily`."""
        holes = [(address, MemoryCell("", "free", size)) for address, size in self.holes]
        taken = [(block.address, cell_of(block)) for block in self.blocks.values()]
        cells = tuple(cell for _, cell in sorted([*holes, *taken]))
        return [MemoryRow("heap", f"{self.size} B, {len(self.holes)} holes", cells)]
