"""Background mark workers: dedicated, fractional and idle (runtime/mgc.go: gcBgMarkWorker)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import simpy

from sim.actors.mark_accounts import MarkAccounts
from sim.actors.scheduler import Scheduler
from sim.actors.state import MarkState, P
from sim.engine.clock import ProcessClock
from sim.go.markwork import FRACTIONAL_SLACK
from sim.runtime.state import GC, Process
from sim.units import Bytes, Nanoseconds

WITHOUT_GOROUTINES: Final = ("parked", "stopped", "waking")
"""What Ps do while the world is stopped; the goroutines of some are in their queues."""
Worker: TypeAlias = Callable[[P], Process[None]]


class MarkWorkers:
    """Which P marks when, and marking there."""

    def __init__(
        self, clock: ProcessClock, gc: GC, mark: MarkState, sched: Scheduler, accounts: MarkAccounts
    ) -> None:
        self._clock, self._gc, self._mark = clock, gc, mark
        self._sched, self._accounts = sched, accounts

    def begin_cycle(self) -> None:
        """No P has marked yet."""
        for p in self._sched.ps:
            p.fractional_ns, p.dedicated = 0, False

    # -- who marks ---------------------------------------------------------------------------

    def find(self, p: P) -> Worker | None:
        """While marking, a worker ahead of all goroutines (mgcpacer.go: findRunnableGCWorker)."""
        gc = self._gc
        if p.dedicated:
            p.dedicated = False
            return self.dedicated_worker
        if not self._accounts.available():
            return None
        if gc.dedicated_needed > 0:
            gc.dedicated_needed -= 1
            return self.dedicated_worker
        fraction = gc.fraction
        if fraction == 0.0:
            return None
        elapsed = self._clock.now - gc.cycle.started
        if elapsed > 0 and p.fractional_ns > fraction * elapsed:
            return None
        return self.fractional_worker

    def mark_while_idle(self) -> bool:
        """May an idle P mark?"""
        gc, mark = self._gc, self._mark
        return gc.marking and mark.idle_workers < gc.max_idle_workers and self._accounts.available()

    def assign(self) -> None:
        """Dedicated workers take Ps without goroutines first (runtime/proc.go: procresize)."""
        gc = self._gc
        for p in self._sched.ps:
            if gc.dedicated_needed and p.doing in WITHOUT_GOROUTINES and not len(p.runq):
                gc.dedicated_needed -= 1
                p.dedicated = True

    # -- marking -----------------------------------------------------------------------------

    def dedicated_worker(self, p: P) -> Process[None]:
        """Marks until there is no work; at the end of a slice the P's goroutines go to others."""
        p.doing = "dedicated"
        gc = self._gc
        while gc.marking and (claimed := self._accounts.claim(self._accounts.piece())):
            yield from self._mark_on(p, claimed, "dedicated")
            if self._clock.now >= p.slice.end:
                self._sched.hand_off(p)
        gc.dedicated_needed += 1

    def fractional_worker(self, p: P) -> Process[None]:
        """Marks until the P has spent 1.2 times its share on it."""
        p.doing = "fractional"
        gc, share = self._gc, FRACTIONAL_SLACK * self._gc.fraction
        while gc.marking:
            allowed = share * (self._clock.now - gc.cycle.started) - p.fractional_ns
            wanted = int(allowed / (1 - share) / self._accounts.rate())
            wanted = max(min(wanted, self._accounts.piece()), self._accounts.poll())
            claimed = self._accounts.claim(wanted)
            if not claimed:
                return
            p.fractional_ns += yield from self._mark_on(p, claimed, "fractional")
            if p.fractional_ns > share * (self._clock.now - gc.cycle.started):
                self._accounts.leave()
                return

    def idle_worker(self, p: P) -> Process[None]:
        """Marks on an otherwise idle P until other work shows up, or its time slice is over.

        It looks at the global queue and at its own (runtime/proc.go: pollWork).
        """
        p.doing = "idle"
        gc, mark = self._gc, self._mark
        mark.idle_workers += 1
        while gc.marking and (claimed := self._accounts.claim(self._accounts.piece())):
            yield from self._mark_on(p, claimed, "idle")
            if self._sched.others_wait(p) or self._clock.now >= p.slice.end:
                self._accounts.leave()
                break
        mark.idle_workers -= 1

    def _mark_on(self, p: P, claimed: Bytes, kind: str) -> Process[Nanoseconds]:
        """Do a claim, or as much of it as an interruption leaves; returns its time in ns.

        Only idle workers are interrupted, and notice it at their next poll.
        """
        clock, mark, accounts = self._clock, self._mark, self._accounts
        ns, poll = accounts.mark_ns(claimed), accounts.poll(claimed)
        begun, since = clock.now, clock.process_time
        mark.markers += 1
        p.interruptible = kind == "idle"
        done = claimed
        try:
            yield clock.work(ns)
        except simpy.Interrupt:
            marked = clock.process_time - since
            until_poll = min(-marked % max(1, round(poll * ns / claimed)), ns - marked)
            if until_poll:
                yield clock.work(until_poll)
            done = int(claimed * (clock.process_time - since) / ns)
        p.interruptible = False
        mark.markers -= 1
        elapsed = clock.now - begun
        accounts.book(kind, elapsed)
        accounts.flush_background_credit(done)
        accounts.finish_claim(claimed, done)
        return elapsed
