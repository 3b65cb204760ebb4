"""A program under the Go runtime as rates: who runs, and what that moves."""

from __future__ import annotations

import math
from typing import Final

from sim.engine.clock import Clock
from sim.fluid.cohorts import Cohort
from sim.fluid.demand import VisitCompiler
from sim.fluid.footprint import Footprint
from sim.fluid.in_flight import InFlight, StackMemory, in_flight
from sim.fluid.plan import Plan
from sim.fluid.pricing import Pricing
from sim.fluid.retention import Memoryless, Retained
from sim.fluid.slots import SlotAccounts
from sim.fluid.sources import VisitSource
from sim.fluid.spans import Floats, SpanModel
from sim.fluid.visit import Visit
from sim.go.sysmon import PERIOD
from sim.machine.profile import MachineProfile
from sim.runtime.state import GC, Process
from sim.streams import Streams
from sim.units import SECOND, Bytes, KiB

STRETCH: Final = 32 * KiB
"""Bytes that a goroutine allocates in one go (`MIN_STRETCH` of the detailed mode); moves by how
much heap_live passes the trigger."""
SNAPSHOT_MAX_AGE_NS: Final = SECOND // 4
"""How old the number in flight may be that samples tell. A judgement; longer repeats the same
number of goroutines."""


class Flow:
    """The program of one run. Time in ns; `now` is simulated time."""

    compiler: VisitCompiler

    def __init__(
        self,
        clock: Clock,
        gc: GC,
        ps: int,
        machine: MachineProfile,
        spans: SpanModel,
        slots: SlotAccounts,
        stacks: StackMemory,
        footprint: Footprint,
        streams: Streams,
    ) -> None:
        self._clock, self._gc, self._pacer = clock, gc, gc.pacer
        self._machine, self._ps = machine, ps
        self._spans, self._slots, self._stacks = spans, slots, stacks
        self._footprint = footprint
        self._pricing = Pricing(machine, spans, stacks, STRETCH)
        self._rng, self._looks = streams["in_flight"], streams["sysmon"]
        self.sources: list[VisitSource] = []
        """Who runs. Written by the flow; sources are asked and told by it and by `MarkingFlow`."""
        self.retained: list[Retained] = []
        """Who keeps objects. Written by the build and by cohorts."""
        self.mortal: list[Memoryless] = []
        """Of these, the ones whose objects have exponential lifetimes. Written by the build."""
        self.forced = False
        """Somebody has called runtime.GC. Taken back by `BetweenCycles`."""
        self.idle_ns = 0.0
        """Idle time of all Ps since the start, CPU-ns. Written by `BetweenCycles`, `MarkingFlow`
        and `BackgroundSweep`."""
        self.planned = Plan(program=0.0)
        self._in_flight, self._observed_at = InFlight(), -math.inf
        self._share = 1.0
        """Of their Ps, what sources got in the last step; the rest, they assisted."""
        self._carry = [0.0, 0.0]
        """Parts of a byte of heap_live and heap_scan that the pacer has not been told of."""

    @property
    def now(self) -> float:
        """Simulated time."""
        return self._clock.now

    # -- what cohorts and loads ask for ------------------------------------------------------

    def start(self, source: VisitSource) -> None:
        """A source begins now."""
        self.sources.append(source)
        if isinstance(source, Cohort):
            self._take_stacks(source)
        self._pricing.price(source.visit)

    def _take_stacks(self, cohort: Cohort) -> None:
        """A cohort comes with its stacks; memory that was never used is touched on the way."""
        footprint, size = self._footprint, self._stacks.size_for(cohort.stack)
        self.see()
        cohort.pay_start(max(size - footprint.usable / cohort.members, 0.0))

    def collect(self) -> int:
        """See `CohortHost`: one that is under way is not enough (runtime/mgc.go: GC)."""
        self.forced = True
        return self._gc.cycles + 1 + self._gc.running

    def set_gc_percent(self, percent: int) -> None:
        """See `CohortHost`."""
        self._gc.set_gc_percent(percent)

    def set_memory_limit(self, limit: Bytes) -> None:
        """See `CohortHost`."""
        self._gc.set_memory_limit(limit)

    def cycle_under_way(self) -> int:
        """See `CohortHost`."""
        return (self._gc.cycles + 1) * self._gc.running

    def settle(self, source: VisitSource) -> None:
        """Book what a source has allocated since it was last asked."""
        done, source.done = source.done, 0.0
        if done:
            for use in source.visit.uses:
                slots = use.slots * done
                self._slots.taken[use.mix] += slots
                if use.holder is not None:
                    use.holder.add(slots)

    def until_look(self) -> float:
        """See `CohortHost`: sysmon sleeps while all Ps idle, and looks a period after they wake.

        It does so where nobody else has run for a period. Others come by chance, and so its looks
        are at any instant (runtime/proc.go: sysmon).
        """
        alone = math.exp(-self.planned.ready * PERIOD)
        if not self.now or (self.planned.program < 1 and self._looks.random() < alone):
            return float(PERIOD)
        return float(PERIOD * self._looks.random())

    def settle_all(self) -> None:
        """Book what all have allocated."""
        for source in self.sources:
            self.settle(source)

    def see(self) -> None:
        """The books of memory are those of this instant."""
        if self.now != self._footprint.seen_at:
            self.settle_all()
            self._footprint.see(self.now, self.in_flight)

    # -- prices ------------------------------------------------------------------------------

    def expect(self, slots: Floats) -> None:
        """Prices after a cycle; so many slots by class will be taken until the next."""
        footprint = self._footprint
        limited = footprint.usable < footprint.free
        self._pricing.expect(slots, footprint.usable, limited=limited)
        self.slow_down(1.0, 0.0, 0.0)

    def slow_down(self, slowdown: float, write_ns: float, slot_ns: float) -> None:
        """What computing, writing a pointer and allocating a slot cost more from now on."""
        self._pricing.slow_down(slowdown, write_ns, slot_ns)
        for source in self.sources:
            self._pricing.price(source.visit)

    def expect_visits(self, visit: Visit, members: float, visits: float) -> None:
        """Goroutines begin to allocate what nobody expected: free memory does not last.

        Their caches fill, and heap_live is ahead.
        """
        pacer, spans, footprint = self._pacer, self._spans, self._footprint
        room = max(float(pacer.heap_goal() - pacer.heap_live), STRETCH)
        slots, new = self._pricing.unexpected(visit, visits, room)
        if new.any():
            pacer.update(int(spans.cached(new, min(members, self._ps), math.inf)), 0)
            self.see()
            self.settle_all()
            taken = spans.per_class(self._slots.taken)
            limited = footprint.usable < footprint.free
            self._pricing.expect_more(slots, taken, footprint.usable, limited=limited)
        self._pricing.price(visit)

    # -- steps -------------------------------------------------------------------------------

    def allocating_ps(self) -> float:
        """Ps over which allocation is spread: one goroutine stays where it is."""
        procs, live = self._ps, 0.0
        if not self.planned.live:
            return procs
        for source in self.sources:
            mine = source.speed * source.visit.prices.live
            live += mine * min(source.number_of_goroutines, procs)
        return max(live / self.planned.live, 1.0)

    def draw_arrivals(self) -> None:
        """Requests come by chance from now on."""
        for source in self.sources:
            source.by_chance = True

    def average_arrivals(self) -> None:
        """As many requests come from now on as are expected."""
        for source in self.sources:
            source.by_chance = False

    def _wake_ns(self) -> float:
        """How long a goroutine waits for a P that wakes up for it, or for one that is free before.

        A P that has nothing left to run looks for others' goroutines (runtime/proc.go: stealWork).
        """
        ready, wake_ns = self.planned.ready, self._machine.sched.wake_ns
        return -math.expm1(-ready * wake_ns) / ready if ready else wake_ns

    def plan(self, ps: float, waiting: float = 0.0) -> Plan:
        """What the sources want of so many Ps, and what they get.

        So many of their goroutines wait at any time, although there are Ps.
        """
        procs, now, wake_ns = self._ps, self.now, self._wake_ns()
        ps = max(ps, 0.0)  # workers may take all of them, and a rounding error more
        wanted = 0.0
        for source in self.sources:
            source.wake_ns = wake_ns
            source.plan(now, procs)
            wanted += source.wanted
        ps = min(ps, max(wanted - waiting, 0.0))
        scale = ps / wanted if wanted > ps else 1.0
        until, ready = math.inf, 0.0
        allocating = visits = soon = live = slots = later = 0.0
        for source in self.sources:
            prices = source.visit.prices
            source.speed = speed = source.wanted * scale / prices.ns
            ready += speed * source.visit.runs
            until = min(until, source.change(speed, self._share))
            if prices.slot_bytes:
                allocating += source.wanted * scale
                visits += speed
                soon += 2 * speed if source.regular else speed
                live += speed * prices.live
                slots += speed * prices.slot_bytes
                later += speed * prices.later
        pause_ns = 1 / soon if soon else math.inf
        self.planned = Plan(
            min(wanted, ps), allocating, until, ready, visits, pause_ns, live, slots, later
        )
        return self.planned

    def advance(self, elapsed: float, share: float = 1.0) -> Process[None]:
        """Let time pass as planned; sources get only this share of their Ps."""
        yield self._clock.timeout(elapsed)
        self.integrate(elapsed, share)

    def integrate(self, elapsed: float, share: float = 1.0) -> None:
        """Book what has happened in the last so many ns, at the rates that were planned."""
        live, scan = self._carry
        self._share = share
        now, ended = self.now, []
        for source in list(self.sources):
            prices = source.visit.prices
            move, scanned = prices.live, prices.scan
            done = source.advance(now, elapsed, source.speed * share)
            live += done * move
            scan += done * scanned
            if source.ended:
                ended.append(source)
        for source in ended:
            self.settle(source)
            self.sources.remove(source)
        whole_live, whole_scan = int(live), int(scan)
        self._carry = [live - whole_live, scan - whole_scan]
        self._pacer.update(whole_live, whole_scan)
        self._age(elapsed)

    def _age(self, elapsed: float) -> None:
        """Objects with exponential lifetimes die; what was allocated meanwhile is younger."""
        if self.mortal:
            self.settle_all()
            for holder in self.mortal:
                holder.age(elapsed)

    def stand_still(self, elapsed: float) -> Process[None]:
        """The world is stopped for so long."""
        yield self._clock.timeout(elapsed)
        for source in self.sources:
            source.stopped(elapsed)
        self._age(elapsed)

    def observe_in_flight(self, *, by_allocation: bool = False) -> InFlight:
        """Who is there now; an allocation may be what asks."""
        self._in_flight = in_flight(self.sources, self._rng, by_allocation=by_allocation)
        self._observed_at = self.now
        return self._in_flight

    @property
    def in_flight(self) -> InFlight:
        """Who was there a little while ago at most."""
        if self.now - self._observed_at > SNAPSHOT_MAX_AGE_NS:
            self.observe_in_flight()
        return self._in_flight

    def cohorts(self) -> list[Cohort]:
        """Scripted goroutines."""
        return [source for source in self.sources if isinstance(source, Cohort)]
