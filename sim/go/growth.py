"""Slices and maps that grow: the arrays that they have one after the other.

Sources: runtime/slice.go (growslice, nextslicecap), internal/runtime/maps (Map, table, groups).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from sim.go.sizeclass import SizeClassTable
from sim.units import Bytes

DOUBLED_BELOW: Final = 256
"""Elements; a smaller array is followed by one of twice the size (nextslicecap: threshold)."""
GROUP_SLOTS: Final = 8
"""Entries of a group, beside a word of control bytes (internal/abi: MapGroupSlots)."""
GROUP_LOAD: Final = 7
"""Entries by group, on average, beyond which a table grows (maps: maxAvgGroupLoad)."""
TABLE_SLOTS: Final = 1024
"""A table of so many is split in two instead (maps: maxTableCapacity)."""
WORD: Final[Bytes] = 8


class Arrays(NamedTuple):
    """What a slice or a map has at a time."""

    number: int
    """Equal arrays: one of a slice, one for each table of a map."""
    size: Bytes
    """Bytes that are requested for each."""
    capacity: int
    """Elements that all of them have room for, before they are replaced."""


def slice_arrays(
    elements: int, size: Bytes, table: SizeClassTable, *, noscan: bool
) -> list[Arrays]:
    """Arrays of a slice of elements of `size` bytes that are appended one by one (growslice)."""
    found, capacity = [], 0
    while capacity < elements:
        capacity = table.usable_size(_next_capacity(capacity) * size, noscan) // size
        found.append(Arrays(1, capacity * size, capacity))
    return found


def _next_capacity(capacity: int) -> int:
    """Elements that an array gets room for when one more does not fit (nextslicecap)."""
    if capacity < DOUBLED_BELOW:
        return max(2 * capacity, 1)
    return capacity + ((capacity + 3 * DOUBLED_BELOW) >> 2)


def map_arrays(entries: int, slot: Bytes) -> list[Arrays]:
    """Groups of a new map into which entries of `slot` bytes are inserted, none deleted.

    Tables of full size are split one by one, as chance fills them; here all of them are at once.
    """
    return list(_groups(entries, WORD + GROUP_SLOTS * slot))


def _groups(entries: int, group: Bytes) -> Iterator[Arrays]:
    yield Arrays(1, group, GROUP_SLOTS)  # a small map fills its only group (maps: putSlotSmall)
    slots, tables, room = GROUP_SLOTS, 1, GROUP_SLOTS
    while room < entries:
        if slots < TABLE_SLOTS:
            slots *= 2
        else:
            tables *= 2
        room = tables * slots * GROUP_LOAD // GROUP_SLOTS
        yield Arrays(tables, slots // GROUP_SLOTS * group, room)
