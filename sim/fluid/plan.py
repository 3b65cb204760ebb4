"""What a step plans for the program."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Plan:
    """What the sources get of the Ps, and what they do with it; rates per ns."""

    program: float = 0.0
    """Ps on which the program runs."""
    allocating: float = 0.0
    """Of these, Ps on which it allocates."""
    until: float = math.inf
    """ns until a source wants something else."""
    ready: float = 0.0
    """Goroutines that become runnable."""
    visits: float = 0.0
    """Visits that allocate."""
    pause_ns: float = math.inf
    """Mean time until the next visit that allocates, when none is there."""
    live: float = 0.0
    """Bytes of heap_live."""
    slots: float = 0.0
    """Bytes of slots."""
    later: float = 0.0
    """Of heap_live, what is allocated after the first stretch of a step."""
