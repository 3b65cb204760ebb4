"""The monitor thread, which ends time slices (runtime/proc.go: sysmon, retake, execute)."""

from __future__ import annotations

from typing import Final

from sim.units import Nanoseconds

PERIOD: Final[Nanoseconds] = 10_100_000
"""Between two looks: sysmon sleeps for 10 ms, after which Linux wakes it up 0.1 ms late."""
WHOLE_SLICE: Final[Nanoseconds] = 2 * PERIOD
"""A time slice that begins with a look, such as behind another one."""
TIME_SLICE: Final[Nanoseconds] = PERIOD * 3 // 2
"""One that begins at any instant, on average."""


class Sysmon:
    """When it looks at the Ps: every 10 ms, but not while all of them idle."""

    def __init__(self) -> None:
        self._looked = 0

    def next_look(self, now: Nanoseconds) -> Nanoseconds:
        """The first look after an instant at which some P runs."""
        return now + PERIOD - (now - self._looked) % PERIOD

    def wake(self, idle_since: Nanoseconds, now: Nanoseconds) -> None:
        """The first P wakes up, after all have idled since then.

        The first look that found them so sent sysmon to sleep, and the same timer wakes it.
        """
        if self.next_look(idle_since) <= now:
            self._looked = now


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
        self.end = self._sysmon.next_look(now) + PERIOD

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
