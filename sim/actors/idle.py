"""For how long Ps idle, and telling the CPU limiter of it."""

from __future__ import annotations

from sim.actors.scheduler import Scheduler
from sim.actors.state import P
from sim.engine.clock import ProcessClock
from sim.go.limiter import GCCPULimiter
from sim.units import Nanoseconds


class IdleTime:
    """Idle time of all Ps.

    A stopped world is no idle time: Ps that idle are taken from the idle list (runtime/proc.go:
    stopTheWorldWithSema), and all of the pause counts as GC time.
    """

    def __init__(self, clock: ProcessClock, sched: Scheduler, limiter: GCCPULimiter) -> None:
        self._clock, self._sched, self._limiter = clock, sched, limiter

    def begin(self, p: P) -> None:
        """The P idles from now on."""
        p.parked_at = self._clock.now

    def _until(self) -> Nanoseconds:
        """Up to when Ps that are parked have idled: now, or when the world was stopped."""
        return self._sched.stopped_since if self._sched.stopped else self._clock.now

    def book(self, p: P) -> None:
        """The P has idled since it parked, or since this was booked last."""
        idle = max(self._until() - p.parked_at, 0)
        p.idle_ns += idle
        p.parked_at += idle
        self._limiter.add_idle_time(idle)

    def book_all(self) -> None:
        """Ps that idle have done so up to now: the limiter asks (mgclimit.go: updateLocked).

        What it hears of only later would count as negative time of the program.
        """
        for p in self._sched.ps:
            if p.doing == "parked":
                self.book(p)

    def end_stop(self) -> None:
        """The world goes on now, and so does the idling of its Ps."""
        self.book_all()
        for p in self._sched.ps:
            if p.doing == "parked":
                p.parked_at = self._clock.now

    def total(self) -> Nanoseconds:
        """Idle time of all Ps since the start."""
        until, idle = self._until(), 0
        for p in self._sched.ps:
            idle += p.idle_ns + (max(until - p.parked_at, 0) if p.doing == "parked" else 0)
        return idle
