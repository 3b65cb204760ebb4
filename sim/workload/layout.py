"""Where what is kept lies among the slots that were taken, as rows for the ledger."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.kernels import native
from sim.workload.ledger import Ints, Ledger, ranks

COUNT_BITS: Final = 20
"""More than the slots of any span need."""


class KeptObjects(NamedTuple):
    """What owners keep of a batch: `objects[i]` of kind `kind[i]`, allocated in so many bursts.

    A burst is allocated in one go: its objects lie side by side.
    """

    kind: Ints
    owner: Ints
    objects: Ints
    bursts: Ints

    def those(self, chosen: Ints) -> KeptObjects:
        """Some of the parts, in the given order."""
        return KeptObjects(*(column[chosen] for column in self))


class Room(NamedTuple):
    """Slots that were taken: `slots[i]` in `spans[i]`; `number[g]` spans of the g-th group.

    What is kept of a group lies in its spans.
    """

    spans: Ints
    slots: Ints
    number: Ints


def write_down(
    ledger: Ledger, room: Room, kept: KeptObjects, group: Ints, rng: np.random.Generator
) -> None:
    """Rows for what is kept of what was allocated; the rest is dead.

    `group[i]`, in ascending order, is the group of spans in which the i-th part lies.
    """
    bursts = np.minimum(kept.objects, kept.bursts)
    where, which, count = lay_out(room, kept.objects, bursts, group, rng)
    ledger.add(room.spans[where], kept.kind[which], kept.owner[which], count, group[which])


def lay_out(
    room: Room, objects: Ints, bursts: Ints, group: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Put the bursts of all parts into the slots of their groups, which are used in order.

    The bursts of a group come in random order, with even distances between them. Returns (index of
    the span, index of the part, objects) of every combination that occurs.
    """
    order = np.argsort(np.repeat(group, bursts) + rng.random(int(bursts.sum())))
    phase = rng.random(len(room.number))
    if native is not None:
        rows = native.lay_out(room, objects, bursts, group, order, phase)
        rows.sort()
        where, which, count = native.sum_rows(rows, len(bursts))
        return where, which, count
    which = np.repeat(np.arange(len(bursts)), bursts)
    size, rest = np.divmod(objects, bursts)
    longer = np.cumsum(bursts) - bursts + rest  # the first bursts of a part take what is left over
    length = np.repeat(size, bursts) + (np.arange(len(which)) < np.repeat(longer, bursts))
    which, length = which.take(order), length.take(order)
    edges = np.cumsum(room.slots)
    ends = _spread(length, objects, bursts, group, phase, room, edges)
    begins = ends - length
    first = _passed(edges, begins)
    touched = _passed(edges, ends - 1) - first + 1
    behind = np.cumsum(touched)
    where = np.arange(behind[-1]) + np.repeat(first - behind + touched, touched)
    count = np.minimum(np.repeat(ends, touched), edges.take(where)) - np.maximum(
        np.repeat(begins, touched), (edges - room.slots).take(where)
    )
    return _summed(where, np.repeat(which, touched), len(bursts), count)


def _passed(edges: Ints, points: Ints) -> Ints:
    """How many edges each point has reached; the edges ascend."""
    return np.searchsorted(edges, points, side="right")


def _summed(where: Ints, which: Ints, parts: int, count: Ints) -> tuple[Ints, Ints, Ints]:
    """One row for every combination of span and part, without those that come to nothing.

    A burst may pass over a span without slots. All three numbers of a row share one, to be sorted.
    """
    part_bits = parts.bit_length()
    some = np.flatnonzero(count)
    rows = ((where << part_bits | which) << COUNT_BITS | count).take(some)
    rows.sort()
    pair = rows >> COUNT_BITS
    first = np.flatnonzero(np.concatenate(([True], pair[1:] != pair[:-1])))
    objects = np.add.reduceat(rows & (1 << COUNT_BITS) - 1, first)
    pair = pair.take(first)
    return pair >> part_bits, pair & (1 << part_bits) - 1, objects


def _spread(
    length: Ints,
    objects: Ints,
    bursts: Ints,
    group: Ints,
    phase: NDArray[np.float64],
    room: Room,
    edges: Ints,
) -> Ints:
    """Where each burst ends: what its group has room for beside the bursts lies between them.

    The `phase` in [0, 1) of a group says how much of it comes before the first.
    """
    behind = np.concatenate(([0], edges))[np.cumsum(room.number)]
    slots = np.diff(behind, prepend=0)
    number = _sums(group, bursts, len(slots))
    wanted = _sums(group, objects, len(slots))
    spare = (slots - wanted) / np.maximum(number, 1)
    shift = behind - slots - np.cumsum(wanted) + wanted
    gaps = ((ranks(number) + np.repeat(phase, number)) * np.repeat(spare, number)).astype(np.int64)
    ends: Ints = np.cumsum(length) + np.repeat(shift, number) + gaps
    return ends


def _sums(group: Ints, amount: Ints, groups: int) -> Ints:
    return np.bincount(group, weights=amount, minlength=groups).astype(np.int64)
