"""What a fluid run is made of, and what a step of it plans."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sim.fluid.footprint import Footprint
from sim.fluid.keepers import Pooled
from sim.fluid.spans import SpanModel
from sim.go.barrier import Barrier
from sim.go.limiter import GCCPULimiter
from sim.go.marker import Marker
from sim.go.pacer import Pacer
from sim.machine.profile import MachineProfile
from sim.streams import Streams
from sim.units import Bytes, Nanoseconds


@dataclass
class Parts:
    """What a run is made of."""

    procs: int
    gc_percent: int
    memory_limit: Bytes
    duration: Nanoseconds
    machine: MachineProfile
    switches: Any
    streams: Streams
    emit: Callable[[Any], None]
    pacer: Pacer
    limiter: GCCPULimiter
    marker: Marker
    barrier: Barrier
    globals_bytes: Bytes
    container: Bytes | None
    sampling: Nanoseconds
    spans: SpanModel
    footprint: Footprint
    pools: dict[str, Pooled] = field(default_factory=dict)


@dataclass(slots=True)
class Plan:
    """What the tasks get of the Ps, and what they do with it; rates per ns."""

    program: float = 0.0
    """Ps on which the program runs."""
    allocating: float = 0.0
    """Of these, Ps on which it allocates."""
    until: float = math.inf
    """ns until a task wants something else."""
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
