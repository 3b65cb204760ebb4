"""Transparent huge pages: memory that the OS backs 2 MiB at a time, whatever Go asked for.

With THP=always the first touch of an untouched huge page makes all of it resident. Returning a
part of it splits it, until all of it was returned, or until the kernel's khugepaged comes by: that
makes whole again what has a single resident page (Linux: max_ptes_none = 511), and so undoes the
work of the scavenger. Go 1.27 does not ask for huge pages in the heap (runtime/mem_linux.go).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.go.pagebits import CHUNK_PAGES, run_of
from sim.go.sizeclass import PAGE_SIZE
from sim.units import Bytes

HUGE_PAGES: Final = 256
"""Go pages of a huge page of 2 MiB."""
_PER_CHUNK: Final = CHUNK_PAGES // HUGE_PAGES
_WORDS: Final = HUGE_PAGES // 64


class HugePages:
    """Which huge pages were split by returning a part of them."""

    def __init__(self) -> None:
        self._split: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._scanned = 0  # where khugepaged goes on

    def returned(self, chunk: int, first: int, npages: int, scavenged: int) -> None:
        """Pages of a chunk went back to the OS; `scavenged` has all of its pages that are there."""
        self._reserve(chunk + 1)
        for huge in range(first // HUGE_PAGES, (first + npages - 1) // HUGE_PAGES + 1):
            whole = run_of(huge * HUGE_PAGES, HUGE_PAGES)
            self._split[chunk * _PER_CHUNK + huge] = scavenged & whole != whole

    def beyond(self, scavenged: list[int]) -> Bytes:
        """Resident memory that Go counts as returned: the rest of huge pages that are in use."""
        self._reserve(len(scavenged))
        raw = b"".join([bits.to_bytes(CHUNK_PAGES // 8, "little") for bits in scavenged])
        words = np.frombuffer(raw, dtype=np.uint64).reshape(-1, _WORDS)
        gone = np.bitwise_count(words).sum(axis=1, dtype=np.int64)
        whole = ~self._split[: len(gone)] & (gone < HUGE_PAGES)
        return int(gone[whole].sum()) * PAGE_SIZE

    def collapse(self, count: int) -> None:
        """khugepaged looks at the next so many huge pages, and makes them whole."""
        if not len(self._split):
            return
        first = self._scanned % len(self._split)
        self._split[first : first + count] = False
        self._scanned = first + count

    def _reserve(self, chunks: int) -> None:
        missing = chunks * _PER_CHUNK - len(self._split)
        if missing > 0:
            more = np.zeros(max(missing, len(self._split)), dtype=np.bool_)
            self._split = np.concatenate((self._split, more))
