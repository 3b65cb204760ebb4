"""The pacers between that of Go 1.6 and that of Go 1.14, as they differ from that of Go 1.17.

Sources: runtime/mgc.go of Go 1.9 and of Go 1.12 (startCycle, revise, endCycle, gcSetTriggerRatio).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sim.go.pacer import Workers, pacers
from sim.go.pacer.go15 import Go117Pacer, part_time_workers
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.units import Fraction


@pacers.register("go1.13")
@dataclass
class Go113Pacer(Go117Pacer):
    """Go 1.10 to 1.13: a cycle may start as early as the last one ended (gcSetTriggerRatio)."""

    min_trigger_ratio: ClassVar[Fraction] = 0.0


@pacers.register("go1.9")
@dataclass
class Go19Pacer(Go113Pacer):
    """Go 1.7 to 1.9: assists pace for the worst case, that all of the heap is alive (revise)."""

    goal_utilization: ClassVar[Fraction] = BACKGROUND_UTILIZATION

    @property
    def scan_expected(self) -> int:
        """All of the heap that may hold pointers."""
        return self.heap_scan

    def revise(self) -> None:
        """The worst case by the goal; there is no softer one (revise)."""
        self.set_assist_ratio(self.goal, self.scan_expected)

    def background_workers(self, gomaxprocs: int) -> Workers:
        """See `Pacer`; whole workers, rounded down, and the rest part-time (startCycle)."""
        return part_time_workers(gomaxprocs)
