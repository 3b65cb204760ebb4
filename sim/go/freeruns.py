"""How free pages lie between spans: the lengths of the runs that an allocation can have."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.go.pagebits import CHUNK_PAGES

Ints = NDArray[np.int64]


def free_runs(used: list[int]) -> Ints:
    """Lengths in pages of all maximal runs of free pages, given the bitmap of every chunk."""
    raw = b"".join([bits.to_bytes(CHUNK_PAGES // 8, "little") for bits in used])
    taken = np.unpackbits(np.frombuffer(raw, dtype=np.uint8), bitorder="little")
    edges = np.flatnonzero(np.diff(taken, prepend=1, append=1))
    lengths: Ints = edges[1::2] - edges[::2]
    return lengths
