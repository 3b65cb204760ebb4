"""The program as the collector sees it: sources of work that stand still and go on."""

from __future__ import annotations

import math

import numpy as np

from sim.fluid.flow import Flow
from sim.fluid.in_flight import StackMemory
from sim.fluid.marking import MarkingFlow
from sim.fluid.plan import Plan
from sim.machine.profile import MachineProfile
from sim.runtime.interfaces import AssistCounts, GoroutineCounts
from sim.runtime.state import GC, Process, Settings
from sim.runtime.stopping import time_to_restart, time_to_stop, woken_to_mark
from sim.units import Bytes

ALL_BUSY = 0.999
"""Share of the Ps from which on all of them count as busy, and none by chance. Chosen as a rounding
error below 1."""


class Rates:
    """See `sim.runtime.interfaces.Mutator`."""

    def __init__(
        self,
        flow: Flow,
        gc: GC,
        settings: Settings,
        machine: MachineProfile,
        stacks: StackMemory,
        rng: np.random.Generator,
        *,
        wakes_workers: bool,
    ) -> None:
        self._flow, self._gc, self._machine, self._costs = flow, gc, machine, machine.stw
        self._settings, self._ps, self._stacks = settings, settings.gomaxprocs, stacks
        self._stops, self._rng = settings.switches.stop_the_world, rng
        self._wakes_workers = wakes_workers
        """Whether idle Ps get workers when the world starts, as since Go 1.26."""
        self._others = 0
        """Ps beside that of the stopping goroutine that have to be stopped."""
        self._stop_ns = 0.0
        self._stopped_since = 0.0
        self._paid = 1.0
        """Share of the program that was not parked for credit when marking ended."""

    def begin_cycle(self) -> None:
        """See `Mutator`: credit is counted anew in every mark phase."""

    def stop(self, reason: str, g: object) -> Process[float]:
        """See `Mutator`."""
        flow = self._flow
        self._stopped_since = flow.now
        if reason == "mark termination":
            plan = flow.plan(self._ps)
            parked = plan.program * (1 - self._paid)
            self._others = max(self._busy(plan, -parked) - (plan.program < self._ps), 0)
        else:
            by_allocation = reason == "heap"
            flow.observe_in_flight(by_allocation=by_allocation)
            left = self._left_behind(flow.planned) if by_allocation else 0.0
            self._others = self._busy(flow.planned, left)
        self._stop_ns = 0.0
        if self._stops:
            self._stop_ns = time_to_stop(self._others, self._costs, self._rng)
            yield from flow.stand_still(self._stop_ns)
        return self._stop_ns

    def _busy(self, plan: Plan, early: float = 0.0) -> int:
        """Ps beside that of the stopping goroutine on which something runs, or which wake up.

        Poisson distributed: requests in service that come at random and find idle Ps are an M/G/oo
        queue (Mirasol 1963). Cut off at all Ps, which is where that ceases to hold.
        """
        ps = self._ps
        busy = max(plan.program + self._waking(plan) + early, 0.0)
        if busy >= ps * ALL_BUSY:
            return ps - 1
        return min(int(self._rng.poisson(busy)), ps - 1)

    def _waking(self, plan: Plan) -> float:
        """Ps that wake up for goroutines that have become runnable: the rate of these times how
        long it takes (Little 1961), where a P idles.
        """
        ps, wake_ns = self._ps, self._machine.sched.wake_ns
        return min(plan.ready * wake_ns, ps) * max(1 - plan.program / ps, 0.0)

    def _left_behind(self, plan: Plan) -> float:
        """What an allocation that triggers makes of the Ps that are busy beside its own.

        Whoever starts to run early was taken from a P that is still waking up for it. One of a few
        goroutines is one of those that are busy on average; a request comes on top of them, but the
        next of regular ones is still far.

        With P(ready) = 1 - exp(-r w), that some P wakes up (r become ready a ns, waking takes w):
        P(ready) (1 - later / live) less, for the share of a source in what is allocated, its busy
        Ps over its goroutines. For open sources at random (Slivnyak's theorem: a request sees the
        others as they are on average) nothing more is taken off.
        """
        ready = -math.expm1(-plan.ready * self._machine.sched.wake_ns)
        left = early = ready * (1 - plan.later / max(plan.live, 1e-9))
        for source in self._flow.sources:
            share = source.speed * source.visit.prices.live / max(plan.live, 1e-9)
            busy = source.speed * source.visit.prices.ns
            left -= share * busy / source.number_of_goroutines
            if source.regular:
                mine = source.speed * source.visit.runs / max(plan.ready, 1e-12)
                left -= share * (busy + mine * (self._waking(plan) + early))
        return left

    def restart_ns(self) -> float:
        """See `Mutator`: meanwhile goroutines become runnable, and idle Ps are woken for them."""
        flow, gc = self._flow, self._gc
        woken = int(self._rng.poisson(flow.planned.ready * self._stop_ns))
        others = min(self._others + woken, self._ps - 1)
        if self._wakes_workers:
            others += woken_to_mark(self._ps - 1 - others, gc.dedicated_needed, gc.fraction)
        return time_to_restart(others, self._costs)

    def stand_still(self, ns: float) -> Process[None]:
        """See `Mutator`."""
        yield from self._flow.stand_still(ns)

    def start(self) -> float:
        """See `Mutator`."""
        return self._flow.now - self._stopped_since

    def book_idle(self) -> None:
        """See `Mutator`: it is told at every step."""

    def begin_marking(self) -> None:
        """See `Mutator`."""
        flow = self._flow
        flow.slow_down(self._gc.slowdown, self._gc.write_ns, self._machine.alloc.marking_ns)
        flow.draw_arrivals()

    def mark(self) -> Process[None]:
        """See `Mutator`."""
        gc = self._gc
        marking = MarkingFlow(self._flow, gc, self._settings, self._machine)
        yield from marking.run()
        self._paid = marking.paid
        for part, left in gc.cycle.scan_left.items():
            if left:
                gc.pacer.add_scan_work(part, left)
        gc.cycle.scan_left.clear()
        for kind, ns in gc.cycle.cpu.items():
            gc.pacer.add_mark_time(kind, int(ns))
            gc.cpu[kind] += ns

    def end_marking(self) -> None:
        """See `Mutator`."""
        self._flow.average_arrivals()

    def stacks(self) -> Bytes:
        """See `Mutator`."""
        return self._stacks.allocated(self._flow.in_flight)

    def stack_size(self) -> Bytes:
        """See `Mutator`."""
        return self._stacks.starting_size

    def assists(self) -> AssistCounts | None:
        """See `Mutator`."""
        return None

    def idle_ns(self) -> float:
        """See `Mutator`."""
        return self._flow.idle_ns

    def population(self) -> GoroutineCounts:
        """See `Mutator`."""
        in_flight = self._flow.in_flight
        goroutines = round(in_flight.goroutines)
        running = round(min(in_flight.running, self._ps))
        return GoroutineCounts(goroutines, None, None, running, max(goroutines - running, 0))
