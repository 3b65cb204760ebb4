"""What a user may turn."""

from __future__ import annotations

from dataclasses import dataclass

from sim.units import Bytes


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """GOGC (None: off), GOMEMLIMIT (None: no limit) and GOMAXPROCS, and what people put on top."""

    gogc: int | None
    memory_limit: Bytes | None
    procs: int
    ballast: Bytes = 0
    """A large allocation that is never touched: it counts for the pacer, but takes no memory."""
    tuned_heap: Bytes | None = None
    """A tuner sets GOGC after every cycle so that the heap goal is this (GOGC 25 to 500)."""
