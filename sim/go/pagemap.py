"""The bitmaps of the page heap, and the search for the lowest run that fits.

Go searches a radix tree of summaries (runtime/mpagealloc.go: find). Here a flat array of upper
bounds, one a chunk, leads to the same run: no run that starts in a chunk is longer than its bound.
Allocating keeps bounds true, freeing raises them, and a search that one misled corrects it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.errors import ModelError
from sim.go.pagebits import ALL_PAGES, CHUNK_PAGES, find_run, longest_run, lowest_bit

Ints = NDArray[np.int64]

CHUNK_WORDS: Final = CHUNK_PAGES // 64
_CHUNK_BYTES: Final = CHUNK_PAGES // 8
FULL_WORD: Final = (1 << 64) - 1


def pieces(page: int, npages: int) -> Iterator[tuple[int, int, int]]:
    """(chunk, first page in it, count) of a range of pages."""
    while npages > 0:
        chunk, first = divmod(page, CHUNK_PAGES)
        count = min(npages, CHUNK_PAGES - first)
        yield chunk, first, count
        page += count
        npages -= count


class PageMap:
    """Which pages are in use, and which free ones have been returned to the OS."""

    def __init__(self) -> None:
        self.chunks = 0
        self._low = 0  # no page below this chunk is free
        self.used_words = np.zeros(0, dtype=np.uint64)
        self.scavenged_words = np.zeros(0, dtype=np.uint64)
        self.bounds = np.zeros(0, dtype=np.int64)
        self._refresh_views()

    def grow(self, chunks: int) -> None:
        """Append free chunks, wholly returned to the OS."""
        first, self.chunks = self.chunks, self.chunks + chunks
        if self.chunks > len(self.bounds):
            self._reserve(max(self.chunks, 2 * len(self.bounds)))
        self.scavenged_words[first * CHUNK_WORDS : self.chunks * CHUNK_WORDS] = FULL_WORD
        self.bounds[first : self.chunks] = CHUNK_PAGES * np.arange(chunks, 0, -1)
        self._low = min(self._low, first)
        if first and chunks:
            self._raise_before(first)

    def used(self, chunk: int) -> int:
        """Bitmap of the pages in use."""
        return int.from_bytes(self._used[chunk * _CHUNK_BYTES : (chunk + 1) * _CHUNK_BYTES], "little")

    def scavenged(self, chunk: int) -> int:
        """Bitmap of the pages returned to the OS."""
        at = chunk * _CHUNK_BYTES
        return int.from_bytes(self._scavenged[at : at + _CHUNK_BYTES], "little")

    def set_scavenged(self, chunk: int, bits: int) -> None:
        """Replace the bitmap of the pages returned to the OS."""
        at = chunk * _CHUNK_BYTES
        self._scavenged[at : at + _CHUNK_BYTES] = bits.to_bytes(_CHUNK_BYTES, "little")

    def find(self, npages: int) -> int | None:
        """First page of the lowest free run of `npages` pages; None if there is none."""
        chunk = self.next_candidate(self._low, npages)
        while chunk is not None:
            page = self._first_run(chunk, npages)
            if page is not None:
                if npages == 1:
                    self._low = chunk
                return page
            chunk = self.next_candidate(chunk + 1, npages)
        return None

    def take(self, chunk: int, mask: int) -> int:
        """Mark free pages as used; returns how many of them had been returned to the OS."""
        self._set_used(chunk, self.used(chunk) | mask)
        scavenged = self.scavenged(chunk)
        count = (scavenged & mask).bit_count()
        if count:
            self.set_scavenged(chunk, scavenged & ~mask)
        return count

    def release(self, chunk: int, mask: int) -> int:
        """Mark used pages of a chunk as free; returns a bound on the free runs of the chunk.

        ModelError if one of them was not in use. `raise_bounds` must follow.
        """
        used = self.used(chunk)
        if used & mask != mask:
            raise ModelError(f"pages of chunk {chunk} are freed but not in use")
        used &= ~mask
        self._set_used(chunk, used)
        above = used >> mask.bit_length()
        end = lowest_bit(above) + mask.bit_length() if above else CHUNK_PAGES
        return end - (used & ((mask & -mask) - 1)).bit_length()

    def raise_bounds(self, chunks: Sequence[int], longest: Sequence[int]) -> None:
        """Pages of these chunks, in ascending order, became free; `longest` bounds their runs."""
        self._low = min(self._low, chunks[0])
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
        if chunk >= self.chunks:
            return None
        if self._bound[chunk] >= npages:
            return chunk
        fits = self.bounds[chunk : self.chunks] >= npages
        at = int(fits.argmax())
        return chunk + at if fits[at] else None

    def _first_run(self, chunk: int, npages: int) -> int | None:
        """The lowest run of `npages` that starts in a chunk; corrects the bound if there is none."""
        used = self.used(chunk)
        free = used ^ ALL_PAGES
        first = find_run(free, npages)
        if first >= 0:
            return chunk * CHUNK_PAGES + first
        tail = self._tail(chunk, used, npages)
        if tail >= npages:
            return chunk * CHUNK_PAGES + used.bit_length()
        self._bound[chunk] = max(longest_run(free), tail)
        return None

    def _tail(self, chunk: int, used: int, enough: int) -> int:
        """Length of the run that ends the chunk and goes on behind it, known up to `enough`."""
        length = CHUNK_PAGES - used.bit_length()
        while 0 < length < enough and (chunk := chunk + 1) < self.chunks:
            used = self.used(chunk)
            if used:
                return length + lowest_bit(used)
            length += CHUNK_PAGES
        return length

    def _join(self, chunk: int) -> bool:
        """Raise the bound of a chunk by what its last run continues into; whether it does."""
        behind = chunk + 1
        if behind >= self.chunks:
            return False
        if self._used[behind * _CHUNK_BYTES - 1] & 0x80 or self._used[behind * _CHUNK_BYTES] & 1:
            return False
        next_used = self.used(behind)
        more = lowest_bit(next_used) if next_used else self._bound[behind]
        tail = CHUNK_PAGES - self.used(chunk).bit_length() + more
        self._bound[chunk] = max(self._bound[chunk], tail)
        return True

    def _raise_before(self, chunk: int) -> None:
        """Raise the bounds of the chunks before whose last run goes on into this one."""
        chunk -= 1
        while chunk >= 0 and self._join(chunk) and not self.used(chunk):
            chunk -= 1

    def _set_used(self, chunk: int, bits: int) -> None:
        at = chunk * _CHUNK_BYTES
        self._used[at : at + _CHUNK_BYTES] = bits.to_bytes(_CHUNK_BYTES, "little")

    def _reserve(self, chunks: int) -> None:
        self.used_words = _enlarged(self.used_words, chunks * CHUNK_WORDS)
        self.scavenged_words = _enlarged(self.scavenged_words, chunks * CHUNK_WORDS)
        self.bounds = _enlarged(self.bounds, chunks)
        self._refresh_views()

    def _refresh_views(self) -> None:
        """Views with fast access to single values and to the bytes of one chunk."""
        self._used = memoryview(self.used_words).cast("B")
        self._scavenged = memoryview(self.scavenged_words).cast("B")
        self._bound = memoryview(self.bounds)


def _enlarged(array: NDArray[np.generic], length: int) -> NDArray[np.generic]:
    """A copy with zeros behind, `length` long."""
    copy = np.zeros(length, dtype=array.dtype)
    copy[: len(array)] = array
    return copy
