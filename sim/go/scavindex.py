"""Which chunks the scavenger may look at, highest address first.

A chunk that was densely used in this or the previous generation, i.e. GC cycle, is left alone
unless the scavenger is forced. Source: runtime/mgcscavenge.go, scavengeIndex and scavChunkData.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.errors import ModelError
from sim.go.pagebits import CHUNK_PAGES

Ints = NDArray[np.int64]

#: A chunk with at least this many pages in use is dense (scavChunkHiOccFrac = 0.96875).
DENSE_PAGES: Final = 496
_CLEARED: Final = -1


@dataclass
class Cursor:
    """The page to search down from (runtime/mranges.go: atomicOffAddr)."""

    page: int = _CLEARED
    marked: bool = False
    """Raised since the last step down. A marked cursor survives a search that finds nothing."""

    def raise_to(self, page: int) -> None:
        """Bring pages up to this one into the search."""
        if page > self.page:
            self.page, self.marked = page, True

    def lower_to(self, page: int) -> None:
        """Step down to a page."""
        self.page, self.marked = page, False

    def clear(self) -> None:
        """Nothing was found."""
        if not self.marked:
            self.page = _CLEARED


class ScavengeIndex:
    """Occupancy, generation and emptiness of every chunk, and where to search next."""

    def __init__(self) -> None:
        self.generation = 0
        self._columns = np.zeros((4, 0), dtype=np.int64)
        self._background = Cursor()
        self._forced = Cursor()
        self._freed_high = _CLEARED  # highest page freed in this generation
        self.reserve(0)

    def reserve(self, chunks: int) -> None:
        """Make room for `chunks` chunks; untouched ones have nothing to scavenge."""
        columns = np.zeros((4, chunks), dtype=np.int64)
        columns[:, : self._columns.shape[1]] = self._columns
        self._columns = columns
        self.in_use, self._last_in_use, self._updated, self._has_free = columns
        # The same columns with fast access to single values.
        self.in_use_at, self._last_at = self.in_use.data, self._last_in_use.data
        self._updated_at, self._has_free_at = self._updated.data, self._has_free.data

    def alloc(self, chunk: int, npages: int) -> None:
        """Pages of a chunk were allocated."""
        if self._updated_at[chunk] != self.generation:
            self._last_at[chunk] = self.in_use_at[chunk]
            self._updated_at[chunk] = self.generation
        used = self.in_use_at[chunk] + npages
        if used >= CHUNK_PAGES:
            if used > CHUNK_PAGES:
                raise ModelError(f"chunk {chunk} has {used} pages in use")
            self._has_free_at[chunk] = 0
        self.in_use_at[chunk] = used

    def free(self, chunk: int, npages: int, highest: int) -> None:
        """Pages of a chunk were freed; `highest` is the last of them, counted in the heap."""
        if self._updated_at[chunk] != self.generation:
            self._last_at[chunk] = self.in_use_at[chunk]
            self._updated_at[chunk] = self.generation
        used = self.in_use_at[chunk] - npages
        if used < 0:
            raise ModelError(f"chunk {chunk} has {used} pages in use")
        self.in_use_at[chunk] = used
        self._has_free_at[chunk] = 1
        self._freed_up_to(highest)

    def alloc_many(self, chunks: Ints, npages: Ints) -> None:
        """`alloc` for distinct chunks."""
        self._begin_update(chunks)
        self.in_use[chunks] += npages
        self._has_free[chunks[self.in_use[chunks] == CHUNK_PAGES]] = 0

    def free_many(self, chunks: Ints, npages: Ints, highest: int) -> None:
        """`free` for distinct chunks; `highest` is the last page of all."""
        self._begin_update(chunks)
        self.in_use[chunks] -= npages
        if (self.in_use[chunks] < 0).any():
            raise ModelError("more pages were freed than were in use")
        self._has_free[chunks] = 1
        self._freed_up_to(highest)

    def next_gen(self) -> None:
        """Start a generation: what was freed in the last one comes into the background's reach."""
        self.generation += 1
        self._background.raise_to(self._freed_high)
        self._freed_high = _CLEARED

    def set_empty(self, chunk: int) -> None:
        """Nothing is left to scavenge in a chunk until pages of it are freed."""
        self._has_free_at[chunk] = 0

    def find(self, force: bool) -> int | None:
        """The page to search down from in the highest chunk worth it; None if there is none."""
        cursor = self._forced if force else self._background
        if cursor.page == _CLEARED:
            return None
        start = cursor.page // CHUNK_PAGES
        chunk = self._highest_eligible(start, force)
        if chunk is None:
            cursor.clear()
            return None
        if chunk < start:
            cursor.lower_to((chunk + 1) * CHUNK_PAGES - 1)
        return cursor.page

    def _highest_eligible(self, top: int, force: bool) -> int | None:
        """The highest chunk up to `top` that shouldScavenge accepts; most often `top` itself."""
        if self._is_eligible(top, force):
            return top
        below = slice(0, top)
        eligible = self._has_free[below] != 0
        if not force:
            eligible &= self.in_use[below] < DENSE_PAGES
            older = self._updated[below] != self.generation
            eligible &= older | (self._last_in_use[below] < DENSE_PAGES)
        chunks = np.flatnonzero(eligible)
        return int(chunks[-1]) if len(chunks) else None

    def _is_eligible(self, chunk: int, force: bool) -> bool:
        if not self._has_free_at[chunk] or force:
            return bool(self._has_free_at[chunk])
        was_dense = self._last_at[chunk] >= DENSE_PAGES
        if was_dense and self._updated_at[chunk] == self.generation:
            return False
        return self.in_use_at[chunk] < DENSE_PAGES

    def _begin_update(self, chunks: Ints) -> None:
        stale = chunks[self._updated[chunks] != self.generation]
        self._last_in_use[stale] = self.in_use[stale]
        self._updated[stale] = self.generation

    def _freed_up_to(self, page: int) -> None:
        self._freed_high = max(self._freed_high, page)
        self._forced.raise_to(page)
