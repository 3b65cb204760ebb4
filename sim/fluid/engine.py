"""A program under the Go runtime as rates: from instant to instant that matters."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.fluid.crowd import Crowd, StackMemory, crowd
from sim.fluid.keepers import Keeper
from sim.fluid.parts import Parts, Plan
from sim.fluid.scripts import Script
from sim.fluid.snapshot import Snapshots
from sim.fluid.spans import OS_PAGE, Floats
from sim.fluid.tasks import ClosedFlow, Task
from sim.fluid.visits import Visit, VisitCompiler
from sim.go.stack import fits
from sim.units import MINUTE, SECOND, KiB

LONGEST_STEP: Final = SECOND
FORCE_PERIOD: Final = 2 * MINUTE
NO_LIMIT: Final = (1 << 63) - 1
STRETCH: Final = 32 * KiB
"""A goroutine allocates so much in one go."""
SOON: Final = SECOND // 4
LOOKS_PER_CYCLE: Final = 8
"""How often a memory limit is looked at on the way to the trigger."""


class Flow:
    """One run. Time in ns; `now` is simulated time."""

    compiler: VisitCompiler

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.pacer, self.spans = parts.pacer, parts.spans
        self.snapshots = Snapshots(parts.spans, parts.marker, parts.machine.mark)
        self.now = 0.0
        self.tasks: list[Task] = []
        self.keepers: list[Keeper] = []
        self.stacks = StackMemory(parts.procs + 3)
        self.wanted_cycle = ""
        self.verdict = ""
        self.steps = 0
        mixes = len(self.spans.slot_bytes)
        self.taken = [0.0] * mixes
        """Slots taken by mix since the last sweep; `total_taken` since the start."""
        self.total_taken = [0.0] * mixes
        self.idle_ns = 0.0
        self.planned = Plan(program=0.0)
        self.last_end = 0.0
        self.cycles = 0
        self._slowdown, self._write_ns = 1.0, 0.0
        self._there, self._there_at = Crowd(), -math.inf
        self._carry = [0.0, 0.0]
        self._expected = np.zeros(len(self.spans.slot))
        self._ns, self._live = self.spans.expect(self._expected, 0.0, limited=False)
        self._marking_ns = 0.0
        self.aim()
        self._sweeper: ClosedFlow | None = None
        self._sweep_paces = False

    # -- what scripts and loads ask for ------------------------------------------------------

    def start(self, task: Task) -> None:
        """A task begins now."""
        self.tasks.append(task)
        if isinstance(task, Script):
            self._take_stacks(task)
        self.price(task.visit)

    def _take_stacks(self, script: Script) -> None:
        """A crowd comes with its stacks; memory that was never used is touched on the way."""
        footprint, size = self.parts.footprint, self.stacks.size_for(script.stack)
        footprint.see(self)
        script.pay_start(max(size - footprint.usable / script.crowd, 0.0))

    def collect(self) -> None:
        """A cycle is asked for."""
        self.wanted_cycle = "forced"

    def price(self, visit: Visit) -> None:
        """Find out what a visit costs and moves now."""
        prices, spans = visit.prices, self.spans
        ns = visit.cpu * self._slowdown + visit.writes * self._write_ns
        ns += visit.starts * self._growth_ns(visit)
        ns += visit.touched / OS_PAGE * self.parts.machine.page.fault_ns
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
        mark, size, ns = self.parts.machine.mark, self.stacks.starting_size, 0.0
        while not fits(size, visit.stack):
            ns += mark.stack_ns + size * mark.stack_byte_ns
            size *= 2
        return ns

    def settle(self, task: Task) -> None:
        """Book what a task has allocated since it was last asked."""
        done, task.done = task.done, 0.0
        if done:
            for use in task.visit.uses:
                slots = use.slots * done
                self.taken[use.mix] += slots
                if use.keeper is not None:
                    use.keeper.add(slots)

    def settle_all(self) -> None:
        """Book what all have allocated."""
        for task in self.tasks:
            self.settle(task)

    # -- steps -------------------------------------------------------------------------------

    def expect(self, slots: Floats) -> None:
        """Prices after a cycle; so many slots by class will be taken until the next."""
        self._expected = slots
        room = self.parts.footprint.usable
        limited = room < self.parts.footprint.free
        self._ns, self._live = self.spans.expect(slots, room, limited=limited)
        self.slow_down(1.0, 0.0, 0.0)

    def allocating_ps(self) -> float:
        """Ps over which allocation is spread: one goroutine stays where it is."""
        procs, live = self.parts.procs, 0.0
        if not self.planned.live:
            return procs
        for task in self.tasks:
            mine = task.speed * task.visit.prices.live
            live += mine * min(task.number_of_goroutines, procs)
        return max(live / self.planned.live, 1.0)

    def foresee(self, visit: Visit, crowd: float, visits: float) -> None:
        """Goroutines begin to allocate what nobody expected: free memory does not last.

        Their caches fill, and heap_live is ahead.
        """
        spans, footprint, procs = self.spans, self.parts.footprint, self.parts.procs
        by_mix = [0.0] * len(spans.slot_bytes)
        for use in visit.uses:
            by_mix[use.mix] += use.slots * visits
        slots = spans.per_class(by_mix)
        room = max(float(self.pacer.heap_goal() - self.pacer.heap_live), STRETCH)
        slots *= min(room / max(float(slots @ spans.live), 1.0), 1.0)
        new = (slots > 1) & (self._expected < 1)
        if new.any():
            self.pacer.update(int(spans.cached(slots * new, min(crowd, procs), math.inf)), 0)
            footprint.see(self)
            self.settle_all()
            taken = spans.per_class(self.taken)
            self._expected = np.maximum(slots, self._expected)
            self._ns, self._live = spans.expect(
                self._expected, footprint.usable, taken, limited=footprint.usable < footprint.free
            )
        self.price(visit)

    def start_sweeping(self, ns: float) -> None:
        """The background sweeper has so much to do; on a P that idles, nobody notices."""
        room, plan = self._trigger - self.pacer.heap_live, self.planned
        if plan.program + 1 <= self.parts.procs and plan.live * ns < room:
            self.idle_ns -= ns
            return
        self._sweep_paces = room > 0
        self._sweeper = ClosedFlow(Visit(cpu=ns), self.now, 1.0, visits=1.0)
        self.start(self._sweeper)

    def sweep_what_is_left(self) -> None:
        """A cycle starts: who allocates has swept what the background sweeper left (mgcsweep.go).

        On the way to the trigger, everybody has paid for it; it comes all at once here. Where the
        trigger has been passed from the start, one goroutine sweeps, and others run meanwhile.
        """
        sweeper, self._sweeper = self._sweeper, None
        if sweeper is None or sweeper.ended:
            return
        self.tasks.remove(sweeper)
        sweeping = max(self.planned.allocating, 1.0)
        left = sweeper.left * sweeper.visit.prices.ns / sweeping
        if self._sweep_paces:
            self.stand_still(left)
            return
        while left >= 1:
            plan = self.plan(max(self.parts.procs - sweeping, 0.0))
            elapsed = max(min(left, plan.until), 1.0)
            self.advance(elapsed)
            left -= elapsed

    def come_by_chance(self) -> None:
        """Requests come by chance from now on."""
        for task in self.tasks:
            task.by_chance = True

    def come_as_on_average(self) -> None:
        """As many requests come from now on as are expected."""
        for task in self.tasks:
            task.by_chance = False

    def slow_down(self, slowdown: float, write_ns: float, slot_ns: float) -> None:
        """What computing, writing a pointer and allocating a slot cost more from now on."""
        self._slowdown, self._write_ns, self._marking_ns = slowdown, write_ns, slot_ns
        for task in self.tasks:
            self.price(task.visit)

    def _wake_ns(self) -> float:
        """How long a goroutine waits for a P that wakes up for it, or for one that is free before.

        A P that has nothing left to run looks for others' goroutines (runtime/proc.go: stealWork).
        """
        ready, wake_ns = self.planned.ready, self.parts.machine.sched.wake_ns
        return -math.expm1(-ready * wake_ns) / ready if ready else wake_ns

    def plan(self, ps: float) -> Plan:
        """What the tasks want of so many Ps, and what they get."""
        procs, now, wake_ns = self.parts.procs, self.now, self._wake_ns()
        ps = max(ps, 0.0)  # workers may take all of them, and a rounding error more
        wanted = 0.0
        for task in self.tasks:
            task.wake_ns = wake_ns
            task.plan(now, procs)
            wanted += task.wanted
        scale = ps / wanted if wanted > ps else 1.0
        until, ready = math.inf, 0.0
        allocating = visits = soon = live = slots = later = 0.0
        for task in self.tasks:
            prices = task.visit.prices
            task.speed = speed = task.wanted * scale / prices.ns
            ready += speed * task.visit.runs
            until = min(until, task.change(speed))
            if prices.slot_bytes:
                allocating += task.wanted * scale
                visits += speed
                soon += 2 * speed if task.regular else speed
                live += speed * prices.live
                slots += speed * prices.slot_bytes
                later += speed * prices.later
        pause_ns = 1 / soon if soon else math.inf
        self.planned = Plan(
            min(wanted, ps), allocating, until, ready, visits, pause_ns, live, slots, later
        )
        return self.planned

    def advance(self, elapsed: float, share: float = 1.0) -> None:
        """Let time pass as planned; tasks get only this share of their Ps."""
        self.now += elapsed
        self.steps += 1
        live, scan = self._carry
        ended = []
        for task in list(self.tasks):
            prices = task.visit.prices
            move, scanned = prices.live, prices.scan
            done = task.advance(self.now, elapsed, task.speed * share)
            live += done * move
            scan += done * scanned
            if task.ended:
                ended.append(task)
        for task in ended:
            self.settle(task)
            self.tasks.remove(task)
        whole_live, whole_scan = int(live), int(scan)
        self._carry = [live - whole_live, scan - whole_scan]
        self.pacer.update(whole_live, whole_scan)

    def stand_still(self, elapsed: float) -> None:
        """The world is stopped for so long."""
        self.now += elapsed
        for task in self.tasks:
            task.stopped(elapsed)

    def step(self, end: float) -> None:
        """One step without marking."""
        parts, pacer = self.parts, self.pacer
        plan, trigger = self.plan(parts.procs), self._trigger
        rate = plan.live
        elapsed = min(plan.until, end - self.now, LONGEST_STEP)
        room = trigger - pacer.heap_live
        if rate > 0:
            # A trigger that has been passed already waits for the next allocation.
            due = room / rate if room > 0 else max(1 - plan.allocating, 0.0) * plan.pause_ns
            elapsed = min(elapsed, due + 1.0)
            if parts.memory_limit < NO_LIMIT:
                elapsed = min(elapsed, self._cycle_length() / LOOKS_PER_CYCLE / rate)
            if parts.container is not None:
                elapsed = min(elapsed, max(parts.footprint.left / 2, 1 << 18) / rate)
        if self.cycles and parts.gc_percent >= 0:
            elapsed = min(elapsed, max(self.last_end + FORCE_PERIOD - self.now, 0.0))
        elapsed = max(elapsed, 1.0)
        idle = (parts.procs - plan.program) * elapsed
        self.idle_ns += idle
        parts.limiter.add_idle_time(int(idle))
        self.advance(elapsed)
        self._look_at_memory(elapsed)
        if pacer.heap_live >= trigger - 1:
            self.wanted_cycle = self.wanted_cycle or "heap"
        elif self.cycles and parts.gc_percent >= 0 and self.now >= self.last_end + FORCE_PERIOD:
            self.wanted_cycle = "time"

    def _cycle_length(self) -> float:
        pacer = self.pacer
        return max(float(min(pacer.heap_goal(), 1 << 44) - pacer.heap_marked), float(1 << 20))

    def aim(self) -> int:
        """Ask the pacer for the trigger, and for the heap goal, which is returned."""
        self._trigger, goal = self.pacer.trigger()
        return goal

    def trigger(self) -> int:
        """heap_live that starts the next cycle."""
        return self._trigger

    def _look_at_memory(self, elapsed: float) -> None:
        parts = self.parts
        footprint = parts.footprint
        footprint.pass_time(elapsed, self)
        if parts.memory_limit < NO_LIMIT or parts.container is not None:
            footprint.look(self)
            self.aim()

    def look_around(self, *, by_allocation: bool = False) -> Crowd:
        """Who is there now; an allocation may be what asks."""
        rng = self.parts.streams["crowd"]
        self._there = crowd(self.tasks, rng, by_allocation=by_allocation)
        self._there_at = self.now
        return self._there

    @property
    def there(self) -> Crowd:
        """Who was there a little while ago at most."""
        if self.now - self._there_at > SOON:
            self.look_around()
        return self._there

    def scripts(self) -> list[Script]:
        """Scripted goroutines."""
        return [task for task in self.tasks if isinstance(task, Script)]
