"""The page allocator: the lowest address that fits, and what goes back to the OS.

Sources: runtime/mpagealloc.go, runtime/mpagecache.go, runtime/mgcscavenge.go. Pages are counted
from the start of the heap, which is contiguous and grows at its end in chunks of 512 pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.go.freeruns import free_runs
from sim.go.hugepages import HUGE_PAGES, HugePages
from sim.go.pagebits import (
    ALL_PAGES,
    CHUNK_PAGES,
    find_run,
    highest_run,
    longest_run,
    pieces,
    run_of,
)
from sim.go.pagemap import PageMap
from sim.go.pageruns import bitmaps_of, take_runs
from sim.go.scavindex import ScavengeIndex
from sim.go.sizeclass import PAGE_SIZE
from sim.kernels import native
from sim.units import Bytes

Ints = NDArray[np.int64]

CACHE_PAGES: Final = 64
FULL_WORD: Final = (1 << CACHE_PAGES) - 1
#: Longer runs are few and touch many words each: one by one they are as fast as in bulk.
_LONG_RUN: Final = 64
#: Up to so many operations, the cost of numpy calls is not worth while.
_SCALAR_UP_TO: Final = 24
_NO_PAGES: Final[Ints] = np.empty(0, dtype=np.int64)


class PageRun(NamedTuple):
    """Allocated pages: the first one, and how much of them had been returned to the OS."""

    page: int
    scav_bytes: Bytes


class PageRuns(NamedTuple):
    """`PageRun` of many allocations, in the order in which they are made."""

    page: Ints
    scav_bytes: Ints


@dataclass
class PageCache:
    """Pages that a P may hand out without the heap lock."""

    page: int = 0
    """First page of the aligned block of 64."""
    cache: int = 0
    """Bit i: page i of the block is free."""
    scav: int = 0
    """Bit i: page i of the block has been returned to the OS."""

    def empty(self) -> bool:
        """Whether no page is left."""
        return self.cache == 0

    def alloc(self, npages: int) -> PageRun | None:
        """The lowest run of `npages` pages; None if the block has none."""
        first = find_run(self.cache, npages)
        if first < 0:
            return None
        mask = run_of(first, npages)
        scavenged = (self.scav & mask).bit_count()
        self.cache &= ~mask
        self.scav &= ~mask
        return PageRun(self.page + first, scavenged * PAGE_SIZE)


class PageAlloc:
    """The pages of the heap. Those held by a `PageCache` count as in use here."""

    def __init__(self, chunks: int = 0, huge_pages: HugePages | None = None) -> None:
        self.used_pages = 0
        self.scavenged_pages = 0
        """Pages returned to the OS."""
        self.huge_pages = huge_pages
        """Where the OS uses huge pages."""
        self._map = PageMap()
        self._index = ScavengeIndex()
        self.grow(chunks)

    @property
    def total_pages(self) -> int:
        """Pages of the heap."""
        return self._map.chunks * CHUNK_PAGES

    @property
    def free_pages(self) -> int:
        """Pages neither allocated nor in a page cache."""
        return self.total_pages - self.used_pages

    def free_runs(self) -> Ints:
        """Lengths in pages of the runs of free pages."""
        return free_runs(self._map.used)

    def huge_bytes(self) -> Bytes:
        """Memory that counts as returned, but is resident with the huge page it lies in."""
        return 0 if self.huge_pages is None else self.huge_pages.beyond(self._map.scavenged)

    def grow(self, chunks: int) -> None:
        """Append chunks of 4 MiB; new memory counts as returned to the OS."""
        self._map.grow(chunks)
        self._index.reserve(len(self._map.bounds))
        self.scavenged_pages += chunks * CHUNK_PAGES

    def alloc(self, npages: int) -> PageRun | None:
        """Allocate the lowest run of `npages` pages; None if there is no such run."""
        page = self._map.find(npages)
        return None if page is None else PageRun(page, self._take(page, npages) * PAGE_SIZE)

    def free(self, page: int, npages: int) -> None:
        """Free the pages [page, page + npages); ModelError if one of them is not in use."""
        chunks, longest = [], []
        for chunk, first, count in pieces(page, npages):
            chunks.append(chunk)
            longest.append(self._map.release(chunk, run_of(first, count)))
            self._index.free(chunk, count, chunk * CHUNK_PAGES + first + count - 1)
        self._map.raise_bounds(chunks, longest)
        self.used_pages -= npages

    def _take(self, page: int, npages: int) -> int:
        scavenged = 0
        for chunk, first, count in pieces(page, npages):
            scavenged += self._map.take(chunk, run_of(first, count))
            self._index.alloc(chunk, count)
        self.used_pages += npages
        self.scavenged_pages -= scavenged
        return scavenged

    # -- page caches -------------------------------------------------------------------------

    def alloc_to_cache(self) -> PageCache:
        """The aligned block of 64 pages that holds the lowest free page; empty if there is none.

        Simulated Ps take runs of pages instead; this and `flush` are Go's own operations, by which
        the allocator is held against recorded ones (tests/golden/pages.jsonl).
        """
        page = self._map.find(1)
        if page is None:
            return PageCache()
        block = page // CACHE_PAGES
        chunk, first = divmod(block * CACHE_PAGES, CHUNK_PAGES)
        free = (self._map.used[chunk] >> first & FULL_WORD) ^ FULL_WORD
        scavenged = self._map.scavenged[chunk] >> first & free
        self._map.take(chunk, free << first)
        self._index.alloc(chunk, free.bit_count())
        self.used_pages += free.bit_count()
        self.scavenged_pages -= scavenged.bit_count()
        return PageCache(block * CACHE_PAGES, free, scavenged)

    def flush(self, cache: PageCache) -> None:
        """Take back what a page cache still holds, and empty it."""
        if cache.empty():
            return
        chunk, first = divmod(cache.page, CHUNK_PAGES)
        self._map.release(chunk, cache.cache << first)
        self._map.raise_bounds([chunk], [longest_run(self._map.used[chunk] ^ ALL_PAGES)])
        self._map.scavenged[chunk] |= cache.scav << first
        self._index.free(chunk, cache.cache.bit_count(), cache.page + cache.cache.bit_length() - 1)
        self.used_pages -= cache.cache.bit_count()
        self.scavenged_pages += cache.scav.bit_count()
        cache.cache = cache.scav = 0

    # -- many at once ------------------------------------------------------------------------

    def alloc_runs(self, npages: int, count: int) -> PageRuns:
        """What `count` allocations of `npages` pages give; fewer if there is no more room."""
        if npages > _LONG_RUN:
            return self._one_by_one(npages, count)
        found = [PageRuns(_NO_PAGES, _NO_PAGES)]
        while count > 0:
            runs = self._next_runs(npages, count)
            if not len(runs.page):
                break
            found.append(runs)
            count -= len(runs.page)
        return PageRuns(*map(np.concatenate, zip(*found, strict=True)))

    def free_many(self, pages: ArrayLike, npages: ArrayLike) -> None:
        """`free` of many runs: first pages, and one length or one each."""
        first, length = np.broadcast_arrays(
            np.asarray(pages, np.int64), np.asarray(npages, np.int64)
        )
        single = (length > _LONG_RUN) | (len(first) <= _SCALAR_UP_TO)
        for page, count in zip(first[single].tolist(), length[single].tolist(), strict=True):
            self.free(page, count)
        first, length = first[~single], length[~single]
        if len(first):
            self._free_runs(first, length)

    def _free_runs(self, first: Ints, npages: Ints) -> None:
        chunks, counts, masks = bitmaps_of(first, npages)
        where = chunks.tolist()
        longest = [self._map.release(*one) for one in zip(where, masks, strict=True)]
        self._index.free_many(chunks, counts, int((first + npages).max()) - 1)
        free = CHUNK_PAGES - self._index.in_use[chunks]
        self._map.raise_bounds(where, np.minimum(free, longest).tolist())
        self.used_pages -= int(counts.sum())

    def _next_runs(self, npages: int, count: int) -> PageRuns:
        """Some of the next runs: many if the bounds of the next chunks hold what they promise."""
        if native is None and count <= _SCALAR_UP_TO:
            return self._one_by_one(npages, count)
        taken = take_runs(self._map, self._index.in_use, npages, count)
        if taken is None:
            return self._one_by_one(npages, 1)
        self._index.alloc_many(taken.chunks, taken.used)
        self.used_pages += len(taken.page) * npages
        self.scavenged_pages -= int(taken.scavenged.sum())
        return PageRuns(taken.page, taken.scavenged * PAGE_SIZE)

    def _one_by_one(self, npages: int, count: int) -> PageRuns:
        runs: list[PageRun] = []
        while len(runs) < count and (run := self.alloc(npages)):
            runs.append(run)
        return PageRuns(*np.array(runs, dtype=np.int64).reshape(-1, 2).T)

    # -- scavenging --------------------------------------------------------------------------

    def scavenge(self, nbytes: Bytes, force: bool = False) -> Bytes:
        """Return free pages to the OS, highest address first; returns how many bytes.

        Stops when `nbytes` are reached (a huge page may be more) or nothing is eligible. `force`
        takes chunks that are in dense use as well.
        """
        released = 0
        while released < nbytes:
            page = self._index.find(force)
            if page is None:
                break
            released += self._scavenge_one(page, -(-(nbytes - released) // PAGE_SIZE)) * PAGE_SIZE
        return released

    def next_gen(self) -> None:
        """A GC cycle's marking ended: the scavenger's generation advances."""
        self._index.next_gen()

    def _scavenge_one(self, below: int, wanted: int) -> int:
        """Return the highest run of a chunk from the page `below` down; returns how many pages."""
        chunk, first = divmod(below, CHUNK_PAGES)
        scavenged = self._map.scavenged[chunk]
        run = find_scavenge_candidate(self._map.used[chunk] | scavenged, first, wanted)
        if run is None:
            self._index.set_empty(chunk)
            return 0
        start, npages = run
        self._map.scavenged[chunk] = scavenged | run_of(start, npages)
        self.scavenged_pages += npages
        if self.huge_pages is not None:
            self.huge_pages.returned(chunk, start, npages, self._map.scavenged[chunk])
        return npages


def find_scavenge_candidate(kept: int, search: int, wanted: int) -> tuple[int, int] | None:
    """(start, pages) of the highest run outside the bitmap `kept` to return to the OS.

    The search starts in the 64-page word of page `search`. The run is cut to `wanted` pages,
    unless the cut went through a huge page that lies in the run: that one goes as a whole.
    Source: runtime/mgcscavenge.go, findScavengeCandidate, for OS pages no larger than Go's.
    """
    below = run_of(0, (search // 64 + 1) * 64)
    low, end = highest_run(~kept & below)
    if end == 0:
        return None
    start = max(low, end - wanted)
    huge_below = start // HUGE_PAGES * HUGE_PAGES
    cuts_huge = start > huge_below and huge_below + HUGE_PAGES <= end and huge_below >= low
    if cuts_huge:
        start = huge_below
    return start, end - start
