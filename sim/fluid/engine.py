"""A program under the Go runtime as rates: from instant to instant that matters."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import simpy

from sim.engine.clock import Clock
from sim.fluid.cohorts import Cohort
from sim.fluid.demand import Visit, VisitCompiler
from sim.fluid.footprint import Footprint
from sim.fluid.in_flight import InFlight, StackMemory, in_flight
from sim.fluid.plan import Plan
from sim.fluid.retention import Memoryless, Retained
from sim.fluid.slots import SlotAccounts
from sim.fluid.sources import ClosedFlow, Source
from sim.fluid.spans import Floats, SpanModel
from sim.go.stack import fits
from sim.go.sysmon import PERIOD
from sim.machine.price import OS_PAGE
from sim.machine.profile import MachineProfile
from sim.runtime.state import GC, CgroupLimits, Process, Settings
from sim.streams import Streams
from sim.units import MAX_INT64, SECOND, KiB

LONGEST_STEP: Final = SECOND
"""ns between two looks at who runs. A judgement; longer delays what comes by the clock."""
STRETCH: Final = 32 * KiB
"""Bytes that a goroutine allocates in one go (`MIN_STRETCH` of the detailed mode); moves by how
much heap_live passes the trigger."""
SNAPSHOT_MAX_AGE_NS: Final = SECOND // 4
"""How old the number in flight may be that samples tell. A judgement; longer repeats the same
number of goroutines."""
LOOKS_PER_CYCLE: Final = 8
"""How often a memory limit is looked at on the way to the trigger. Chosen so that a limit is passed
by an eighth of a cycle at most; fewer moves peak RSS under a limit."""


class Flow:
    """The program of one run. Time in ns; `now` is simulated time."""

    compiler: VisitCompiler

    def __init__(
        self,
        clock: Clock,
        gc: GC,
        container: CgroupLimits,
        settings: Settings,
        machine: MachineProfile,
        spans: SpanModel,
        slots: SlotAccounts,
        stacks: StackMemory,
        footprint: Footprint,
        streams: Streams,
        finished: simpy.Event,
    ) -> None:
        self._clock, self._gc, self._pacer, self._container = clock, gc, gc.pacer, container
        self._settings, self._machine, self._ps = settings, machine, settings.gomaxprocs
        self._spans, self._slots, self._stacks = spans, slots, stacks
        self._footprint, self._finished = footprint, finished
        self._rng, self._looks = streams["crowd"], streams["sysmon"]
        self.sources: list[Source] = []
        """Who runs. Written by the flow; sources are asked and told by it and by `Marking`."""
        self.retained: list[Retained] = []
        """Who keeps objects. Written by the build and by cohorts."""
        self.mortal: list[Memoryless] = []
        """Of these, the ones whose objects have exponential lifetimes. Written by the build."""
        self.forced = False
        """Somebody has called runtime.GC."""
        self.idle_ns = 0.0
        """Idle time of all Ps since the start, CPU-ns. Written by the flow and by `Marking`."""
        self.planned = Plan(program=0.0)
        self._slowdown, self._write_ns = 1.0, 0.0
        self._in_flight, self._observed_at = InFlight(), -math.inf
        self._carry = [0.0, 0.0]
        self._expected = np.zeros(len(spans.slot))
        self._ns, self._live = spans.expect(self._expected, 0.0, limited=False)
        self._marking_ns = 0.0
        self._sweeper: ClosedFlow | None = None
        self._sweep_paces = False
        self._step_begun: float | None = None
        """When the step under way began, outside of a cycle."""
        self._process: simpy.Process | None = None

    @property
    def now(self) -> float:
        """Simulated time."""
        return self._clock.now

    # -- what cohorts and loads ask for ------------------------------------------------------

    def start(self, source: Source) -> None:
        """A source begins now."""
        self.sources.append(source)
        if isinstance(source, Cohort):
            self._take_stacks(source)
        self.price(source.visit)

    def _take_stacks(self, cohort: Cohort) -> None:
        """A cohort comes with its stacks; memory that was never used is touched on the way."""
        footprint, size = self._footprint, self._stacks.size_for(cohort.stack)
        self.see()
        cohort.pay_start(max(size - footprint.usable / cohort.members, 0.0))

    def collect(self) -> int:
        """See `CohortHost`: one that is under way is not enough (runtime/mgc.go: GC)."""
        self.forced = True
        return self._gc.cycles + 1 + self._gc.running

    def price(self, visit: Visit) -> None:
        """Find out what a visit costs and moves now."""
        prices, spans = visit.prices, self._spans
        ns = visit.cpu * self._slowdown + visit.writes * self._write_ns
        ns += visit.starts * self._growth_ns(visit)
        ns += visit.touched / OS_PAGE * self._machine.page.fault_ns
        live = scan = slot_bytes = later = 0.0
        for use in visit.uses:
            ns += use.slots * (self._ns[use.mix] + self._marking_ns)
            nbytes = use.slots * self._live[use.mix]
            live += nbytes
            later += max(nbytes - STRETCH, 0.0)
            scan += use.slots * spans.scan_per_slot[use.mix]
            slot_bytes += use.slots * spans.slot_bytes[use.mix]
        prices.ns, prices.live, prices.scan = max(ns, 1.0), live, scan
        prices.slot_bytes, prices.later = slot_bytes, later

    def _growth_ns(self, visit: Visit) -> float:
        """A stack that is too small is copied to one of twice the size (runtime/stack.go)."""
        mark, size, ns = self._machine.mark, self._stacks.starting_size, 0.0
        while not fits(size, visit.stack):
            ns += mark.stack_ns + size * mark.stack_byte_ns
            size *= 2
        return ns

    def settle(self, source: Source) -> None:
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

    # -- steps -------------------------------------------------------------------------------

    def expect(self, slots: Floats) -> None:
        """Prices after a cycle; so many slots by class will be taken until the next."""
        self._expected = slots
        room = self._footprint.usable
        limited = room < self._footprint.free
        self._ns, self._live = self._spans.expect(slots, room, limited=limited)
        self.slow_down(1.0, 0.0, 0.0)

    def allocating_ps(self) -> float:
        """Ps over which allocation is spread: one goroutine stays where it is."""
        procs, live = self._ps, 0.0
        if not self.planned.live:
            return procs
        for source in self.sources:
            mine = source.speed * source.visit.prices.live
            live += mine * min(source.number_of_goroutines, procs)
        return max(live / self.planned.live, 1.0)

    def expect_visits(self, visit: Visit, members: float, visits: float) -> None:
        """Goroutines begin to allocate what nobody expected: free memory does not last.

        Their caches fill, and heap_live is ahead.
        """
        spans, footprint, procs = self._spans, self._footprint, self._ps
        by_mix = [0.0] * len(spans.slot_bytes)
        for use in visit.uses:
            by_mix[use.mix] += use.slots * visits
        slots = spans.per_class(by_mix)
        room = max(float(self._pacer.heap_goal() - self._pacer.heap_live), STRETCH)
        slots *= min(room / max(float(slots @ spans.live), 1.0), 1.0)
        new = (slots > 1) & (self._expected < 1)
        if new.any():
            self._pacer.update(int(spans.cached(slots * new, min(members, procs), math.inf)), 0)
            self.see()
            self.settle_all()
            taken = spans.per_class(self._slots.taken)
            self._expected = np.maximum(slots, self._expected)
            self._ns, self._live = spans.expect(
                self._expected, footprint.usable, taken, limited=footprint.usable < footprint.free
            )
        self.price(visit)

    def start_sweeping(self, ns: float) -> None:
        """The background sweeper has so much to do; on a P that idles, nobody notices."""
        room, plan = self._gc.trigger_at - self._pacer.heap_live, self.planned
        if plan.program + 1 <= self._ps and plan.live * ns < room:
            self.idle_ns -= ns
            return
        self._sweep_paces = room > 0
        self._sweeper = ClosedFlow(Visit(cpu=ns), self.now, 1.0, visits=1.0)
        self.start(self._sweeper)

    def sweep_what_is_left(self) -> Process[None]:
        """A cycle starts: who allocates has swept what the background sweeper left (mgcsweep.go).

        On the way to the trigger, everybody has paid for it; it comes all at once here. Where the
        trigger has been passed from the start, one goroutine sweeps, and others run meanwhile.
        """
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is None or sweeper.ended:
            return
        self.sources.remove(sweeper)
        sweeping = max(self.planned.allocating, 1.0)
        left = sweeper.left * sweeper.visit.prices.ns / sweeping
        if self._sweep_paces:
            yield from self.stand_still(left)
            return
        while left >= 1:
            plan = self.plan(max(self._ps - sweeping, 0.0))
            elapsed = max(min(left, plan.until), 1.0)
            yield from self.advance(elapsed)
            left -= elapsed

    def draw_arrivals(self) -> None:
        """Requests come by chance from now on."""
        for source in self.sources:
            source.by_chance = True

    def average_arrivals(self) -> None:
        """As many requests come from now on as are expected."""
        for source in self.sources:
            source.by_chance = False

    def slow_down(self, slowdown: float, write_ns: float, slot_ns: float) -> None:
        """What computing, writing a pointer and allocating a slot cost more from now on."""
        self._slowdown, self._write_ns, self._marking_ns = slowdown, write_ns, slot_ns
        for source in self.sources:
            self.price(source.visit)

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
            until = min(until, source.change(speed))
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
        self._integrate(elapsed, share)

    def _integrate(self, elapsed: float, share: float = 1.0) -> None:
        """Book what has happened in the last so many ns, at the rates that were planned."""
        live, scan = self._carry
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

    # -- between cycles ----------------------------------------------------------------------

    def run(self, finished: Callable[[], bool], sample: Callable[[], None]) -> Process[None]:
        """From step to step until the time is over, or the work is done; cycles in between."""
        gc, end = self._gc, float(self._settings.duration)
        self._process = self._clock.active_process
        sample()
        while self.now < end - 1 and not finished():
            if not self.forced:
                yield from self._step(end)
            if self._finished.triggered:
                return
            reason = "" if gc.running else self._wanted()
            if reason or gc.running:
                ended = gc.ended
                if not gc.running:
                    gc.request(reason)
                yield ended
                for cohort in self.cohorts():
                    cohort.cycle_ended(gc.cycles)
            sample()
        self._finished.succeed()

    def _wanted(self) -> str:
        """Why a cycle is to start now; empty if none is."""
        if self.forced:
            self.forced = False
            return "forced"
        return "heap" if self._pacer.heap_live >= self._gc.trigger_at - 1 else ""

    def _step(self, end: float) -> Process[None]:
        """Time passes up to the next instant that matters, or until somebody starts a cycle."""
        settings, pacer = self._settings, self._pacer
        plan, trigger = self.plan(self._ps), self._gc.trigger_at
        rate = plan.live
        elapsed = min(plan.until, end - self.now, LONGEST_STEP)
        room = trigger - pacer.heap_live
        if rate > 0:
            # A trigger that has been passed already waits for the next allocation.
            due = room / rate if room > 0 else max(1 - plan.allocating, 0.0) * plan.pause_ns
            elapsed = min(elapsed, due + 1.0)
            if settings.memory_limit < MAX_INT64:
                elapsed = min(elapsed, self._cycle_length() / LOOKS_PER_CYCLE / rate)
            if self._container.memory is not None:
                elapsed = min(elapsed, max(self._container.left / 2, 1 << 18) / rate)
        elapsed = max(elapsed, 1.0)
        self._step_begun = self.now
        try:
            yield self._clock.timeout(elapsed)
        except simpy.Interrupt:
            return
        self._step_begun = None
        self._pass(elapsed)

    def catch_up(self) -> None:
        """Somebody else starts a cycle, or the run ends: the step that is under way ends here."""
        if self._step_begun is None:
            return
        elapsed, self._step_begun = self.now - self._step_begun, None
        self._pass(elapsed)
        if self._process is not None:
            self._process.interrupt()

    def _pass(self, elapsed: float) -> None:
        """A step between cycles is over."""
        idle = (self._ps - self.planned.program) * elapsed
        self.idle_ns += idle
        self._gc.limiter.add_idle_time(int(idle))
        self._integrate(elapsed)
        self._look_at_memory(elapsed)

    def _cycle_length(self) -> float:
        pacer = self._pacer
        return max(float(min(pacer.heap_goal(), 1 << 44) - pacer.heap_marked), float(1 << 20))

    def _look_at_memory(self, elapsed: float) -> None:
        footprint = self._footprint
        footprint.pass_time(elapsed)
        limited = self._settings.memory_limit < MAX_INT64
        if limited or self._container.memory is not None:
            footprint.keep_below_limit()
            self._container.look()
            self._gc.trigger_at = self._pacer.trigger()[0]

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
