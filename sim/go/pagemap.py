"""The bitmaps of the page heap, and the search for the lowest run that fits.

Go searches a radix tree of summaries (runtime/mpagealloc.go: find). Here a flat array of upper
bounds, one a chunk, leads to the same run: no run that starts in a chunk is longer than its bound.
Allocating keeps bounds true, freeing raises them, and a search that one misled corrects it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.errors import ModelError
from sim.go.pagebits import ALL_PAGES, CHUNK_PAGES, find_run, longest_run, lowest_bit

Ints = NDArray[np.int64]


class PageMap:
    """Which pages are in use, and which free ones have been returned to the OS."""

    def __init__(self) -> None:
        self.used: list[int] = []
        """Bitmap of every chunk: pages in use."""
        self.scavenged: list[int] = []
        """Bitmap of every chunk: pages returned to the OS."""
        self.bounds = np.zeros(0, dtype=np.int32)
        self._bound = self.bounds.data  # fast access to single values
        self.low = 0
        """No page below this chunk is free."""

    @property
    def chunks(self) -> int:
        """Chunks of the heap."""
        return len(self.used)

    def grow(self, chunks: int) -> None:
        """Append free chunks, wholly returned to the OS."""
        first = self.chunks
        self.used += [0] * chunks
        self.scavenged += [ALL_PAGES] * chunks
        if self.chunks > len(self.bounds):
            self._reserve(max(self.chunks, 2 * len(self.bounds)))
        self.bounds[first : self.chunks] = CHUNK_PAGES * np.arange(chunks, 0, -1)
        self.low = min(self.low, first)
        if chunks:
            self._raise_before(first)

    def find(self, npages: int) -> int | None:
        """First page of the lowest free run of `npages` pages; None if there is none."""
        chunk = self.next_candidate(self.low, npages)
        while chunk is not None:
            page = self._first_run(chunk, npages)
            if page is not None:
                if npages == 1:
                    self.low = chunk
                return page
            chunk = self.next_candidate(chunk + 1, npages)
        return None

    def take(self, chunk: int, mask: int) -> int:
        """Mark free pages as used; returns how many of them had been returned to the OS."""
        self.used[chunk] |= mask
        scavenged = self.scavenged[chunk]
        if not scavenged & mask:
            return 0
        self.scavenged[chunk] = scavenged & ~mask
        return (scavenged & mask).bit_count()

    def release(self, chunk: int, mask: int) -> int:
        """Mark used pages of a chunk as free; returns a bound on the free run around them.

        ModelError if one of them was not in use. `raise_bounds` must follow.
        """
        used = self.used[chunk]
        if used & mask != mask:
            raise ModelError(f"pages of chunk {chunk} are freed but not in use")
        self.used[chunk] = used = used & ~mask
        top = mask.bit_length()
        above = used >> top
        end = top + lowest_bit(above) if above else CHUNK_PAGES
        return end - (used & (mask & -mask) - 1).bit_length()

    def raise_bounds(self, chunks: Sequence[int], longest: Sequence[int]) -> None:
        """Pages of these chunks, in ascending order, became free; `longest` bounds their runs."""
        self.low = min(self.low, chunks[0])
        for at in reversed(range(len(chunks))):
            chunk = chunks[at]
            self._bound[chunk] = max(self._bound[chunk], longest[at])
            self._join(chunk)
            # A chunk before that was freed too has its own turn.
            if at == 0 or chunks[at - 1] != chunk - 1:
                self._raise_before(chunk)

    def lower_bounds(self, chunks: Ints, longest: int) -> None:
        """No run that starts in one of these chunks is longer than `longest`."""
        self.bounds[chunks] = np.minimum(self.bounds[chunks], longest)

    def next_candidate(self, chunk: int, npages: int) -> int | None:
        """The first chunk from `chunk` on whose bound allows a run of `npages`."""
        if chunk >= len(self.used):
            return None
        if self._bound[chunk] >= npages:
            return chunk
        fits = self.bounds[chunk : len(self.used)] >= npages
        at = int(fits.argmax())
        return chunk + at if fits[at] else None

    def _first_run(self, chunk: int, npages: int) -> int | None:
        """The lowest run that starts in a chunk; corrects the bound if there is none."""
        used = self.used[chunk]
        free = used ^ ALL_PAGES
        first = find_run(free, npages)
        if first >= 0:
            return chunk * CHUNK_PAGES + first
        tail = self._tail(chunk, npages)
        if tail >= npages:
            return chunk * CHUNK_PAGES + used.bit_length()
        self._bound[chunk] = max(longest_run(free), tail)
        return None

    def _tail(self, chunk: int, enough: int) -> int:
        """Length of the run that ends the chunk and goes on behind it, known up to `enough`."""
        length = CHUNK_PAGES - self.used[chunk].bit_length()
        while 0 < length < enough and (chunk := chunk + 1) < len(self.used):
            used = self.used[chunk]
            if used:
                return length + lowest_bit(used)
            length += CHUNK_PAGES
        return length

    def _join(self, chunk: int) -> bool:
        """Raise the bound of a chunk by what its last run continues into; whether it does."""
        behind = chunk + 1
        tail = CHUNK_PAGES - self.used[chunk].bit_length()
        if not tail or behind >= len(self.used) or self.used[behind] & 1:
            return False
        used = self.used[behind]
        tail += lowest_bit(used) if used else self._bound[behind]
        self._bound[chunk] = max(self._bound[chunk], tail)
        return True

    def _raise_before(self, chunk: int) -> None:
        """Raise the bounds of the chunks before whose last run goes on into this one."""
        chunk -= 1
        while chunk >= 0 and self._join(chunk) and not self.used[chunk]:
            chunk -= 1

    def _reserve(self, chunks: int) -> None:
        bounds = np.zeros(chunks, dtype=np.int32)
        bounds[: len(self.bounds)] = self.bounds
        self.bounds, self._bound = bounds, bounds.data
