"""SimPy's environment with a clock in nanoseconds, and with a process that can stand still."""

from __future__ import annotations

from heapq import heapify
from typing import TypeAlias

import simpy

ClockTime: TypeAlias = int | float
"""An instant or a length of time in ns: whole ones event by event, with fractions as rates."""


class _Work(simpy.Timeout):
    """The end of something that the process does; a freeze puts it off."""


class Alarm(simpy.Event):
    """Something that somebody else sets off."""

    env: ProcessClock

    def ring(self, ns: int) -> None:
        """It happens after the process has run for so long."""
        self._ok, self._value = True, None
        self.env.schedule(self, delay=self.env.standing_still(ns) if self.env.froze else ns)


class _Time:
    """Where SimPy writes the time, as a slot: `now` is another name for it, without a call."""

    __slots__ = ("_now",)


class Clock(_Time, simpy.Environment):
    """The clock of a run in either mode."""

    def __init__(self) -> None:
        super().__init__(0)
        for name in ("event", "process", "timeout"):  # SimPy would bind them at every use
            setattr(self, name, getattr(self, name))

    now: ClockTime = vars(_Time)["_now"]
    """Simulated time in ns since the start of the run."""

    @property
    def events(self) -> int:
        """Events scheduled so far. Reading it counts as one more: read it at the end."""
        return int(next(self._eid))


class ProcessClock(Clock):
    """`now` is an int: all delays are whole ns.

    A freeze stops the simulated process, not the world around it: what the process does (`work`)
    takes as much longer, while timers and arrivals (`timeout`) come when they are due.
    """

    def __init__(self) -> None:
        super().__init__()
        self._frozen_ns = 0
        """Freezes since the start, the current one to its end."""
        self._thaw = 0
        self.froze = False
        """Whether there has been one at all: until then `frozen_ns` need not be asked."""

    now: int

    @property
    def frozen_ns(self) -> int:
        """How long the process has stood still since the start."""
        left = self._thaw - self.now
        return self._frozen_ns - left if left > 0 else self._frozen_ns

    @property
    def process_time(self) -> int:
        """`now` without the time for which the process stood still."""
        return self.now - self.frozen_ns

    def work(self, ns: int) -> simpy.Timeout:
        """An event after the process has run for so long."""
        return _Work(self, self.standing_still(ns) if self.froze else ns)

    def alarm(self) -> Alarm:
        """An event that is set off later."""
        return Alarm(self)

    def standing_still(self, ns: int) -> int:
        """What so much work takes that begins now: longer where the process is frozen."""
        left = self._thaw - self.now
        return ns + left if left > 0 else ns

    def freeze(self, ns: int) -> None:
        """The process, which is not frozen now, stands still for so long."""
        self.froze = True
        self._frozen_ns += ns
        self._thaw = self.now + ns
        self._queue[:] = [
            (
                at + ns if isinstance(event, _Work | Alarm) and at > self.now else at,
                priority,
                eid,
                event,
            )
            for at, priority, eid, event in self._queue
        ]
        heapify(self._queue)
