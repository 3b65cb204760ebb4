"""The monitor thread: a collection at least every two minutes (runtime/proc.go: sysmon)."""

from __future__ import annotations

from typing import Final

from sim.actors.collector import request
from sim.units import MINUTE
from sim.world import Process, World

FORCE_GC_PERIOD: Final = 2 * MINUTE  # runtime/proc.go: forcegcperiod


def sysmon(world: World) -> Process[None]:
    """Force a cycle when none has ended for two minutes and GOGC is not off (mgc.go: gcTrigger)."""
    gc = world.gc
    while True:
        due = gc.last_end + FORCE_GC_PERIOD
        if world.env.now < due or gc.running:
            yield world.env.timeout(max(due - world.env.now, FORCE_GC_PERIOD // 100))
        elif world.gc_percent >= 0 and gc.cycles:
            request("time", None, world)
        else:
            yield world.env.timeout(FORCE_GC_PERIOD)
