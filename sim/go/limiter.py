"""The GC CPU limiter: at most half of the CPU for collection (runtime/mgclimit.go)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sim.errors import ModelError
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.units import MS, SECOND, Nanoseconds

CAPACITY_PER_PROC: Final = SECOND
UPDATE_PERIOD: Final = 10 * MS


@dataclass(slots=True)
class GCCPULimiter:
    """A leaky bucket of CPU time: collection fills it, the program drains it.

    While it is full, `limiting` is true and nobody assists. Times are CPU ns except `now`.
    """

    gomaxprocs: int
    capacity_per_proc: Nanoseconds = CAPACITY_PER_PROC
    fill: Nanoseconds = 0
    overflow: Nanoseconds = 0
    limiting: bool = False
    gc_enabled: bool = False
    last_update: Nanoseconds = 0
    last_enabled_cycle: int = 0
    """Cycle during which it last began to limit (/gc/limiter/last-enabled:gc-cycle)."""
    cycles: int = 0
    """Cycles that have ended, as the owner counts them."""
    _assist_time: Nanoseconds = 0
    _idle_time: Nanoseconds = 0
    _transitioning: bool = False

    @property
    def capacity(self) -> Nanoseconds:
        """One CPU second per P."""
        return self.gomaxprocs * self.capacity_per_proc

    def start_gc_transition(self, enable_gc: bool, now: Nanoseconds) -> None:
        """The world is stopped to begin or end marking: until the finish, all time is the GC's."""
        if self._transitioning or self.gc_enabled == enable_gc:
            raise ModelError("limiter: a GC transition to the state it is in already")
        self.update(now)
        self.gc_enabled = enable_gc
        self._transitioning = True

    def finish_gc_transition(self, now: Nanoseconds) -> None:
        """The world runs again."""
        if not self._transitioning:
            raise ModelError("limiter: a GC transition ends that did not begin")
        if now >= self.last_update:
            self._accumulate(0, (now - self.last_update) * self.gomaxprocs)
        self.last_update = now
        self._transitioning = False

    def need_update(self, now: Nanoseconds) -> bool:
        """The last update is more than 10 ms ago."""
        return now - self.last_update > UPDATE_PERIOD

    def add_assist_time(self, ns: Nanoseconds) -> None:
        """Time of mark or scavenge assists."""
        self._assist_time += ns

    def add_idle_time(self, ns: Nanoseconds) -> None:
        """Time in which a P was idle, or marked because it was idle."""
        self._idle_time += ns

    def update(self, now: Nanoseconds) -> None:
        """Account for the time since the last update."""
        if self._transitioning or now < self.last_update:
            return
        window = (now - self.last_update) * self.gomaxprocs
        self.last_update = now
        assist, self._assist_time = self._assist_time, 0
        idle, self._idle_time = self._idle_time, 0
        gc = assist + (int(window * BACKGROUND_UTILIZATION) if self.gc_enabled else 0)
        self._accumulate(window - idle - gc, gc)

    def reset_capacity(self, now: Nanoseconds, gomaxprocs: int) -> None:
        """GOMAXPROCS has changed."""
        self.update(now)
        self.gomaxprocs = gomaxprocs
        if self.fill > self.capacity:
            self.fill = self.capacity
            self._enable()
        elif self.fill < self.capacity:
            self.limiting = False

    def _accumulate(self, mutator: Nanoseconds, gc: Nanoseconds) -> None:
        headroom = self.capacity - self.fill
        was_full = headroom == 0
        change = gc - mutator
        if change > 0 and headroom <= change:
            self.overflow += change - headroom
            self.fill = self.capacity
            if not was_full:
                self._enable()
            return
        self.fill = max(self.fill + change, 0)
        if change != 0 and was_full:
            self.limiting = False

    def _enable(self) -> None:
        self.limiting = True
        self.last_enabled_cycle = self.cycles + 1
