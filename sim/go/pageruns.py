"""Many page allocations and frees at once, with the outcome of doing them one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import ModelError
from sim.go.pagebits import CHUNK_PAGES
from sim.go.pagemap import PageMap
from sim.kernels import native

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_CHUNK_BYTES: Final = CHUNK_PAGES // 8
#: Chunks to look at in one go: enough to drown the cost of a numpy call, few enough to be cheap.
_WINDOW: Final = 256


class TakenRuns(NamedTuple):
    """Runs that were allocated, and what that took from the chunks."""

    page: Ints
    scavenged: Ints
    """Pages of each run that had been returned to the OS."""
    chunks: Ints
    used: Ints
    """Pages taken from each of the chunks."""


def take_runs(pages: PageMap, in_use: Ints, npages: int, count: int) -> TakenRuns | None:
    """Allocate the lowest runs of `npages` <= 64 pages: some of up to `count`, None if unsure.

    First fit for one size never returns to a run that it has passed, so every maximal run gives
    as many allocations as fit in it. `in_use` has the pages in use of every chunk.
    """
    if native is not None:
        return TakenRuns(*native.take_runs(pages, npages, count))
    chunks = _worth_a_look(pages, in_use, npages, npages * count)
    free = ~_unpacked([pages.used[chunk] for chunk in chunks])
    first = np.flatnonzero(free) if npages == 1 else _first_pages(free, _gaps(chunks), npages)
    if len(first) < count:
        # What is left is shorter, except that the last run may go on behind the last chunk.
        pages.lower_bounds(chunks[:-1], npages - 1)
    return _take(pages, chunks, first[:count], npages) if len(first) else None


def _take(pages: PageMap, chunks: Ints, first: Ints, npages: int) -> TakenRuns:
    """Take runs that start at the places `first` in the bitmaps of `chunks` in a row."""
    places = first[:, np.newaxis] + np.arange(npages)
    scavenged = _unpacked([pages.scavenged[chunk] for chunk in chunks])[places].sum(axis=1)
    mask = np.zeros(len(chunks) * CHUNK_PAGES, dtype=np.bool_)
    mask[places] = True
    for chunk, bits in zip(chunks.tolist(), _packed(mask), strict=True):
        pages.take(chunk, bits)
    used = mask.reshape(-1, CHUNK_PAGES).sum(axis=1)
    page = chunks[first // CHUNK_PAGES] * CHUNK_PAGES + first % CHUNK_PAGES
    return TakenRuns(page, scavenged, chunks, used)


def _worth_a_look(pages: PageMap, in_use: Ints, npages: int, wanted: int) -> Ints:
    """Chunks, in order, with the next `wanted` pages in runs of `npages`, as far as is known.

    Behind each goes the chunk into which its last run may continue.
    """
    start = pages.next_candidate(pages.low, npages)
    if start is None:
        return np.empty(0, dtype=np.int64)
    end = min(start + _WINDOW, pages.chunks)
    candidates = start + np.flatnonzero(pages.bounds[start:end] >= npages)
    free = np.cumsum(CHUNK_PAGES - in_use[candidates])
    candidates = candidates[: int(np.searchsorted(free, wanted)) + 1]
    if npages == 1:
        return candidates
    both = np.unique(np.concatenate((candidates, candidates + 1)))
    return both[both < pages.chunks]


def _gaps(chunks: Ints) -> Ints:
    """Where, among the pages of these chunks, a chunk does not follow the one before."""
    return (np.flatnonzero(np.diff(chunks) != 1) + 1) * CHUNK_PAGES


def _first_pages(free: Bools, gaps: Ints, npages: int) -> Ints:
    """The places of all runs of `npages` that fit side by side into runs of free pages."""
    before = np.concatenate(([False], free[:-1]))
    before[gaps] = False
    behind = np.concatenate((free[1:], [False]))
    behind[gaps - 1] = False
    starts = np.flatnonzero(free & ~before)
    fit = (np.flatnonzero(free & ~behind) + 1 - starts) // npages
    passed = np.cumsum(fit)
    nth = np.arange(passed[-1] if len(fit) else 0) - np.repeat(passed - fit, fit)
    first: Ints = np.repeat(starts, fit) + nth * npages
    return first


def _pages_of(first: Ints, npages: Ints) -> Ints:
    """All pages of some runs, in ascending order."""
    behind = np.cumsum(npages)
    pages = np.arange(behind[-1] if len(behind) else 0) + np.repeat(first - behind + npages, npages)
    pages.sort()
    return pages


def bitmaps_of(first: Ints, npages: Ints) -> tuple[Ints, Ints, list[int]]:
    """Some runs of pages, chunk by chunk: chunks, pages in each, bitmaps of these.

    ModelError where two runs have a page in common.
    """
    if native is not None:
        try:
            chunks, counts, masks = native.bitmaps_of(first, npages)
        except ValueError:
            raise ModelError("a page is freed twice") from None
        return chunks, counts, masks
    pages = _pages_of(first, npages)
    if (np.diff(pages) == 0).any():
        raise ModelError("a page is freed twice")
    chunks, counts = np.unique(pages // CHUNK_PAGES, return_counts=True)
    mask = np.zeros(len(chunks) * CHUNK_PAGES, dtype=np.bool_)
    mask[np.repeat(np.arange(len(chunks)), counts) * CHUNK_PAGES + pages % CHUNK_PAGES] = True
    return chunks, counts, list(_packed(mask))


def _unpacked(bitmaps: list[int]) -> Bools:
    """One entry a page."""
    raw = b"".join([bits.to_bytes(_CHUNK_BYTES, "little") for bits in bitmaps])
    return np.unpackbits(np.frombuffer(raw, dtype=np.uint8), bitorder="little").view(np.bool_)


def _packed(pages: Bools) -> Iterator[int]:
    """One bitmap a chunk."""
    raw = np.packbits(pages, bitorder="little").tobytes()
    for at in range(0, len(raw), _CHUNK_BYTES):
        yield int.from_bytes(raw[at : at + _CHUNK_BYTES], "little")
