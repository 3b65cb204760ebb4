"""Where what is kept lies among the slots that were taken, as rows for the ledger."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.workload.ledger import Ints, Ledger, ranks


class Kept(NamedTuple):
    """What owners keep of a batch: `objects[i]` of kind `kind[i]`, allocated in so many bursts.

    A burst is allocated in one go: its objects lie side by side.
    """

    kind: Ints
    owner: Ints
    objects: Ints
    bursts: Ints

    def those(self, chosen: Ints) -> Kept:
        """Some of the parts, in the given order."""
        return Kept(*(column[chosen] for column in self))


class Room(NamedTuple):
    """Slots that were taken: `slots[i]` in `spans[i]`; `number[g]` spans of the g-th group.

    What is kept of a group lies in its spans.
    """

    spans: Ints
    slots: Ints
    number: Ints


def write_down(
    ledger: Ledger, room: Room, kept: Kept, group: Ints, rng: np.random.Generator
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
    which = np.repeat(np.arange(len(bursts)), bursts)
    size, rest = np.divmod(objects, bursts)
    length = size[which] + (ranks(bursts) < rest[which])
    order = np.argsort(group[which] + rng.random(len(which)))
    which, length = which[order], length[order]
    edges = np.cumsum(room.slots)
    ends = _spread(length, group[which], rng.random(len(room.number)), room, edges)
    begins = ends - length
    first = np.searchsorted(edges, begins, side="right")
    touched = np.searchsorted(edges, ends - 1, side="right") - first + 1
    burst = np.repeat(np.arange(len(length)), touched)
    where = first[burst] + ranks(touched)
    count = np.minimum(ends[burst], edges[where]) - np.maximum(
        begins[burst], edges[where] - room.slots[where]
    )
    some = np.flatnonzero(count)  # a burst may pass over a span without slots
    pair = (where * len(bursts) + which[burst]).take(some)
    order = np.argsort(pair)
    pair = pair.take(order)
    first = np.flatnonzero(np.concatenate(([True], pair[1:] != pair[:-1])))
    objects = np.add.reduceat(count.take(some.take(order)), first)
    return *np.divmod(pair.take(first), len(bursts)), objects


def _spread(length: Ints, group: Ints, phase: NDArray[np.float64], room: Room, edges: Ints) -> Ints:
    """Where each burst ends: what its group has room for beside the bursts lies between them.

    The `phase` in [0, 1) of a group says how much of it comes before the first.
    """
    behind = np.concatenate(([0], edges))[np.cumsum(room.number)]
    slots = np.diff(behind, prepend=0)
    bursts = np.bincount(group, minlength=len(slots))
    wanted = np.bincount(group, weights=length, minlength=len(slots)).astype(np.int64)
    spare = (slots - wanted) / np.maximum(bursts, 1)
    shift = behind - slots - np.cumsum(wanted) + wanted
    rank = np.arange(len(group)) - (np.cumsum(bursts) - bursts)[group]
    gaps = ((rank + phase[group]) * spare[group]).astype(np.int64)
    ends: Ints = np.cumsum(length) + shift[group] + gaps
    return ends
