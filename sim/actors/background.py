"""The runtime's own goroutines: bgsweep, bgscavenge, and the one that calls finalizers."""

from __future__ import annotations

from typing import Final

import simpy

from sim.actors.goroutines import Goroutines
from sim.actors.scavenging import Scavenging
from sim.actors.scheduler import Scheduler
from sim.actors.state import Body, G
from sim.actors.sweeping import Sweeping
from sim.engine.clock import ProcessClock
from sim.go.mheap import MHeap
from sim.go.sweep import BACKGROUND_BATCH
from sim.machine.profile import SweepCosts
from sim.runtime.memory import MemoryAccounts
from sim.runtime.state import GC
from sim.units import MS, Nanoseconds
from sim.workload.finalizers import Finalizers
from sim.workload.ledger import Ledger

SWEEP_TURN: Final[Nanoseconds] = MS
"""Longest turn of the sweeper while nobody waits. What it sweeps counts from its beginning. A
judgement, short beside a cycle; longer makes swept spans available too early."""
FINALIZER_TURN: Final[Nanoseconds] = MS // 4
"""Computing before the finalizer goroutine looks whether others want its P. A judgement, short
beside a time slice; longer keeps a P from others."""


class Sweeper:
    """Sweeps spans while nobody needs them yet (runtime/mgcsweep.go: bgsweep)."""

    def __init__(
        self,
        g: G,
        heap: MHeap,
        sweeping: Sweeping,
        sched: Scheduler,
        goroutines: Goroutines,
        scavenger: Scavenger,
        costs: SweepCosts,
    ) -> None:
        self._g, self._heap, self._sweeping = g, heap, sweeping
        self._sched, self._goroutines, self._scavenger = sched, goroutines, scavenger
        self._longest_turn = int(SWEEP_TURN / costs.span_ns)
        """Spans."""

    def start(self) -> None:
        """Its goroutine begins, and waits for a cycle to end."""
        self._g.body = self._body()
        self._goroutines.spawn(self._g, None)

    def wake(self) -> None:
        """As the next to run on some P."""
        if self._g.waiting:
            self._goroutines.unblock(self._g, None)

    def _body(self) -> Body:
        """What it does after every cycle."""
        while True:
            self._goroutines.block(self._g)
            yield None
            while not self._heap.sweeping.done:
                yield from self.sweep(self._g, "background")
            self._scavenger.wake()

    def sweep(self, g: G, who: str) -> Body:
        """A goroutine sweeps what is left of this cycle: ten spans, then way for others.

        When nobody waits for its P, it does many tens in one go.
        """
        heap, sched = self._heap, self._sched
        cycle = heap.sweeping.generation
        while not heap.sweeping.done and heap.sweeping.generation == cycle:
            assert g.p is not None
            limit = BACKGROUND_BATCH if sched.others_wait(g.p) else self._longest_turn
            swept, freed = heap.sweep_some(limit)
            self._sweeping.note(who, swept, freed)
            ns = max(1, self._sweeping.ns(swept, freed))
            g.alloc += ns
            yield ns
            if sched.others_wait(g.p):
                sched.requeue(g, g.p)
                yield None


class Scavenger:
    """1 % of the CPU: a little work and a long sleep (runtime/mgcscavenge.go: bgscavenge)."""

    def __init__(
        self, clock: ProcessClock, goroutines: Goroutines, scavenging: Scavenging, gomaxprocs: int
    ) -> None:
        self._g = G(0, "bgscavenge", system=True)
        self._clock, self._goroutines = clock, goroutines
        self._scavenging, self._ps = scavenging, gomaxprocs

    def start(self, accounts: MemoryAccounts) -> None:
        """Its goroutine begins, and waits for a sweep to end."""
        self._g.body = self._body(accounts)
        self._goroutines.spawn(self._g, None)

    def wake(self) -> None:
        """When a sweep has ended, free memory may be left over; that cuts its sleep short too."""
        if self._scavenging.on and self._g.waiting:
            self._goroutines.unblock(self._g, None)

    def _body(self, accounts: MemoryAccounts) -> Body:
        """What it does whenever it is woken."""
        scavenging, clock = self._scavenging, self._clock
        pace = scavenging.pace
        while True:
            self._goroutines.block(self._g)
            yield None
            while not scavenging.goals_reached(accounts):
                released, worked = pace.run(
                    scavenging.scavenge, lambda: scavenging.goals_reached(accounts)
                )
                if not released:
                    break
                yield max(1, worked)
                scavenging.cpu_ns["background"] += worked
                slept = clock.now
                yield from self._sleep(pace.sleep_time(worked))
                pace.woke(worked, clock.now - slept, self._ps)

    def _sleep(self, ns: Nanoseconds) -> Body:
        """Block for a time, or until somebody wakes the goroutine (scavengerState.sleep)."""
        g, begun = self._g, self._clock.now
        self._goroutines.block(g)

        def ring(_: simpy.Event) -> None:
            if g.waiting and g.blocked_at == begun:
                self._goroutines.unblock(g, None)

        timer = self._clock.timeout(ns)
        assert timer.callbacks is not None
        timer.callbacks.append(ring)
        yield None


class FinalizerCaller:
    """Calls all finalizers, one after the other (runtime/mfinal.go: runFinalizers)."""

    def __init__(
        self,
        gc: GC,
        heap: MHeap,
        finalizers: Finalizers,
        ledger: Ledger,
        goroutines: Goroutines,
        run_ns: float,
    ) -> None:
        self._g = G(0, "finalizers", system=True)
        self._gc, self._heap = gc, heap
        self._finalizers, self._ledger, self._goroutines = finalizers, ledger, goroutines
        self._run_ns = run_ns
        """What a call takes beside what the program does in it, ns."""

    def start(self) -> None:
        """Its goroutine begins, and waits for finalizers."""
        self._g.body = self._body()
        self._goroutines.spawn(self._g, None)

    def queue_swept(self) -> None:
        """Spans have been swept: their finalizers are due (mgcsweep.go: sweep, queuefinalizer)."""
        finalizers, heap = self._finalizers, self._heap
        if finalizers.swept == finalizers.due:
            return
        done = heap.sweeping.done
        finalizers.sweep(1.0 if done else min(heap.stats.pages_swept / finalizers.pages, 1.0))
        if finalizers.waiting and self._g.waiting:
            self._goroutines.unblock(self._g, None)

    def _body(self) -> Body:
        """What it does whenever finalizers are due."""
        finalizers = self._finalizers
        while True:
            self._goroutines.block(self._g)
            yield None
            while finalizers.waiting:
                each = finalizers.waiting_ns / finalizers.waiting * self._gc.slowdown
                each += self._run_ns
                number = max(1, min(int(FINALIZER_TURN / each), finalizers.waiting))
                yield from compute(self._g, max(1, round(number * each)))
                finalizers.run(number, self._ledger)


def compute(g: G, ns: Nanoseconds) -> Body:
    """Compute in turns, after each of which the goroutine can be preempted."""
    while ns:
        turn = min(ns, FINALIZER_TURN)
        g.on_cpu += turn
        yield turn
        ns -= turn
