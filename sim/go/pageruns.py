"""Many page allocations and frees at once, with the outcome of doing them one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.errors import ModelError
from sim.go.pagebits import CHUNK_PAGES
from sim.go.pagemap import PageMap

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Taken(NamedTuple):
    """Runs that were allocated, and what that took from the chunks."""

    page: Ints
    scavenged: Ints
    """Pages of each run that had been returned to the OS."""
    chunks: Ints
    used: Ints
    """Pages taken from each of the chunks."""


def take_runs(pages: PageMap, free: Ints, npages: int, count: int) -> Taken:
    """Allocate the lowest runs of `npages` <= 64 pages: some of up to `count`, maybe none.

    First fit for one size never returns to a run that it has passed, so every maximal run gives
    as many allocations as fit in it. `free` has the free pages of every chunk.
    """
    chunks = _worth_a_look(pages, free, npages, npages * count)
    used = _rows(pages.used_words)[chunks]
    starts, ends = _maximal_runs(~_unpacked(used), _gaps(chunks))
    fit = (ends - starts) // npages
    passed = np.cumsum(fit)
    fit = np.clip(fit - np.maximum(passed - count, 0), 0, None)
    mask = _filled(len(chunks) * CHUNK_PAGES, starts, starts + fit * npages)
    if len(passed) and passed[-1] < count:
        pages.lower_bounds(chunks[:-1], npages - 1)
    return _take(pages, chunks, mask, npages)


def _take(pages: PageMap, chunks: Ints, mask: Bools, npages: int) -> Taken:
    taken = np.packbits(mask, bitorder="little").view(np.uint64).reshape(len(chunks), -1)
    used, scavenged = _rows(pages.used_words), _rows(pages.scavenged_words)
    was_scavenged = _unpacked(scavenged[chunks])[mask].reshape(-1, npages).sum(axis=1)
    used[chunks] |= taken
    scavenged[chunks] &= ~taken
    at = np.flatnonzero(mask)[::npages]
    page = chunks[at // CHUNK_PAGES] * CHUNK_PAGES + at % CHUNK_PAGES
    return Taken(page, was_scavenged, chunks, np.bitwise_count(taken).sum(axis=1, dtype=np.int64))


def _worth_a_look(pages: PageMap, free: Ints, npages: int, wanted: int) -> Ints:
    """Chunks, in order, with the next `wanted` pages in runs of `npages`, as far as is known.

    Behind each goes the chunk into which its last run may continue.
    """
    candidates = np.flatnonzero(pages.bounds[: pages.chunks] >= npages)
    enough = int(np.searchsorted(np.cumsum(free[candidates]), wanted)) + 1
    candidates = candidates[:enough]
    both = np.unique(np.concatenate((candidates, candidates + 1)))
    return both[both < pages.chunks]


def _gaps(chunks: Ints) -> Ints:
    """Where, among the pages of these chunks, a chunk does not follow the one before."""
    return (np.flatnonzero(np.diff(chunks) != 1) + 1) * CHUNK_PAGES


def _maximal_runs(free: Bools, gaps: Ints) -> tuple[Ints, Ints]:
    """Starts and ends of the runs of free pages, which no run crosses a gap."""
    before = np.concatenate(([False], free[:-1]))
    before[gaps] = False
    behind = np.concatenate((free[1:], [False]))
    behind[gaps - 1] = False
    return np.flatnonzero(free & ~before), np.flatnonzero(free & ~behind) + 1


def _filled(length: int, starts: Ints, ends: Ints) -> Bools:
    """True from each start to each end; ends may meet starts."""
    steps = np.zeros(length + 1, dtype=np.int8)
    steps[starts] += 1
    np.subtract.at(steps, ends, 1)
    return np.cumsum(steps[:-1], dtype=np.int8).astype(bool)


def _rows(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One row a chunk."""
    return words.reshape(-1, CHUNK_PAGES // 64)


def _unpacked(rows: NDArray[np.uint64]) -> Bools:
    """One entry a page."""
    return np.unpackbits(rows.reshape(-1).view(np.uint8), bitorder="little").astype(bool)


def pages_of(first: Ints, npages: Ints) -> Ints:
    """All pages of some runs, in ascending order."""
    behind = np.cumsum(npages)
    pages = np.arange(behind[-1] if len(behind) else 0) + np.repeat(first - behind + npages, npages)
    pages.sort()
    return pages


def release_pages(pages: PageMap, freed: Ints) -> tuple[Ints, Ints]:
    """Mark pages, in ascending order, as free; returns their chunks and the counts in each.

    ModelError if a page was not in use or is named twice.
    """
    words, bits = freed // 64, np.left_shift(np.uint64(1), (freed % 64).astype(np.uint64))
    if (np.diff(freed) == 0).any() or not (pages.used_words[words] & bits).all():
        raise ModelError("pages are freed that were not in use")
    np.bitwise_and.at(pages.used_words, words, ~bits)
    return np.unique(freed // CHUNK_PAGES, return_counts=True)
