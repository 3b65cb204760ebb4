"""One cycle of a flow: the stops, marking as a flow of work, and what sweeping leaves."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field
from typing import Final

from sim.fluid.crowd import Crowd
from sim.fluid.engine import Flow
from sim.fluid.keepers import Keeper
from sim.fluid.marking import Marking
from sim.fluid.parts import Plan
from sim.go.mheap import PAGE
from sim.go.pacer import ScanPart, check


@dataclass
class CycleFacts:
    """What is being measured of a cycle (ns, bytes)."""

    number: int
    reason: str
    started: float
    trigger: int
    heap_start: int
    mark_started: float = 0.0
    mark_ended: float = 0.0
    ended: float = 0.0
    goal: int = 0
    heap_end: int = 0
    heap_marked: int = 0
    black: int = 0
    scannable: int = 0
    scan_expected: int = 0
    cons_mark: float = 0.0
    limit_goal: bool = False
    ratio_start: float = 0.0
    ratio_end: float = 0.0
    stop_start: float = 0.0
    pause_start: float = 0.0
    stop_end: float = 0.0
    pause_end: float = 0.0
    stacks: int = 0
    freed_spans: float = 0.0
    freed_bytes: float = 0.0
    swept: float = 0.0
    scan: dict[ScanPart, int] = field(default_factory=dict)
    cpu: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(("assist", "dedicated", "fractional", "idle"), 0.0)
    )


class Collection:
    """One cycle."""

    def __init__(self, flow: Flow, reason: str) -> None:
        self._flow, self._parts = flow, flow.parts
        flow.sweep_what_is_left()
        flow.settle_all()
        self.facts = CycleFacts(
            flow.cycles + 1, reason, flow.now, flow.trigger(), flow.pacer.heap_live
        )
        self._rng = flow.parts.streams["stops"]

    def run(self) -> CycleFacts:
        """From the first stop until the world runs again."""
        flow, parts = self._flow, self._parts
        there = flow.look_around(by_allocation=self.facts.reason == "heap")
        self._begin(flow.planned, there)
        concurrent = parts.switches.concurrent and parts.barrier.shaded_pointers
        if concurrent:
            self._mark()
        else:
            self._mark_while_stopped()
        self._end()
        return self.facts

    def _stop(self, others: int) -> float:
        """Stop the world; ns until all Ps stand still."""
        costs = self._parts.machine.stw
        if not self._parts.switches.stop_the_world:
            return 0.0
        typical = costs.stop_ns
        if others:
            typical += costs.stop_other_ns + costs.stop_per_p_ns * (others - 1)
        return typical * float(self._rng.lognormal(0.0, costs.stop_sigma))

    def _others(self, plan: Plan, early: float = 0.0) -> int:
        """Ps beside that of the stopping goroutine on which something runs, or which wake up."""
        procs = self._parts.procs
        busy = max(plan.program + self._waking(plan) + early, 0.0)
        if busy >= procs * 0.999:
            return procs - 1
        return min(int(self._rng.poisson(busy)), procs - 1)

    def _waking(self, plan: Plan) -> float:
        """Ps that wake up for goroutines that have become runnable."""
        procs, wake_ns = self._parts.procs, self._parts.machine.sched.wake_ns
        return min(plan.ready * wake_ns, procs) * max(1 - plan.program / procs, 0.0)

    def _left_behind(self, plan: Plan) -> float:
        """What an allocation that triggers makes of the Ps that are busy beside its own.

        Whoever starts to run early was taken from a P that is still waking up for it. One of a few
        goroutines is one of those that are busy on average; a request comes on top of them, but the
        next of regular ones is still far.
        """
        ready = -math.expm1(-plan.ready * self._parts.machine.sched.wake_ns)
        left = early = ready * (1 - plan.later / max(plan.live, 1e-9))
        for task in self._flow.tasks:
            share = task.speed * task.visit.prices.live / max(plan.live, 1e-9)
            busy = task.speed * task.visit.prices.ns
            left -= share * busy / task.number_of_goroutines
            if task.regular:
                mine = task.speed * task.visit.runs / max(plan.ready, 1e-12)
                left -= share * (busy + mine * (self._waking(plan) + early))
        return left

    def _begin(self, plan: Plan, there: Crowd) -> None:
        flow, parts, facts = self._flow, self._parts, self.facts
        by_allocation = facts.reason == "heap"
        others = self._others(plan, self._left_behind(plan) if by_allocation else 0.0)
        facts.stop_start = self._stop(others)
        parts.limiter.start_gc_transition(enable_gc=True, now=int(flow.now))
        self._snapshot(there)
        facts.scannable, facts.scan_expected = flow.pacer.heap_scan, flow.pacer.scan_expected
        flow.pacer.start_cycle(int(facts.started), parts.procs, periodic=facts.reason == "time")
        facts.ratio_start = flow.pacer.assist_work_per_byte
        facts.pause_start = facts.stop_start
        if parts.switches.stop_the_world:
            stw = parts.machine.stw
            # Meanwhile goroutines become runnable, and idle Ps are woken for them.
            woken = int(self._rng.poisson(plan.ready * facts.stop_start))
            restart = stw.restart_per_p_ns * min(others + woken, parts.procs - 1)
            facts.pause_start += stw.start_work_ns + restart
        flow.stand_still(facts.pause_start)
        parts.limiter.finish_gc_transition(int(flow.now))
        facts.mark_started = flow.now

    def _snapshot(self, there: Crowd) -> None:
        """What is reachable now survives; count the work of marking it."""
        flow, parts, model = self._flow, self._parts, self._flow.spans
        self._taken_before = list(flow.taken)
        self._spans = model.in_use(model.per_class(flow.taken))
        self._live, work = flow.snapshots.take(self._keepers(there), self._spans)
        self._empty = work.empty
        scan: dict[ScanPart, int] = {
            "globals": parts.globals_bytes, "stack": int(there.stack_used),
            "heap": round(work.scan_bytes),
        }  # fmt: skip
        self.facts.scan = scan
        self._left = dict(scan)
        mark = parts.machine.mark
        self._units = float(sum(scan.values()))
        self._cpu = work.cpu_ns + mark.cycle_ns + scan["globals"] * mark.root_byte_ns
        self._stacks_ns = there.goroutines * mark.stack_ns + scan["stack"] * mark.stack_byte_ns
        self._cpu += self._stacks_ns
        self._crowding = work.crowding_ns / max(self._cpu, 1.0)
        flow.pacer.set_stacks(flow.stacks.allocated(there))

    def _keepers(self, there: Crowd) -> list[Keeper]:
        found = [*self._flow.keepers]
        for mix, slots in there.held.items():
            keeper = Keeper(mix, there.bursts.get(mix, 1.0))
            keeper.slots = slots
            found.append(keeper)
        return found

    # -- marking -----------------------------------------------------------------------------

    def _mark(self) -> None:
        flow, parts, on = self._flow, self._parts, self._parts.switches
        machine = parts.machine
        shaded = parts.barrier.shaded_pointers if on.write_barrier else 0
        flow.slow_down(
            machine.mutator.slowdown if on.mutator_slowdown else 1.0,
            machine.barrier.pointer_ns * shaded, machine.alloc.marking_ns,
        )  # fmt: skip
        flow.come_by_chance()
        Marking(
            flow, self._left, self._cpu, self.facts.cpu, self.facts.started,
            crowding=self._crowding, by_allocation=self.facts.reason == "heap",
        ).run()  # fmt: skip
        flow.come_as_on_average()
        self._book_rest()

    def _book_rest(self) -> None:
        for part, work in self._left.items():
            if work:
                self._flow.pacer.add_scan_work(part, work)
        self._left.clear()

    def _mark_while_stopped(self) -> None:
        ns = self._cpu / self._parts.procs
        self._book_rest()
        self.facts.cpu["dedicated"] = self._cpu
        self._flow.stand_still(ns)
        self.facts.pause_start += ns
        self.facts.mark_started = self._flow.now

    # -- the end -----------------------------------------------------------------------------

    def _end(self) -> None:
        flow, parts, facts = self._flow, self._parts, self.facts
        facts.mark_ended = flow.now
        flow.settle_all()
        plan = flow.plan(parts.procs)
        others = max(self._others(plan) - (plan.program < parts.procs), 0)
        facts.stop_end = self._stop(others)
        facts.heap_end = flow.pacer.heap_live
        facts.ratio_end = flow.pacer.assist_work_per_byte
        parts.limiter.start_gc_transition(enable_gc=False, now=int(flow.now))
        flow.pacer.end_cycle(int(facts.mark_ended), parts.procs)
        facts.cons_mark = flow.pacer.old_cons_mark
        facts.limit_goal = flow.pacer.limit_in_force
        facts.goal = flow.pacer.heap_goal()
        black = [0.0] * len(flow.taken)
        if parts.switches.black_allocation:
            black = list(map(operator.sub, flow.taken, self._taken_before))
        self._sweep(black)
        facts.pause_end = facts.stop_end + self._stopped_work()
        flow.stand_still(facts.pause_end)
        self._commit()
        parts.limiter.finish_gc_transition(int(flow.now))
        facts.ended = flow.now
        parts.limiter.cycles = facts.number

    def _stopped_work(self) -> float:
        """What is done with the world stopped when marking has ended (ns)."""
        parts = self._parts
        ns = parts.machine.stw.termination_work_ns if parts.switches.stop_the_world else 0.0
        if parts.barrier.rescans_stacks:
            ns += self._stacks_ns / parts.procs
        if not parts.switches.lazy_sweep:
            ns += self._sweep_ns() / parts.procs
        return ns

    def _sweep_ns(self) -> float:
        """CPU time of sweeping all spans, of which some go back to the page heap."""
        costs = self._parts.machine.sweep
        return self.facts.swept * costs.span_ns + self.facts.freed_spans * costs.freed_span_ns

    def _sweep(self, black: list[float]) -> None:
        """Marked slots stay; the others are free from here on."""
        flow, facts, spans = self._flow, self.facts, self._flow.spans
        now = spans.in_use(spans.per_class(flow.taken))
        before = flow.pacer.heap_marked + spans.nbytes(flow.taken)
        facts.black = int(spans.nbytes(black))
        facts.heap_marked = int(spans.nbytes(self._live) + spans.nbytes(black))
        facts.freed_bytes = max(before - facts.heap_marked, 0.0)
        spans.sweep(now, self._empty, spans.per_class(self._live), spans.per_class(black))
        facts.swept, _, in_use = spans.totals(now)
        self._in_use = int(in_use)
        self._parts.footprint.map_for(self._in_use)
        facts.freed_spans = max(facts.swept - spans.totals(spans.spans)[0], 0.0)
        self._seen = flow.taken
        flow.total_taken = list(map(operator.add, flow.total_taken, flow.taken))
        flow.taken = [0.0] * len(flow.taken)

    def _commit(self) -> None:
        flow, parts, facts = self._flow, self._parts, self.facts
        pacer, spans = flow.pacer, flow.spans
        pacer.reset_live(facts.heap_marked)
        there = flow.there
        flow.stacks.end_cycle(there)
        facts.stacks = flow.stacks.allocated(there)
        footprint = parts.footprint
        footprint.see(flow)
        footprint.tell(flow)
        swept = not parts.switches.lazy_sweep or facts.swept < 1
        pacer.commit(sweep_done=swept)
        check(pacer, "pacer")
        goal = flow.aim()
        footprint.end_cycle(flow, goal, facts.goal, self._in_use)
        room = min(max(float(goal - pacer.heap_live), float(PAGE)), 2.0**44)
        seen = self._seen
        if spans.nbytes(seen) < room / 4:
            seen = flow.total_taken
        ps = flow.allocating_ps()
        expected, ahead = spans.taken_within(seen, room, ps, self._stretches(ps))
        flow.expect(expected)
        if not swept:
            flow.start_sweeping(self._sweep_ns())
        pacer.update(int(ahead), 0)
        self._refill_pools(there)

    def _stretches(self, ps: float) -> float:
        """Independent stretches of work of each of so many Ps, by byte of heap_live.

        The P that parked last is the first to be woken, and so one run follows the other on the
        same P until another one overlaps them, and parks later in half of the cases. Ps that never
        idle get the same.
        """
        plan, procs = self._flow.planned, self._parts.procs
        if not plan.ready or not plan.live:
            return MANY
        busy_ns = plan.program / plan.ready + self._parts.machine.sched.wake_ns
        in_a_row = 2 / -math.expm1(-plan.ready * busy_ns)
        clumps = (2 * in_a_row - 1 - in_a_row / procs) * max(1 - plan.program / procs, 0.0)
        return plan.ready / (plan.live * ps * max(clumps, 1.0))

    def _refill_pools(self, there: Crowd) -> None:
        """Objects that pools will have to allocate until the next cycle."""
        flow = self._flow
        since = max(flow.now - flow.last_end, 1.0)
        for name, pool in self._parts.pools.items():
            lent, variance, time, limit = there.lent.get(name, (0.0, 0.0, 1.0, 0.0))
            spread = math.sqrt(variance)
            looks = since / max(time, 1.0) + 1.0
            chance = SPREAD_OF_MOST * float(self._parts.streams["pools"].standard_normal())
            most = min(lent + spread * (math.sqrt(2 * math.log(looks)) + chance), limit)
            new = max(most - pool.slots, 0.0)
            pool.slots = most
            flow.taken[pool.mix] += new
            flow.pacer.update(int(new * flow.spans.slot_bytes[pool.mix]), 0)


MANY: Final = 1.0
"""Stretches a byte: nothing comes by chance."""
SPREAD_OF_MOST: Final = 0.5
"""Of the largest of some ten normal quantities, in standard deviations of one."""
