"""The kinds of a program as columns. Written once, when the run is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.go.kinds import KindTable, Mix
from sim.machine.price import malloc_ns, set_finalizer_ns
from sim.machine.profile import MachineProfile
from sim.workload.mixes import MixBook

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class KindColumns:
    """Kinds of slots; a column has a value for each, unless it says otherwise."""

    table: KindTable
    mixes: list[Mix]
    by_mix: list[Ints]
    """Kinds of each mix, and their span classes."""
    classes_by_mix: list[Ints]
    malloc_ns: Floats
    """Fast path of malloc for a slot in ns; the same while marking in `malloc_ns_marking`."""
    malloc_ns_marking: Floats
    slot_bytes: Floats
    scan_bytes: Floats
    objects: Floats
    """Objects of the program in a slot: more than one where the tiny allocator packs them."""
    classes: Ints
    """Span classes."""
    ranks: Ints
    """Numbers that tell small kinds of the same span class apart."""
    pages: Ints
    """Pages of a large object; 0 for small ones."""
    small: Ints
    """Kinds of the size classes, class after class, and those classes."""
    small_classes: Ints
    waste_by_class: Floats
    """Share of a used slot that was not asked for, by span class."""

    def __len__(self) -> int:
        return len(self.table)

    def scan_per_slot(self) -> list[float]:
        """Mean scannable bytes of a slot, by mix."""
        return [
            float(np.dot(mix.shares, self.scan_bytes[kinds]))
            for mix, kinds in zip(self.mixes, self.by_mix, strict=True)
        ]


def kind_columns(
    book: MixBook, has_finalizer: NDArray[np.bool_], span_classes: int, machine: MachineProfile
) -> KindColumns:
    """The columns of a program's kinds."""
    table = book.kinds
    classes = np.asarray([row.span_class for row in table.rows], dtype=np.int64)
    by_mix = [np.asarray(mix.kinds, dtype=np.int64) for mix in book.mixes]
    scan, pages = table.column("scan_bytes"), table.column("npages").astype(np.int64)
    slot, objects = table.column("slot_bytes"), table.column("objects")
    small = np.flatnonzero(pages == 0)
    small = small[np.argsort(classes[small], kind="stable")]
    fast_path = malloc_ns(slot, scan, table.column("npages"), objects, machine.alloc)
    fast_path += has_finalizer * set_finalizer_ns(
        table.column("nelems"), objects, machine.finalizer
    )
    return KindColumns(
        table=table,
        mixes=book.mixes,
        by_mix=by_mix,
        classes_by_mix=[classes[kinds] for kinds in by_mix],
        malloc_ns=fast_path,
        malloc_ns_marking=fast_path + machine.alloc.marking_ns,
        slot_bytes=slot,
        scan_bytes=scan,
        objects=objects,
        classes=classes,
        ranks=np.where(pages > 0, 0, ranks_within(classes)),
        pages=pages,
        small=small,
        small_classes=np.unique(classes[small]),
        waste_by_class=waste_by_class(table, span_classes),
    )


def ranks_within(classes: Ints) -> Ints:
    """How many kinds before each are of its class."""
    order = np.argsort(classes, kind="stable")
    ranks = np.empty_like(classes)
    ranks[order] = np.arange(len(classes)) - np.searchsorted(classes[order], classes[order])
    return ranks


def waste_by_class(kinds: KindTable, classes: int) -> Floats:
    """Share of a used slot that was not asked for: the mean of the kinds of each class."""
    span_class = kinds.column("span_class").astype(np.int64)
    waste = 1 - kinds.column("requested_bytes") / kinds.column("slot_bytes")
    count = np.bincount(span_class, minlength=classes)
    return np.bincount(span_class, weights=waste, minlength=classes) / np.maximum(count, 1)
