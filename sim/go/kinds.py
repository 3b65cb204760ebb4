"""Objects as the allocator sees them: the span class, slot and scannable bytes of each kind.

A mix of a program is compiled into kinds once; from then on only counts of kinds are handled.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.go.mheap import PAGE
from sim.go.sizeclass import SizeClassTable

Floats = NDArray[np.float64]

WORD: Final = 8
TINY_BLOCK: Final = 16
LARGE_NOSCAN: Final = 1
"""Span classes 0 and 1 hold large objects."""
HEADER_ABOVE: Final = 512
"""Larger objects with pointers have a header and are scanned whole."""


class Kind(NamedTuple):
    """Objects of one mix and one span class: all means are per slot taken."""

    span_class: int
    npages: int
    """Pages of a large object, 0 for small ones."""
    slot_bytes: int
    nelems: int
    """Slots per span."""
    requested_bytes: float
    scan_bytes: float
    """Pointer prefix, or the whole slot where Go scans it whole."""
    pointers: float
    """Words that lead to an object."""
    objects: float
    """Requested objects per slot: above 1 only for tiny blocks."""


@dataclass(frozen=True)
class Mix:
    """What a program allocates together: kinds with their frequencies.

    `kinds` are rows of the kind table, `shares` the fraction of slots by kind, and
    `slots_per_byte` how many slots a requested byte takes on average.
    """

    kinds: tuple[int, ...]
    shares: Floats
    slots_per_byte: float
    objects_per_slot: float
    slot_bytes: float
    """Mean bytes of a slot."""


@dataclass
class KindTable:
    """All kinds of a program."""

    rows: list[Kind] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> Floats:
        """One property of every kind, in row order."""
        return np.asarray([getattr(kind, name) for kind in self.rows], dtype=np.float64)

    def add_mix(
        self,
        sizes: Floats,
        pointers: Floats,
        filled: Floats,
        weights: Floats,
        table: SizeClassTable,
    ) -> Mix:
        """Compile objects: requested bytes, pointer words (inf = all), filled part, weights.

        Several objects of the arrays may be of the same kind; weights are relative frequencies of
        requested objects.
        """
        sizes = np.maximum(np.rint(sizes), 1.0)
        words = np.minimum(pointers, np.floor(sizes / WORD))
        found = _group(sizes, words, words * filled, weights / weights.sum(), table)
        first = len(self.rows)
        slots = np.asarray([group[0] for group in found])
        self.rows += [group[1] for group in found]
        mean_requested = float(np.dot(sizes, weights) / weights.sum())
        kinds = range(first, len(self.rows))
        shares = slots / slots.sum()
        return Mix(
            kinds=tuple(kinds),
            shares=shares,
            slots_per_byte=float(slots.sum()) / mean_requested,
            objects_per_slot=1.0 / float(slots.sum()),
            slot_bytes=float(np.dot(shares, [self.rows[k].slot_bytes for k in kinds])),
        )


def _group(
    sizes: Floats, words: Floats, links: Floats, share: Floats, table: SizeClassTable
) -> list[tuple[float, Kind]]:
    """(slots per requested object, kind) for every span class and large page count that occurs."""
    noscan = words == 0
    tiny = noscan & (sizes < TINY_BLOCK)
    classes = table.span_classes(sizes, noscan)
    npages = np.where(classes <= LARGE_NOSCAN, np.ceil(sizes / PAGE), 0).astype(np.int64)
    found = zip(classes[~tiny].tolist(), npages[~tiny].tolist(), strict=True)
    groups = []
    for span_class, pages in sorted(set(found)):
        mine = ~tiny & (classes == span_class) & (npages == pages)
        weight = float(share[mine].sum())
        slot = pages * PAGE if pages else int(table.elemsize[span_class])
        prefix = np.dot(share[mine], words[mine]) / weight * WORD
        whole = slot > HEADER_ABOVE and prefix > 0
        kind = Kind(
            span_class=span_class,
            npages=pages,
            slot_bytes=slot,
            nelems=int(table.nelems[span_class]) or 1,
            requested_bytes=float(np.dot(share[mine], sizes[mine]) / weight),
            scan_bytes=float(slot if whole else prefix),
            pointers=float(np.dot(share[mine], links[mine]) / weight),
            objects=1.0,
        )
        groups.append((weight, kind))
    if tiny.any():
        groups.append(_tiny_blocks(sizes[tiny], share[tiny], table))
    return groups


def _tiny_blocks(sizes: Floats, share: Floats, table: SizeClassTable) -> tuple[float, Kind]:
    """Tiny objects share 16-byte blocks (runtime/malloc.go: mallocgcTiny), in expectation.

    The expected number of objects that fit in a block follows from filling blocks with a long
    sequence in which the sizes alternate as evenly as their shares say.
    """
    order = np.concatenate(
        [
            np.full(n, s)
            for s, n in zip(sizes, np.ceil(256 * share / share.sum()).astype(int), strict=True)
        ]
    )
    order = order[np.argsort(np.modf(np.arange(len(order)) * 0.6180339887498949)[0], kind="stable")]
    blocks, offset = 1, 0
    for size in order.astype(int).tolist():
        align = 8 if size % 8 == 0 else 4 if size % 4 == 0 else 2 if size % 2 == 0 else 1
        offset = -(-offset // align) * align
        if offset + size > TINY_BLOCK:
            blocks, offset = blocks + 1, size
        else:
            offset += size
    per_block = len(order) / blocks
    span_class = table.tiny_span_class
    kind = Kind(
        span_class=span_class,
        npages=0,
        slot_bytes=TINY_BLOCK,
        nelems=int(table.nelems[span_class]),
        requested_bytes=float(np.dot(share, sizes) / share.sum() * per_block),
        scan_bytes=0.0,
        pointers=0.0,
        objects=per_block,
    )
    return float(share.sum()) / per_block, kind
