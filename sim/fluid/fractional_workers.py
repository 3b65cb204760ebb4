"""Fractional workers: when a P gives its time to one, and when to others."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Final, TypeAlias

from sim.go.markwork import FRACTIONAL_SLACK
from sim.go.sysmon import PERIOD, WHOLE_SLICE

LARGEST_SHARE: Final = 0.95
"""Of the time of a P; with more, a worker would never leave it. A bound against dividing by
nothing."""

NextSchedule: TypeAlias = Callable[[float], float]
"""When a P that idles schedules next, after an instant."""


def by_chance(every: float, part: float) -> NextSchedule:
    """Looks come by chance; of times that long on average, this part is shorter than the first."""
    parts = [(part + k / 4) % 1 for k in (0, 2, 1, 3)]
    waits = cycle([-every * math.log1p(-p) for p in parts])
    return lambda now: now + next(waits)


def at_intervals(every: float, first: float) -> NextSchedule:
    """Looks at regular instants."""
    return lambda now: first + every * max(math.ceil((now - first) / every), 0)


def after_a_slice(seen: float) -> NextSchedule:
    """A look when a time slice is over, if nobody tells before: the second of sysmon's.

    One of those is at the instant `seen`, the others are a period apart.
    """
    return lambda now: now - (now - seen) % PERIOD + WHOLE_SLICE


class ScheduledP:
    """A P: when it schedules next, and what fractional workers have marked on it."""

    def __init__(
        self, look: NextSchedule, at: float, *, taken: bool, piece_left: float = math.inf
    ) -> None:
        self.look, self.next, self.taken = look, at, taken
        """Of a P that is taken, one goroutine computes on and on, and a time slice ends next."""
        self.piece_left = piece_left
        """Of the piece that it does while it idles, the part that is left when work comes."""
        self._times, self._marked = [0.0], [0.0]

    @property
    def marked(self) -> float:
        """CPU-ns of fractional marking, when those that have begun are done."""
        return self._marked[-1]

    def look_at(self, at: float) -> None:
        """It schedules at this instant, unless it does so before or a worker is at it."""
        self.next = max(min(self.next, at), self._times[-1])

    def mark(self, at: float, ns: float) -> None:
        """A worker marks for so long."""
        self._times += [at, at + ns]
        self._marked += [self.marked, self.marked + ns]

    def marked_until(self, at: float) -> float:
        """The same until an instant."""
        return _between(at, self._times, self._marked)


class Schedule:
    """Schedule that fractional workers take with others, in one of several ways that are as likely.

    A P looks for a fractional worker whenever it schedules: while it idles, now and then; under a
    goroutine that computes on and on, when its time slice is over. The worker takes piece after
    piece until it has had 1.2 times its share; a piece is what is left of that, but not less than
    what it does between two polls, and takes longer beside others than the worker expects. The
    goroutine goes on where a P looks first, and leaves its own to those who idle. Times are ns
    since the start of the cycle.
    """

    def __init__(
        self,
        share: float,
        poll_ns: float,
        slower: float,
        processors: Sequence[ScheduledP],
        slice_end: NextSchedule,
    ) -> None:
        self._share, self._poll, self._slower = share, poll_ns, slower
        self._slice_end = slice_end
        self._piece = poll_ns
        self._processors, self._waiting = processors, 0
        self._times, self._waited = [0.0], [0.0]
        """When the number of waiting goroutines changed, and goroutine-ns of waiting until then."""

    def marked(self, at: float) -> float:
        """CPU-ns of fractional marking until so many ns after the start."""
        while (processor := min(self._processors, key=lambda processor: processor.next)).next < at:
            self._schedule(processor)
        return sum(processor.marked_until(at) for processor in self._processors)

    def waited(self, at: float) -> float:
        """Goroutine-ns that those which compute on and on have waited, though Ps idle or mark."""
        later = self._waiting * max(at - self._times[-1], 0.0)
        return _between(at, self._times, self._waited) + later

    def _add_waiting(self, now: float, more: int) -> None:
        self._waited.append(self._waited[-1] + self._waiting * (now - self._times[-1]))
        self._times.append(now)
        self._waiting += more

    def run(self, goroutines: int, now: float, poll_ns: float, piece_ns: float) -> None:
        """So many goroutines compute on and on now; so long are pieces at least and most."""
        self._poll, self._piece = poll_ns, piece_ns
        taken = [processor for processor in self._processors if processor.taken]
        while len(taken) + self._waiting < goroutines:
            self._wait(now)
        while len(taken) + self._waiting > goroutines:
            if self._waiting:
                self._add_waiting(now, -1)
            else:
                processor = taken.pop()
                processor.taken, processor.next = False, now

    def _schedule(self, processor: ScheduledP) -> None:
        now = processor.next
        if processor.taken:
            processor.taken = False
            self._wait(now, processor)
        if processor.marked <= self._share * now:
            residence = self._residence(now, processor.marked)
            processor.mark(now, residence)
            processor.next = now + residence
            self._leave_to_others(processor, now, residence)
        elif self._waiting:
            self._add_waiting(now, -1)
            processor.taken, processor.next = True, self._slice_end(now)
        else:
            processor.next = processor.look(max(processor.marked / self._share, now + 1.0))

    def _residence(self, now: float, marked: float) -> float:
        """How long a worker stays that begins now."""
        begun, slack = now, min(FRACTIONAL_SLACK * self._share, LARGEST_SHARE)
        while True:
            allowed = (slack * now - marked) / (1 - slack)
            ns = max(min(allowed, self._piece), self._poll) * self._slower
            now += ns
            marked += ns
            if marked > slack * now:
                return now - begun

    def _leave_to_others(self, processor: ScheduledP, now: float, residence: float) -> None:
        """What a P was to run waits until its worker is done; who ends a piece before finds it."""
        for other in self._processors:
            notice = other.piece_left * self._piece * self._slower
            if other is not processor and not other.taken and notice < residence:
                other.look_at(now + notice)

    def _wait(self, now: float, left: ScheduledP | None = None) -> None:
        """A goroutine waits; of other Ps than the one it left, one that idles finds it there.

        Idle workers look after every piece.
        """
        self._add_waiting(now, 1)
        idle = [other for other in self._processors if not other.taken and other is not left]
        if idle:
            first = min(idle, key=lambda processor: processor.next)
            first.look_at(now + self._piece / 2)


def _between(at: float, times: Sequence[float], values: Sequence[float]) -> float:
    """A value between those of given times, which ascend; the first before, the last after them.

    numpy.interp would make arrays of the lists at every instant.
    """
    after = bisect_right(times, at)
    if not 0 < after < len(times):
        return values[max(after - 1, 0)]
    begin, low = times[after - 1], values[after - 1]
    return (values[after] - low) / (times[after] - begin) * (at - begin) + low
