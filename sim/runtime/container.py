"""What ends a run for its memory: the cgroup around the process, and what a run can hold."""

from __future__ import annotations

import simpy

from sim.engine.clock import Clock, ClockTime
from sim.record.facts import Status
from sim.runtime.memory import MemoryAccounts
from sim.runtime.recording import Recording
from sim.runtime.state import CgroupLimits, Stopped
from sim.units import Bytes, MiB, format_bytes, format_duration


class MemoryLimit:
    """Ends the run when the process has more memory than its cgroup may have, or than fits."""

    def __init__(
        self,
        clock: Clock,
        container: CgroupLimits,
        finished: simpy.Event,
        memory: MemoryAccounts,
        recording: Recording,
    ) -> None:
        self._clock, self._container, self._finished = clock, container, finished
        self._memory, self._recording = memory, recording

    def check(self) -> None:
        """Look at the memory of the process now."""
        if self._finished.triggered:
            return
        if too_much := self._memory.beyond():
            self._recording.sample()
            reason = f"stopped after {format_duration(self._clock.now)}: {too_much}"
            self._finished.succeed(Stopped(Status.OUT_OF_MEMORY, reason))
            return
        limit = self._container.memory
        if limit is None:
            return
        resident = self._memory.resident()
        self._container.left = float(limit - sum(resident.values()))
        if self._container.left < 0:
            self._recording.sample()
            reason = verdict(resident, limit, self._clock.now)
            self._finished.succeed(Stopped(Status.OOM_KILLED, reason))


def verdict(resident: dict[str, int], limit: Bytes, now: ClockTime) -> str:
    """When the process was killed, and what its memory consisted of."""
    parts = sorted(resident.items(), key=lambda part: -part[1])
    what = "RSS" if now else "the start-up footprint"
    return (
        f"killed {f'after {format_duration(now)}' if now else 'at once'}: {what} of"
        f" {sum(resident.values()) / MiB:.1f}MiB exceeds the {limit / MiB:.1f}MiB of the cgroup: "
        + ", ".join(f"{name} {format_bytes(size)}" for name, size in parts if size)
    )
