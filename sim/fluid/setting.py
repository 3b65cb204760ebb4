"""What a user may turn."""

from __future__ import annotations

from dataclasses import dataclass

from sim.units import Bytes


@dataclass(frozen=True, slots=True, order=True)
class Setting:
    """GOGC (None: off), GOMEMLIMIT (None: no limit) and GOMAXPROCS."""

    gogc: int | None
    memory_limit: Bytes | None
    procs: int
