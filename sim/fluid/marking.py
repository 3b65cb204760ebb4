"""Marking as a flow: work falls at the rate of those who mark, and the heap grows meanwhile."""

from __future__ import annotations

import math
from typing import Final, TypeAlias

from sim.fluid.cohorts import Cohort
from sim.fluid.engine import Flow
from sim.fluid.fractional_workers import (
    Schedule,
    ScheduledP,
    after_a_slice,
    at_intervals,
    by_chance,
)
from sim.fluid.plan import Plan
from sim.fluid.sources import ClosedFlow, OpenFlow
from sim.go.assist import OVER_ASSIST_WORK
from sim.go.markwork import DRAIN_CHECK, FRACTIONAL_SLACK, PIECE_NS, SCAN_ORDER
from sim.go.sysmon import PERIOD, TIME_SLICE, WHOLE_SLICE
from sim.machine.price import crowded
from sim.machine.profile import MachineProfile
from sim.runtime.state import GC, Process, Settings

STEPS: Final = 8
"""The work is done in at least so many steps. A judgement; fewer moves assists and the heap at the
end."""
PIECES: Final = 8
"""A worker takes at most this part of its share of the work at a time, so that all end together. A
judgement; fewer lengthens the tail of a mark phase."""
FRACTIONAL_USE: Final = (1 + FRACTIONAL_SLACK) / 2
"""Share of their goal that fractional workers use where goroutines change often: they begin below
it and leave at 1.2 of it (runtime/mgcmark.go: pollFractionalWorkerExit). Moves fractional CPU in
proportion."""
STRATA: Final = (0.125, 0.375, 0.625, 0.875)
"""Midpoints of four strata: a mean over times that differ by chance is that over these quantiles
(stratified sampling). Exact for what is linear in them; more strata cost time in proportion."""
STRATA_SHUFFLED: Final = (0.625, 0.125, 0.875, 0.375)
"""The same, in an order that does not go with the first: for a second, independent time."""
MAJORITY: Final = 0.5
"""Share beyond which a kind of goroutine, or a way to trigger, counts as that of all. More than a
half; matters where two are about as frequent."""
UNEVEN: Final = 1 / 10
"""Of the room for growth while marking, the standard deviation of what is allocated; with more,
bursts are looked at. A judgement; larger passes over bursts."""
NEGLIGIBLE_SHARE: Final = 1 / 100
"""Of the CPU time of marking; what is less does not matter. Chosen as a fifth of what GC CPU is
meant to be right to."""
MIN_RATE_PER_NS: Final = 1e-12
"""Goroutines a ns: one in a quarter of an hour. Guards against dividing by nothing."""

Openers: TypeAlias = list[tuple[OpenFlow, float]]


class MarkingFlow:
    """One mark phase. Work is in units of scan work, `per_unit` is CPU-ns of one marker alone."""

    def __init__(self, flow: Flow, gc: GC, settings: Settings, machine: MachineProfile) -> None:
        ps = settings.gomaxprocs
        self._flow, self._gc, self._pacer, self._ps = flow, gc, gc.pacer, ps
        self._machine, self._assists_on = machine, settings.switches.assists
        self._left, self._cpu = gc.cycle.scan_left, gc.cycle.cpu
        self._dedicated = float(gc.dedicated_needed)
        self._share = gc.fraction
        self._fractional = self._share * FRACTIONAL_USE * (ps - self._dedicated)
        self._max_idle = gc.max_idle_workers
        self._begun, self._crowding = gc.cycle.started, gc.crowding
        self._by_allocation = gc.cycle.reason == "heap"
        self._units = float(gc.scan_units)
        self._work = self._units
        self._pieces = max(self._units / DRAIN_CHECK, 1.0)
        """How many can mark at a time: no piece of work is smaller."""
        self._per_unit = gc.ns_per_unit
        self._credit = self._assisting = 0.0
        self._schedules: list[Schedule] = []
        self._program = 0.0
        self._uneven = self._is_uneven()
        self._late_ns = self._late_ps = 0.0
        """CPU-ns that goroutines want on top of the average, and the Ps on which they run."""

    def run(self) -> Process[None]:
        """Mark to the end."""
        if self._share:
            self._schedules = self._schedules_of_ps()
        if self._work >= 1:
            yield from self._opening()
        unseen_ns = self._unseen_ns()
        for source in self._flow.sources:
            source.wait_for_timers(unseen_ns)
        last = self._last_pieces()
        while self._work - last >= 1:
            yield from self._step(last, extra=self._late_ps)
        yield from self._tail()
        for source in self._flow.sources:
            source.look_at_timers()

    def _unseen_ns(self) -> float:
        """How late a timer is seen that fires while all Ps are taken.

        Neither goroutines nor mark workers look at timers, but a P does that schedules: when its
        goroutine blocks or ends, or an idle worker's time slice is over.
        """
        procs, plan = self._ps, self._flow.plan(self._ps)
        if not self._unseen(plan):
            return 0.0
        return 1 / (plan.ready + (procs - self._dedicated) / TIME_SLICE)

    def _unseen(self, plan: Plan) -> bool:
        """All Ps are taken, and timers start most of what becomes runnable."""
        by_timer = sum(t.speed * t.visit.runs for t in self._flow.sources if t.by_timer)
        taken = self._dedicated + self._max_idle + plan.program
        return taken >= self._ps and by_timer > MAJORITY * plan.ready

    def _idle_workers(self, ps: float, others: float) -> float:
        """Idle workers on so many Ps, beside so many others; there must be a piece for each."""
        return min(max(ps, 0.0), self._max_idle, max(self._pieces - others, 0.0))

    def _paid(self, plan: Plan, elapsed: float) -> float:
        """When there is nothing left to mark: the share of the program that has credit."""
        if not self._assists_on or self._gc.limiter.limiting:
            return 1.0
        owed = self._owed(plan) * elapsed
        share = min(1.0, max(self._credit, 0.0) / owed) if owed > 0 else 1.0
        self._credit -= share * owed
        return share

    def _schedules_of_ps(self) -> list[Schedule]:
        """Of all Ps, in ways that are as likely.

        A P on which a goroutine computes on and on schedules at the end of a time slice, others as
        `_between_looks` says. Of regular requests it is known when they come.
        """
        flow, procs = self._flow, self._ps
        slower = crowded(self._crowding, procs - 1)
        poll = DRAIN_CHECK * self._per_unit
        plan, ps = flow.plan(procs), procs - int(self._dedicated)
        computing = self._computing()[:ps]
        begun = flow.now - self._begun + 1.0
        woken = begun + self._machine.sched.wake_ns
        triggered = sum(share for _, share in self._openers(plan)) > MAJORITY
        period = self._period(plan)
        idle = range(ps - len(computing))
        gaps = [self._between_looks(plan, p, len(computing), poll * slower) for p in idle]
        ways = []
        for part, other in zip(STRATA, STRATA_SHUFFLED, strict=True):
            processors = []
            polled = part * poll * slower
            slices = [begun + cohort.slice_left(flow.now, part) for cohort in computing]
            slice_end = after_a_slice(slices[0] if slices else part * PERIOD)
            for p in idle:
                # Who triggered the cycle runs at once, and then its P schedules; others wake up.
                at = begun if triggered and p == 0 else woken
                if period is None:
                    processors.append(ScheduledP(by_chance(gaps[p], part), at, taken=False))
                    continue
                gap, first = period
                notice = polled if p == 0 else other * self._piece_ns() * slower
                look = at_intervals(gap, first + notice) if notice <= polled else slice_end
                processors.append(ScheduledP(look, at, taken=False, piece_left=other))
            for ends in slices:
                if period is None:
                    look = by_chance(1 / (plan.ready + 1 / TIME_SLICE), part)
                else:
                    gap, first = period
                    look = at_intervals(gap, first + polled)
                processors.append(ScheduledP(look, ends, taken=True))
            ways.append(Schedule(self._share, poll, slower, processors, slice_end))
        return ways

    def _between_looks(self, plan: Plan, p: int, computing: int, polled: float) -> float:
        """ns between two looks for a worker, on average, by the p-th P that nobody computes on.

        Whoever becomes runnable interrupts the first P that idles; until that has polled, and has
        marked as a fractional worker, others find the goroutine at the end of a piece and schedule
        as well. What a timer starts interrupts nobody. Where the program has all Ps, they schedule
        when their goroutines end, which takes longer beside workers.
        """
        procs, ready = self._ps, max(plan.ready, MIN_RATE_PER_NS)
        if plan.program >= procs - self._dedicated:
            own = (1 - self._share * FRACTIONAL_USE) * ready / procs
            return 1 / (own + 1 / WHOLE_SLICE)
        if self._unseen(plan):
            return 1 / (ready / procs + (1 - plan.program / procs) / TIME_SLICE)
        lies = polled + FRACTIONAL_SLACK * self._share / ready
        # At the end of a long run, a P schedules once more.
        looks = 1 + min((plan.program - computing) / ready / lies, 1.0)
        busy = min(plan.program - computing - p + 1, 1.0)
        seen = 1.0 if p == 0 else min(max(busy, lies / PIECE_NS), 1.0)
        return 1 / (ready * looks * seen + 1 / TIME_SLICE)

    def _computing(self) -> list[Cohort | ClosedFlow]:
        """The source of each goroutine that computes on and on: cohorts, and lanes of a batch.

        Lanes do so one goroutine after the other, each on the P of the one before. Where there are
        as many as Ps, goroutines take turns, and Ps schedule when these end.
        """
        found: list[Cohort | ClosedFlow] = []
        ps = self._ps - self._dedicated
        for source in self._flow.sources:
            if source.visit.blocked or not isinstance(source, Cohort | ClosedFlow):
                continue
            if isinstance(source, ClosedFlow) and not source.is_batch_of_few(ps):
                continue
            found += [source] * round(source.wanted)
        return found

    def _period(self, plan: Plan) -> tuple[float, float] | None:
        """How often regular requests come, and when the first of them, if most are of that kind."""
        for source in self._flow.sources:
            prices = source.visit.prices
            if source.regular and source.speed * source.visit.runs > MAJORITY * plan.ready:
                gap = 1 / source.speed
                if self._by_allocation and source.speed * prices.live > MAJORITY * plan.live:
                    # One of them triggered the cycle, and its P had to wake up for it.
                    return gap, gap - self._machine.sched.wake_ns - prices.ns / 2
                return gap, (source.begin - self._begun) % gap
        return None

    def _piece_ns(self) -> float:
        """Longest pieces of a worker; towards the end they become smaller."""
        return self._piece() * self._per_unit

    def _piece(self) -> float:
        most = min(PIECE_NS / self._per_unit, self._work / (PIECES * self._ps))
        return max(most, DRAIN_CHECK)

    def _last_pieces(self) -> float:
        """Work that is in hands when the last piece has been taken: of each marker, a half."""
        markers = max(self._ps - self._program, 1.0)
        return min(markers * DRAIN_CHECK / 2, self._units / 2)

    def _tail(self) -> Process[None]:
        """There is nothing left to take: who needs credit and finds none waits for the end.

        That is when all Ps have told that they have nothing left either.
        """
        flow, procs = self._flow, self._ps
        background = self._dedicated + self._fractional
        plan = flow.planned
        idle = self._idle_workers(procs - background - plan.program, background)
        workers = background + idle
        slower = crowded(self._crowding, max(workers - 1, 0.0))
        busy = self._work * self._per_unit * slower
        elapsed = busy / workers * 2 * workers / (workers + 1) if workers else busy
        part = busy / max(elapsed * workers, 1e-9)
        self._book(self._work, elapsed, idle, 0.0, part)
        self._work = 0.0
        elapsed += self._machine.stw.ragged_barrier_ns
        yield from flow.advance(elapsed, self._paid(plan, elapsed))

    def _opening(self) -> Process[None]:
        """Until the first pieces are done there is no credit: who allocates has to assist.

        Idle Ps are woken up and mark a little later.
        """
        flow, procs = self._flow, self._ps
        wake_ns = self._machine.sched.wake_ns
        piece_ns = min(self._piece(), self._units / min(procs, self._pieces)) * self._per_unit
        background = self._dedicated + self._fractional
        plan = flow.plan(procs - background)
        # Dedicated workers take Ps without goroutines, which wake up first (proc.go: procresize).
        asleep = min(self._dedicated, max(procs - plan.program, 0.0))
        length = piece_ns + wake_ns if asleep else max(piece_ns, wake_ns)
        late = wake_ns / length
        # They came while the world was stopped, or come early enough for their P to wake up. A
        # fractional worker goes first on every P, and then there is credit.
        openers = self._openers(plan)
        come = 0.0 if self._share else self._come(plan, openers, length + flow.now - self._begun)
        # Beside as many as on average there is the request that triggered the cycle.
        chance, rest_ns, owed = self._triggered(openers)
        for source, share in openers:
            if not source.regular:  # else the next one comes later by as much
                source.hasten(share * _unfinished(source))
        free = max(procs - background - plan.program, 0.0)
        others = chance * min(free, 1.0)
        running = (plan.allocating + others) * plan.later / max(plan.live, 1e-9)
        assist_ns = OVER_ASSIST_WORK * self._per_unit
        extra = others * min(rest_ns / length, 1.0) + come * min(assist_ns / length, 1.0)
        # On a P, whoever has assisted runs, and then the next one assists.
        run_ns = plan.program / plan.ready if plan.ready else math.inf
        rounds, rest = divmod(length, assist_ns + run_ns)
        most = (procs - background) * (rounds * assist_ns + min(rest, assist_ns))
        least = min((running + come) * assist_ns, most)
        # Who triggered it pays for all that it has left to allocate, as long as there is no credit.
        least = max(least, min(owed * self._per_unit, chance * length), self._whole_assists(length))
        extra = min(extra, free)
        # Beyond the opening, it runs on, and so do those who came while the world was stopped.
        stopped = plan.ready * (flow.now - self._begun)
        late_ns = others * max(rest_ns - length, 0.0) + stopped * run_ns
        if late_ns > NEGLIGIBLE_SHARE * self._work * self._per_unit:
            self._late_ns, self._late_ps = late_ns, min(others + stopped, free)
        assisted = self._cpu["assist"]
        end = flow.now + length
        self._dedicated -= asleep * late
        while flow.now < end and self._work >= 1:
            left = least - (self._cpu["assist"] - assisted)
            yield from self._step(0.0, end - flow.now, 1 - late, left, extra)
        self._dedicated += asleep * late

    def _whole_assists(self, ns: float) -> float:
        """CPU-ns of the assists that goroutines begin in so many ns which compute on and on.

        Each is for 64 KiB of work, and then the goroutine runs until it has used up its credit.
        """
        assist_ns, total = OVER_ASSIST_WORK * self._per_unit, 0.0
        for cohort in self._computing():
            prices = cohort.visit.prices
            owed = prices.slot_bytes / prices.ns * self._pacer.assist_work_per_byte
            if owed:
                total += assist_ns * math.ceil(ns / (assist_ns + OVER_ASSIST_WORK / owed))
        return total

    def _come(self, plan: Plan, openers: Openers, ns: float) -> float:
        """Goroutines that become runnable in the first ns: regular ones follow each other."""
        come = plan.ready * ns
        for source, share in openers:
            come += share * (source.follow(ns) - source.speed * ns) * source.visit.runs
        return come

    def _triggered(self, openers: Openers) -> tuple[float, float, float]:
        """The chance that a request triggered the cycle, and what it has left to do.

        That is the time, in ns, and the scan work that is owed for what it has left to allocate, on
        average over all cycles.
        """
        chance = rest = slots = 0.0
        for source, share in openers:
            prices = source.visit.prices
            left = share * _unfinished(source)
            chance += share
            rest += left * 2 * source.visit.rest_share * prices.ns
            slots += left * prices.slot_bytes
        return chance, rest / max(chance, 1e-9), slots * self._pacer.assist_work_per_byte

    def _openers(self, plan: Plan) -> Openers:
        """Loads of requests, with their shares of what triggers cycles."""
        if not (self._by_allocation and plan.live):
            return []
        return [
            (source, source.speed * source.visit.prices.live / plan.live)
            for source in self._flow.sources
            if isinstance(source, OpenFlow) and source.visit.prices.live
        ]

    def _step(
        self,
        until: float,
        longest: float = 0.0,
        awake: float = 1.0,
        least: float = 0.0,
        extra: float = 0.0,
    ) -> Process[None]:
        """Some time at constant rates, until so much work is left at most.

        Goroutines assist for `least` CPU-ns at any rate, on `extra` Ps more than on average.
        """
        flow, procs, crowding = self._flow, self._ps, self._crowding
        computing = len(self._computing())
        for schedule in self._schedules:
            schedule.run(computing, flow.now - self._begun, self._piece_ns())
        soon = longest or self._units * self._per_unit / procs / STEPS
        waiting = 0.0
        if self._schedules:
            marked = max(self._marked(soon) - self._cpu["fractional"], 0.0)
            self._fractional = min(marked / soon, max(self._pieces - self._dedicated, 0.0))
            waiting = (self._waited(soon) - self._waited(0.0)) / soon
        background = self._dedicated + self._fractional
        plan = flow.plan(procs - background, waiting)
        self._program = program = plan.program
        idle = self._idle_workers(procs - background - program - extra, background) * awake
        workers = background + idle
        owed_per_ns = self._owed(plan) / max(program, 1e-9)
        paid = owed_per_ns * program * self._per_unit <= workers
        if paid:
            self._assisting = 0.0
        beside = self._beside(workers + self._assisting, idle, program - computing)
        unit_ns = self._per_unit * crowded(crowding, beside)
        # Goroutines run out of credit together, and so they assist at the same time.
        others = min(workers + max(program - 1, 0.0), procs - 1)
        assist_ns = self._per_unit * crowded(crowding, others)
        able = workers / unit_ns + self._assisting / assist_ns or program / assist_ns
        work = self._work - until
        steps = STEPS if not paid or self._uneven else 1
        elapsed = min(longest or self._units / able / steps, work / able, plan.until)
        if self._late_ps and not longest:
            elapsed = min(elapsed, self._late_ns / self._late_ps)
        if self._schedules:
            elapsed = min(elapsed, soon)
        elapsed = max(elapsed, 1.0)
        supply = workers * elapsed / unit_ns
        assist = self._assists(
            (program + extra) * elapsed, owed_per_ns, 0.0 if longest else supply, assist_ns, least
        )
        done = supply + assist / assist_ns
        part = min(1.0, work / done) if done > 0 else 1.0
        elapsed, assist, done = elapsed * part, assist * part, done * part
        available = (program + extra) * elapsed
        self._book(done, elapsed, idle, assist)
        share = 1 - assist / available if available > 0 else 1.0
        per_byte, before = self._pacer.assist_work_per_byte, self._pacer.heap_live
        yield from flow.advance(elapsed, share)
        # What has been allocated is paid for, be it more than on average.
        slots = (self._pacer.heap_live - before) * plan.slots / max(plan.live, 1e-9)
        self._credit += done - slots * per_byte - self._lost() * elapsed * share
        self._assisting = assist / elapsed
        self._work -= done
        if self._late_ps and not longest:
            self._late_ns -= self._late_ps * elapsed
            self._late_ps = self._late_ps if self._late_ns > 1 else 0.0
        flow.idle_ns += max(procs - workers - program, 0.0) * elapsed

    def _beside(self, markers: float, idle: float, requests: float) -> float:
        """How many others mark while one marks, on average.

        Of N that mark at a time, one sees E[N (N - 1)] / E[N] others. Idle workers have all Ps that
        the program leaves, which change with its requests. Where it leaves none, goroutines and
        workers take turns on each P.
        """
        ps = self._ps - self._dedicated
        changing = max(requests, 0.0) if idle else markers - self._dedicated
        variance = changing * max(1 - changing / ps, 0.0) if ps else 0.0
        return max(markers - 1 + variance / max(markers, MIN_RATE_PER_NS), 0.0)

    def _owed(self, plan: Plan) -> float:
        """Scan work that is owed per ns."""
        return plan.slots * self._pacer.assist_work_per_byte + self._lost()

    def _lost(self) -> float:
        """Credit that goroutines take per ns, 64 KiB of work at a time, and do not use.

        At its end a goroutine hands it back; one that waits until the next cycle keeps it.
        """
        per_byte, lost = self._pacer.assist_work_per_byte, 0.0
        for source in self._flow.sources:
            if keepers := source.credit_keepers(self._flow.now - self._begun):
                needed = source.credit_bytes * per_byte
                lost += keepers * (-needed % OVER_ASSIST_WORK if needed else 0.0)
        return lost

    def _is_uneven(self) -> bool:
        """Whether chance decides how near the heap comes to its goal."""
        flow = self._flow
        variance = sum(
            source.speed * (1 + source.visit.scatter) * source.visit.prices.live**2
            for source in flow.sources
            if isinstance(source, OpenFlow) and not source.regular
        )
        spread = math.sqrt(variance * self._work * self._per_unit / self._ps)
        return spread > UNEVEN * (self._pacer.heap_goal() - self._pacer.heap_live)

    def _assists(
        self, available: float, owed: float, supply: float, unit_ns: float, least: float
    ) -> float:
        """CPU-ns that goroutines mark so that credit covers what they allocate."""
        if not self._assists_on or self._gc.limiter.limiting:
            return 0.0
        missing = owed * available - self._credit - supply
        return min(max(least, missing / (owed + 1 / unit_ns)), available)

    def _book(
        self, done: float, elapsed: float, idle: float, assist: float, busy: float = 1.0
    ) -> None:
        """Write down who marked; workers were busy for a part of the time."""
        limiter, left, cpu, some = self._gc.limiter, self._left, self._cpu, int(done)
        for part in SCAN_ORDER:
            mine = left[part]
            if mine and some:
                mine = min(some, mine)
                left[part] -= mine
                self._pacer.add_scan_work(part, mine)
                some -= mine
        elapsed *= busy
        fractional_ns, idle_ns = self._split(elapsed, idle)
        cpu["dedicated"] += self._dedicated * elapsed
        cpu["fractional"] += fractional_ns
        cpu["idle"] += idle_ns
        cpu["assist"] += assist
        limiter.add_assist_time(int(assist))
        limiter.add_idle_time(int(idle_ns))
        if limiter.need_update(int(self._flow.now)):
            limiter.update(int(self._flow.now))

    def _split(self, elapsed: float, idle: float) -> tuple[float, float]:
        """CPU-ns of fractional and of idle workers: on a P that idles, they take turns."""
        both = (self._fractional + idle) * elapsed
        if not (self._schedules and idle):
            return self._fractional * elapsed, idle * elapsed
        mine = min(self._marked(elapsed) - self._cpu["fractional"], both)
        return mine, both - mine

    def _marked(self, elapsed: float) -> float:
        """CPU-ns that fractional workers have marked when so much time has passed."""
        until = self._flow.now - self._begun + elapsed
        return sum(schedule.marked(until) for schedule in self._schedules) / len(STRATA)

    def _waited(self, elapsed: float) -> float:
        """Goroutine-ns that computing goroutines have waited behind workers by then."""
        until = self._flow.now - self._begun + elapsed
        return sum(schedule.waited(until) for schedule in self._schedules) / len(STRATA)


def _unfinished(source: OpenFlow) -> float:
    """The part of a visit that is left when it triggers a cycle, at any byte beyond its first."""
    return source.visit.prices.later / source.visit.prices.live / 2
