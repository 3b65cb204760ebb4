"""Marking as a flow: work falls at the rate of those who mark, and the heap grows meanwhile."""

from __future__ import annotations

import math
from typing import Final

from sim.fluid.assists import Assists
from sim.fluid.flow import Flow
from sim.fluid.fractional_workers import Schedule
from sim.fluid.loads import OpenFlow
from sim.fluid.mark_opening import opening
from sim.fluid.mark_phase import Markers, MarkPhaseState
from sim.fluid.mark_schedules import STRATA, MarkSchedules
from sim.fluid.plan import Plan
from sim.fluid.sources import MIN_RATE_PER_NS
from sim.go.assist import OVER_ASSIST_WORK
from sim.go.markwork import SCAN_ORDER
from sim.go.sysmon import TIME_SLICE
from sim.machine.profile import MachineProfile
from sim.runtime.state import GC, Process, Settings

STEPS: Final = 8
"""The work is done in at least so many steps. A judgement; fewer moves assists and the heap at the
end."""
MIN_PS: Final = 1 / 100
"""Ps that mark at least, for the length of steps. Guards against dividing by nothing."""
UNEVEN: Final = 1 / 10
"""Of the room for growth while marking, the standard deviation of what is allocated; with more,
bursts are looked at. A judgement; larger passes over bursts."""


class MarkingFlow:
    """One mark phase."""

    def __init__(self, flow: Flow, gc: GC, settings: Settings, machine: MachineProfile) -> None:
        self._phase = phase = MarkPhaseState.of(gc, settings.gomaxprocs)
        self._flow, self._gc, self._pacer, self._ps = flow, gc, gc.pacer, phase.ps
        self._machine, self._wake_ns = machine, machine.sched.wake_ns
        self._cpu = gc.cycle.cpu
        self._assists = Assists(flow, gc, phase, on=settings.switches.assists)
        self.paid = 1.0
        """Share of the program that has credit in the end; the others are parked."""
        self._assisting = 0.0
        """Goroutines that assisted at a time in the last step."""
        self._schedules: list[Schedule] = []
        self._program, self._marking_ps = 0.0, float(phase.ps)
        """Ps on which the program ran in the last step, and so many whose marking was done."""
        self._uneven = self._is_uneven()
        self._late_ns = self._late_ps = 0.0
        """CPU-ns that goroutines want on top of the average, and the Ps on which they run."""

    def run(self) -> Process[None]:
        """Mark to the end."""
        phase = self._phase
        if phase.share:
            self._schedules = MarkSchedules(phase, self._flow, self._wake_ns).ways()
        if phase.left >= 1:
            yield from self._open()
        unseen_ns = self._unseen_ns()
        for source in self._flow.sources:
            source.wait_for_timers(unseen_ns)
        last = self._last_pieces()
        while phase.left - last >= 1:
            yield from self._step(last, extra=self._late_ps)
        yield from self._tail()
        for source in self._flow.sources:
            source.look_at_timers()

    def _unseen_ns(self) -> float:
        """How late a timer is seen that fires while all Ps are taken.

        Neither goroutines nor mark workers look at timers, but a P does that schedules: when its
        goroutine blocks or ends, or an idle worker's time slice is over.
        """
        plan = self._flow.plan(self._ps)
        if not self._phase.timers_unseen(self._flow, plan):
            return 0.0
        return 1 / (plan.ready + (self._ps - self._phase.dedicated) / TIME_SLICE)

    def _last_pieces(self) -> float:
        """Work that is in hands when the last piece has been taken: of each marker, a half."""
        phase = self._phase
        markers = min(max(self._ps - self._program, 1.0), phase.course.at_a_time(phase.units - 0.5))
        return min(markers * phase.course.poll(phase.units) / 2, phase.units / 2)

    def _open(self) -> Process[None]:
        """Until the first pieces are done there is no credit: see `opening`."""
        flow, phase = self._flow, self._phase
        begin = opening(phase, flow, self._wake_ns, self._pacer.assist_work_per_byte)
        self._late_ns, self._late_ps = begin.late_ns, begin.late_ps
        assisted, end = self._cpu["assist"], flow.now + begin.length
        phase.assigned -= begin.asleep * begin.late
        while flow.now < end and phase.left >= 1:
            least = begin.least - (self._cpu["assist"] - assisted)
            yield from self._step(
                0.0, end - flow.now, 1 - begin.late, least, begin.extra, begin.own
            )
        phase.assigned += begin.asleep * begin.late

    def _tail(self) -> Process[None]:
        """There is nothing left to take: who needs credit and finds none waits for the end.

        That is when all Ps have told that they have nothing left either. Where there is hardly any
        worker, goroutines assist.
        """
        flow, phase = self._flow, self._phase
        plan = flow.planned
        idle = phase.idle_workers(self._ps - phase.background - plan.program, phase.background)
        workers = phase.background + idle
        busy = phase.left * phase.unit_ns(max(workers - 1, 0.0))
        elapsed = busy * 2 / (workers + 1) if workers > MIN_PS else busy
        if workers > MIN_PS:
            self._book(phase.left, elapsed, idle, 0.0, (workers + 1) / 2 / workers)
        else:
            self._book(phase.left, elapsed, 0.0, busy, 0.0)
        phase.left = 0.0
        elapsed += self._machine.stw.ragged_barrier_ns
        self.paid = self._assists.paid(plan, elapsed)
        yield from flow.advance(elapsed, self.paid)

    # -- a step ------------------------------------------------------------------------------

    def _step(
        self,
        until: float,
        longest: float = 0.0,
        awake: float = 1.0,
        least: float = 0.0,
        extra: float = 0.0,
        own: float = 0.0,
    ) -> Process[None]:
        """Some time at constant rates, until so much work is left at most.

        Goroutines assist for `least` CPU-ns at any rate, on `extra` Ps more than on average.
        """
        flow, phase = self._flow, self._phase
        soon = longest or phase.units * phase.mean / self._marking_ps / STEPS
        plan = self._plan(soon)
        self._program = plan.program
        marks = self._markers(plan, awake, extra, own)
        work = phase.left - max(until, phase.same)
        elapsed = self._length(plan, marks, longest, soon, work)
        supply = marks.workers * elapsed / marks.unit_ns
        assist = self._assists.needed(
            min(plan.program + extra, max(phase.at_a_time - marks.workers, 0.0)) * elapsed,
            marks.owed_per_ns,
            0.0 if longest else supply,
            marks.assist_ns,
            least,
        )
        done = supply + assist / marks.assist_ns
        part = min(1.0, work / done) if done > 0 else 1.0
        elapsed, assist, done = elapsed * part, assist * part, done * part
        self._book(done, elapsed, marks.idle, assist)
        yield from self._advance(plan, elapsed, assist, done, extra)
        phase.left -= done
        self._marking_ps = max(done * phase.per_unit / elapsed, phase.share * self._ps, MIN_PS)
        if self._late_ps and not longest:
            self._late_ns -= self._late_ps * elapsed
            self._late_ps = self._late_ps if self._late_ns > 1 else 0.0
        flow.idle_ns += max(self._ps - marks.workers - plan.program, 0.0) * elapsed

    def _plan(self, soon: float) -> Plan:
        """What the program gets in the next ns beside workers, and how many of these there are."""
        flow, phase = self._flow, self._phase
        computing = len(phase.computing(flow))
        for schedule in self._schedules:
            schedule.run(computing, flow.now - phase.begun, phase.poll_ns, phase.piece_ns)
        waiting = 0.0
        if self._schedules:
            marked = max(self._marked(soon) - self._cpu["fractional"], 0.0)
            phase.fractional = min(marked / soon, max(phase.pieces - phase.dedicated, 0.0))
            waiting = (self._waited(soon) - self._waited(0.0)) / soon
        return flow.plan(self._ps - phase.background, waiting)

    def _markers(self, plan: Plan, awake: float, extra: float, own: float) -> Markers:
        """Who marks beside the program; of idle workers, such a share is awake.

        So are all on so many Ps that had no need to wake up.
        """
        phase, procs, program = self._phase, self._ps, plan.program
        computing = len(phase.computing(self._flow))
        free = procs - phase.background - program - extra
        idle = phase.idle_workers(free, phase.background)
        idle = max(idle * awake, min(own - phase.fractional, idle))
        workers = phase.background + idle
        owed_per_ns = self._assists.owed(plan) / max(program, 1e-9)
        paid = owed_per_ns * program * phase.per_unit <= workers
        if paid:
            self._assisting = 0.0
        beside = self._beside(workers + self._assisting, idle, program - computing)
        # Goroutines run out of credit together, and so they assist at the same time.
        others = min(workers + max(program - 1, 0.0), procs - 1)
        return Markers(
            idle, workers, phase.unit_ns(beside), phase.unit_ns(others), owed_per_ns, paid
        )

    def _length(
        self, plan: Plan, marks: Markers, longest: float, soon: float, work: float
    ) -> float:
        """ns of a step."""
        able = marks.workers / marks.unit_ns + self._assisting / marks.assist_ns
        able = able or plan.program / marks.assist_ns
        if not able:  # nobody marks yet, and nobody runs
            return max(min(longest or plan.until, plan.until), 1.0)
        steps = STEPS if not marks.paid or self._uneven else 1
        elapsed = min(longest or self._phase.units / able / steps, work / able, plan.until)
        if self._late_ps and not longest:
            elapsed = min(elapsed, self._late_ns / self._late_ps)
        if self._schedules:
            elapsed = min(elapsed, soon)
        return max(elapsed, 1.0)

    def _advance(
        self, plan: Plan, elapsed: float, assist: float, done: float, extra: float
    ) -> Process[None]:
        """Time passes; what has been allocated is paid for, be it more than on average."""
        assists, available = self._assists, (plan.program + extra) * elapsed
        share = 1 - assist / available if available > 0 else 1.0
        if self._phase.at_a_time < self._ps:  # who finds no work to assist with waits for credit
            share = min(share, assists.covered(plan, elapsed, done))
        per_byte, before = self._pacer.assist_work_per_byte, self._pacer.heap_live
        yield from self._flow.advance(elapsed, share)
        allocated = self._pacer.heap_live - before
        slots = allocated * plan.slots / max(plan.live, 1e-9)
        expected = plan.live * elapsed * share
        more = allocated / expected if expected > 0 else 1.0
        assists.credit += done - slots * per_byte - assists.lost() * elapsed * share * more
        self._assisting = assist / elapsed

    def _beside(self, markers: float, idle: float, requests: float) -> float:
        """How many others mark while one marks, on average.

        Of N that mark at a time, one sees E[N (N - 1)] / E[N] others. Idle workers have all Ps that
        the program leaves, which change with its requests. Where it leaves none, goroutines and
        workers take turns on each P.
        """
        ps = self._ps - self._phase.dedicated
        changing = max(requests, 0.0) if idle else markers - self._phase.dedicated
        variance = changing * max(1 - changing / ps, 0.0) if ps else 0.0
        return max(markers - 1 + variance / max(markers, MIN_RATE_PER_NS), 0.0)

    def _is_uneven(self) -> bool:
        """Whether chance decides how near the heap comes to its goal, or how long credit lasts."""
        phase, pacer = self._phase, self._pacer
        ns = phase.left * phase.mean / self._ps
        live = credit = 0.0
        for source in self._flow.sources:
            if isinstance(source, OpenFlow) and not source.regular:
                visit = source.visit
                live += source.speed * (1 + visit.scatter) * visit.prices.live**2
                credit += source.speed * visit.allocating_runs * OVER_ASSIST_WORK**2
        room = pacer.heap_goal() - pacer.heap_live
        return math.sqrt(live * ns) > UNEVEN * room or (
            self._assists.on and math.sqrt(credit * ns) > UNEVEN * phase.left
        )

    # -- books -------------------------------------------------------------------------------

    def _book(
        self, done: float, elapsed: float, idle: float, assist: float, busy: float = 1.0
    ) -> None:
        """Write down who marked; workers were busy for a part of the time."""
        limiter, cpu = self._gc.limiter, self._cpu
        self._scan(int(done))
        elapsed *= busy
        fractional_ns, idle_ns = self._split(elapsed, idle)
        cpu["dedicated"] += self._phase.dedicated * elapsed
        cpu["fractional"] += fractional_ns
        cpu["idle"] += idle_ns
        cpu["assist"] += assist
        limiter.add_assist_time(int(assist))
        limiter.add_idle_time(int(idle_ns))
        if limiter.need_update(int(self._flow.now)):
            limiter.update(int(self._flow.now))

    def _scan(self, units: int) -> None:
        """So much work is done: globals and stacks first."""
        left = self._gc.cycle.scan_left
        for part in SCAN_ORDER:
            mine = left[part]
            if mine and units:
                mine = min(units, mine)
                left[part] -= mine
                self._pacer.add_scan_work(part, mine)
                units -= mine

    def _split(self, elapsed: float, idle: float) -> tuple[float, float]:
        """CPU-ns of fractional and of idle workers: on a P that idles, they take turns."""
        fractional = self._phase.fractional
        both = (fractional + idle) * elapsed
        if not (self._schedules and idle):
            return fractional * elapsed, idle * elapsed
        mine = min(self._marked(elapsed) - self._cpu["fractional"], both)
        return mine, both - mine

    def _marked(self, elapsed: float) -> float:
        """CPU-ns that fractional workers have marked when so much time has passed."""
        until = self._flow.now - self._phase.begun + elapsed
        return sum(schedule.marked(until) for schedule in self._schedules) / len(STRATA)

    def _waited(self, elapsed: float) -> float:
        """Goroutine-ns that computing goroutines have waited behind workers by then."""
        until = self._flow.now - self._phase.begun + elapsed
        return sum(schedule.waited(until) for schedule in self._schedules) / len(STRATA)
