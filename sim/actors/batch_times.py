"""When the Ps allocate what goes into a batch."""

from __future__ import annotations

import numpy as np

from sim.actors.state import Floats
from sim.engine.clock import ProcessClock
from sim.units import Nanoseconds


class BatchTimes:
    """Since when and for how long each P allocates: for the next batch, and in the last one.

    What a P allocates in one go is counted when it begins to, so that a batch may reach into the
    time to come; the next one begins where it ends.
    """

    def __init__(self, clock: ProcessClock, ps: int) -> None:
        self._clock = clock
        self._spent, self._begun, self._end = [0] * ps, [0] * ps, [0] * ps
        """For how long each P allocates, since when, and until when, ns."""
        self._starts: Floats = np.zeros(1)
        """When the Ps of the last batch began, one after the other, ns."""
        self._until = 0
        """Until when the last batch is allocated, ns."""
        self.elapsed = self.spent = 0
        """How long the last batch took to allocate: ns, and CPU-ns."""

    def note(self, p: int, ns: Nanoseconds) -> None:
        """A P begins to allocate for so long."""
        now = self._clock.now
        if not self._spent[p]:
            self._begun[p] = self._until if self._end[p] > self._until else now
        self._spent[p] += ns
        self._end[p] = now + ns

    def close(self) -> None:
        """All that was noted is a batch, on the Ps that allocate in its time: also for the last."""
        self.spent, begun = sum(self._spent), self._until
        there = sum(end > begun for end in self._end)
        reach = begun + self.spent // max(there, 1)
        self._until = max(min(reach, max(self._end)), self._clock.now)
        self.elapsed = self._until - begun
        starts = sorted(at for at, ns in zip(self._begun, self._spent, strict=True) if ns)
        self._starts = np.array(starts or [0], dtype=np.float64)
        self._spent = [0] * len(self._spent)

    def at_work(self, work: Floats) -> Floats:
        """How many Ps work, itself among them, as work of the batch sees that is done on one.

        Of the first so many CPU-ns (positive); Ps come to it as they begin to allocate, and stay.
        """
        number = np.arange(1, len(self._starts) + 1)
        until_next = np.append(number[:-1] * np.diff(self._starts), np.inf)
        before = np.append(0, np.cumsum(until_next[:-1]))
        done = np.clip(work[:, np.newaxis] - before, 0, until_next)
        seen: Floats = done @ number / work
        return seen
