"""The monitor thread, which ends time slices (runtime/proc.go: sysmon, retake, execute)."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Final

from sim.units import Nanoseconds

PERIOD: Final[Nanoseconds] = 10_100_000
"""Between two looks: sysmon sleeps for 10 ms, after which Linux wakes it up 0.1 ms late."""
WHOLE_SLICE: Final[Nanoseconds] = 2 * PERIOD
"""A time slice that begins with a look, such as behind another one."""
TIME_SLICE: Final[Nanoseconds] = PERIOD * 3 // 2
"""One that begins at any instant, on average."""


PREEMPT: Final[Nanoseconds] = 10_000_000
"""After so long others have their turn (runtime/proc.go: forcePreemptNS)."""
LATE: Final[Nanoseconds] = PERIOD - PREEMPT
"""By how much Linux wakes it up late."""
QUICK_LOOKS: Final = 50
QUICK: Final[Nanoseconds] = 20_000
"""After a P was taken from a system call, or all have idled, it sleeps for 20 us fifty times, and
from then on twice as long every time, up to 10 ms (sysmon)."""


def _looks_at_calls() -> list[Nanoseconds]:
    """When it looks after it became quick, until it is slow."""
    sleeps = [QUICK] * QUICK_LOOKS
    while sleeps[-1] + LATE < PERIOD:
        sleeps.append(min(2 * sleeps[-1], PERIOD - LATE))
    return list(accumulate(sleep + LATE for sleep in sleeps))


LOOKS_AT_CALLS: Final = _looks_at_calls()


class Sysmon:
    """When it looks at the Ps: every 10 ms, but not while all of them idle."""

    def __init__(self) -> None:
        self._looked = 0
        self._quick_since = 0
        """When it began to look at system calls every 20 us, the last time."""
        self._slow_at = 0
        """Until then it is quick because it has taken a P from a system call."""

    def retook(self, now: Nanoseconds) -> None:
        """It has taken a P from a system call, and is quick again."""
        self._quick_since = now
        self._slow_at = self._looked = now + LOOKS_AT_CALLS[-1]

    def slice_end(self, now: Nanoseconds) -> Nanoseconds:
        """The end of a time slice that begins now: the first look 10 ms after one that found it."""
        if now >= self._slow_at:
            return self.next_look(now) + PERIOD
        return self.next_look_at_calls(self.next_look_at_calls(now) + PREEMPT - 1)

    def next_look_at_calls(self, now: Nanoseconds) -> Nanoseconds:
        """The first look after now that finds system calls."""
        passed = now - self._quick_since
        slow_at = LOOKS_AT_CALLS[-1]
        if passed < slow_at:
            return self._quick_since + LOOKS_AT_CALLS[bisect_right(LOOKS_AT_CALLS, passed)]
        return now + PERIOD - (passed - slow_at) % PERIOD

    def next_look(self, now: Nanoseconds) -> Nanoseconds:
        """The first look after an instant at which some P runs."""
        return now + PERIOD - (now - self._looked) % PERIOD

    def wake(self, idle_since: Nanoseconds, now: Nanoseconds) -> None:
        """The first P wakes up, after all have idled since then.

        The first look that found them so sent sysmon to sleep, and the same timer wakes it.
        """
        if self.next_look(idle_since) <= now:
            self._looked = self._quick_since = now


class TimeSlice:
    """That of a P: the first look that finds it there writes it down, the second ends it.

    By then, forcePreemptNS of 10 ms have passed. What runs next as `runnext` goes on in it, even
    after the P has idled; everything else begins a new one (schedtick).
    """

    __slots__ = ("_seen", "_since", "_sysmon", "end", "number")

    def __init__(self, sysmon: Sysmon) -> None:
        self._sysmon = sysmon
        self._seen = False
        self._since = 0
        """The P has not been looked at since, as far as is known."""
        self.end = 0
        """When it is over, if the P does not idle before."""
        self.number = 0
        """How many there have been (schedtick)."""

    def begin(self, now: Nanoseconds) -> None:
        """A new one."""
        self._seen, self._since = False, now
        self.number += 1
        self.end = self._sysmon.slice_end(now)

    def go_on(self, now: Nanoseconds) -> None:
        """The next goroutine runs in it as well."""
        self.rest(now)
        self._since = now
        self.end = self._sysmon.next_look(now) + (0 if self._seen else PERIOD)

    def rest(self, now: Nanoseconds) -> None:
        """The P idles from now on, and sysmon passes it over."""
        if self._sysmon.next_look(self._since) <= now:
            self._seen = True

    def resume(self, now: Nanoseconds) -> None:
        """The P does not idle any more."""
        self._since = now
