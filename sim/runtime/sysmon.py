"""The monitor thread: a collection at least every two minutes (runtime/proc.go: sysmon)."""

from __future__ import annotations

from typing import Final

from sim.engine.clock import Clock
from sim.runtime.state import GC, Process
from sim.units import MINUTE

FORCE_GC_PERIOD: Final = 2 * MINUTE  # runtime/proc.go: forcegcperiod


def sysmon(clock: Clock, gc: GC) -> Process[None]:
    """Force a cycle when none has ended for two minutes and GOGC is not off (mgc.go: gcTrigger)."""
    while True:
        due = gc.last_end + FORCE_GC_PERIOD
        if clock.now < due or gc.running:
            yield clock.timeout(max(due - clock.now, FORCE_GC_PERIOD // 100))
        elif gc.gc_percent >= 0 and gc.cycles:
            gc.request("time")
        else:
            yield clock.timeout(FORCE_GC_PERIOD)
