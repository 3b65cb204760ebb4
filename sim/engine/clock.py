"""SimPy's environment with a clock of whole nanoseconds."""

from __future__ import annotations

import simpy


class Clock(simpy.Environment):
    """`now` is an int: all delays are whole ns."""

    @property
    def now(self) -> int:
        """Simulated time in ns since the start of the run."""
        return self._now  # type: ignore[return-value]

    @property
    def events(self) -> int:
        """Events scheduled so far. Reading it counts as one more: read it at the end."""
        return int(next(self._eid))
