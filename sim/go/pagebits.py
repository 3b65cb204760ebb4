"""Bitmaps of one chunk as Python integers: bit i is page i (runtime/mpallocbits.go)."""

from __future__ import annotations

from typing import Final

CHUNK_PAGES: Final = 512
ALL_PAGES: Final = (1 << CHUNK_PAGES) - 1


def run_of(first: int, npages: int) -> int:
    """The bitmap of the pages [first, first + npages)."""
    return ((1 << npages) - 1) << first


def pieces(page: int, npages: int) -> list[tuple[int, int, int]]:
    """(chunk, first page in it, count) of a range of pages of the heap."""
    chunk, first = divmod(page, CHUNK_PAGES)
    count = min(npages, CHUNK_PAGES - first)
    parts = [(chunk, first, count)]
    while npages := npages - count:
        chunk, count = chunk + 1, min(npages, CHUNK_PAGES)
        parts.append((chunk, 0, count))
    return parts


def lowest_bit(bits: int) -> int:
    """Index of the lowest set bit; -1 if there is none."""
    return (bits & -bits).bit_length() - 1


def find_run(bits: int, npages: int) -> int:
    """Index of the lowest run of at least `npages` set bits; -1 if there is none.

    Shortens every run of ones by `npages - 1` from the top, in steps that double.
    """
    step, left = 1, npages - 1
    while left > 0 and bits:
        shift = min(step, left)
        bits &= bits >> shift
        left -= shift
        step *= 2
    return lowest_bit(bits)


def longest_run(bits: int) -> int:
    """Length of the longest run of set bits."""
    powers = []  # powers[k] has the starts of runs of at least 2**k
    while bits:
        powers.append(bits)
        bits &= bits >> (1 << len(powers) - 1)
    length, starts = 0, ALL_PAGES
    for k in reversed(range(len(powers))):
        longer = starts & (powers[k] >> length)
        if longer:
            length, starts = length + (1 << k), longer
    return length


def highest_run(bits: int) -> tuple[int, int]:
    """Start and end (exclusive) of the run of set bits that contains the highest one."""
    end = bits.bit_length()
    return (~bits & ((1 << end) - 1)).bit_length(), end
