"""Fractional workers: when a P gives its time to one, and when to others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from sim.go.markwork import FRACTIONAL_SLACK
from sim.go.runq import TIME_SLICE

Look: TypeAlias = Callable[[float], float]
"""When a P that idles schedules next, after an instant."""


def by_chance(every: float, part: float) -> Look:
    """The next look comes by chance; of times that long on average, this part is shorter."""
    wait = -every * math.log1p(-part)
    return lambda now: now + wait


def at_intervals(every: float, first: float) -> Look:
    """Looks at regular instants."""
    return lambda now: first + every * max(math.ceil((now - first) / every), 0)


class Place:
    """A P: when it schedules next, and what fractional workers have marked on it."""

    def __init__(self, look: Look, at: float, *, taken: bool) -> None:
        self.look, self.next, self.taken = look, at, taken
        """Of a P that is taken, one goroutine computes on and on, and a time slice ends next."""
        self._times, self._marked = [0.0], [0.0]

    @property
    def marked(self) -> float:
        """CPU-ns of fractional marking, when those that have begun are done."""
        return self._marked[-1]

    def mark(self, at: float, least: float, ns: float) -> None:
        """A worker marks for so long; the first piece of it is done in any case."""
        self._times += [at, at, at + ns]
        self._marked += [self.marked, self.marked + least, self.marked + ns]

    def marked_until(self, at: float) -> float:
        """The same until an instant."""
        return float(np.interp(at, self._times, self._marked))


class Turns:
    """Turns that fractional workers take with others, in one of several ways that are as likely.

    A P looks for a fractional worker whenever it schedules: while it idles, now and then; under a
    goroutine that computes on and on, when its time slice is over. The worker stays until it has
    had 1.2 times its share, a piece of work at least; beside others its pieces take longer than it
    expects, and it notices at the next poll. The goroutine goes on where a P looks first, and
    leaves its own to those who idle. Times are ns since the start of the cycle.
    """

    def __init__(
        self, share: float, poll_ns: float, crowding: float, piece_ns: float,
        places: Sequence[Place],
    ) -> None:  # fmt: skip
        self._share, self._poll, self._crowding = share, poll_ns, crowding
        self._notice = piece_ns / 2
        self._places, self._waiting = places, 0

    def marked(self, at: float) -> float:
        """CPU-ns of fractional marking until so many ns after the start."""
        while (place := min(self._places, key=lambda place: place.next)).next < at:
            self._schedule(place)
        return sum(place.marked_until(at) for place in self._places)

    def run(self, goroutines: int, now: float) -> None:
        """So many goroutines compute on and on from now on."""
        taken = [place for place in self._places if place.taken]
        while len(taken) + self._waiting < goroutines:
            self._wait(now)
        while len(taken) + self._waiting > goroutines:
            if self._waiting:
                self._waiting -= 1
            else:
                place = taken.pop()
                place.taken, place.next = False, now

    def _schedule(self, place: Place) -> None:
        now, slack = place.next, FRACTIONAL_SLACK * self._share
        if place.taken:
            place.taken = False
            self._wait(now, place)
        if place.marked <= self._share * now:
            allowed = (slack * now - place.marked) / (1 - slack)
            late = min(allowed * self._crowding, self._poll / 2)
            spell = max(allowed + late, self._poll)
            place.mark(now, self._poll, spell)
            place.next = now + spell
        elif self._waiting:
            self._waiting -= 1
            place.taken, place.next = True, now + TIME_SLICE
        else:
            place.next = place.look(max(place.marked / self._share, now + 1.0))

    def _wait(self, now: float, left: Place | None = None) -> None:
        """A goroutine waits; of other Ps than the one it left, one that idles finds it there.

        Idle workers look after every piece.
        """
        self._waiting += 1
        idle = [place for place in self._places if not place.taken and place is not left]
        if idle:
            first = min(idle, key=lambda place: place.next)
            first.next = min(first.next, now + self._notice)
