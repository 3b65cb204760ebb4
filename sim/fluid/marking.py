"""Marking as a flow: work falls at the rate of those who mark, and the heap grows meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np

from sim.fluid.engine import Flow
from sim.fluid.parts import Plan
from sim.fluid.scripts import Script
from sim.fluid.tasks import OpenFlow
from sim.go.assist import OVER_ASSIST_WORK
from sim.go.markwork import DRAIN_CHECK
from sim.go.pacer import ScanPart
from sim.go.runq import TIME_SLICE
from sim.units import MS

STEPS: Final = 8
"""The work is done in at least so many steps."""
PIECE_NS: Final = MS // 2
"""Longest piece of a worker; credit for it is given when it is done."""
PIECES: Final = 8
"""A worker takes at most this part of its share of the work at a time."""
FRACTIONAL_SLACK: Final = 1.2
FRACTIONAL_USE: Final = (1 + FRACTIONAL_SLACK) / 2
"""Where goroutines change often, workers begin below their share and leave at 1.2 of it."""
PARTS: Final = (0.125, 0.375, 0.625, 0.875)
"""Of times that differ by chance, those that are longer than this part of them count a quarter."""
HALF: Final = 0.5
NONE: Final = 1e-12
"""Goroutines a ns: one in a quarter of an hour."""
SCAN_ORDER: Final[tuple[ScanPart, ...]] = ("globals", "stack", "heap")


Look: TypeAlias = Callable[[float], float]
"""When a P schedules next, after an instant."""
Openers: TypeAlias = list[tuple[OpenFlow, float]]


class Marking:
    """One mark phase. Work is in units of scan work, `per_unit` is CPU-ns of one marker alone."""

    def __init__(
        self, flow: Flow, left: dict[ScanPart, int], cpu_ns: float, cpu: dict[str, float],
        begun: float, *, by_allocation: bool,
    ) -> None:  # fmt: skip
        self._flow, self._parts, self._left, self._cpu = flow, flow.parts, left, cpu
        on, workers, procs = self._parts.switches, flow.pacer.workers, flow.parts.procs
        self._crowding = self._parts.machine.mark.crowding
        self._dedicated = float(workers.dedicated if on.dedicated_workers else 0)
        self._share = workers.fraction if on.fractional_workers else 0.0
        self._fractional = self._share * FRACTIONAL_USE * (procs - self._dedicated)
        self._begun, self._by_allocation = begun, by_allocation
        self._max_idle = workers.max_idle if on.idle_workers else 0
        self._units = float(sum(left.values()))
        self._work = self._units
        self._per_unit = cpu_ns / max(self._units, 1.0)
        self._credit = self._assisting = 0.0
        self._turns: list[FractionalTurns] = []
        self._program = 0.0
        self._own_credit = 0.5
        """Share of the credit that goroutines earn themselves."""

    def run(self) -> None:
        """Mark to the end."""
        if self._share:
            self._turns = self._turns_of_ps()
        if self._work >= 1:
            self._opening()
        last = self._last_pieces()
        while self._work - last >= 1:
            self._step(last)
        self._tail()
        for kind, ns in self._cpu.items():
            self._flow.pacer.add_mark_time(kind, int(ns))

    def _paid(self, plan: Plan, elapsed: float) -> float:
        """When there is nothing left to mark: the share of the program that has credit."""
        if not self._parts.switches.assists or self._parts.limiter.limiting:
            return 1.0
        owed = self._owed(plan) * elapsed
        share = min(1.0, self._credit / owed) if owed > 0 else 1.0
        self._credit -= share * owed
        return share

    def _turns_of_ps(self) -> list[FractionalTurns]:
        """Of every P, when it schedules.

        One on which a goroutine computes on and on does at the end of a time slice. Whoever becomes
        runnable interrupts the first P that idles; until that has polled, and has marked as a
        fractional worker, others find the goroutine at the end of a piece and schedule as well.
        """
        flow, crowd = self._flow, 1 + self._crowding * (self._parts.procs - 1)
        poll = DRAIN_CHECK * self._per_unit * crowd
        plan, ps = flow.plan(self._parts.procs), self._parts.procs - int(self._dedicated)
        taken = sum(
            task.wanted for task in flow.tasks
            if isinstance(task, Script) and not task.visit.blocked
        )  # fmt: skip
        occupied = min(round(taken), ps)
        begun = flow.now - self._begun + 1.0
        turns = [
            FractionalTurns(self._share, poll, at_intervals(TIME_SLICE), begun + TIME_SLICE * part)
            for part in PARTS
        ] * occupied  # fmt: skip
        ready = max(plan.ready, NONE)
        lies = poll + FRACTIONAL_SLACK * self._share / ready
        # At the end of a long run, a P schedules once more.
        looks = 1 + min((plan.program - occupied) / ready / lies, 1.0)
        for p in range(ps - occupied):
            busy = min(plan.program - occupied - p + 1, 1.0)
            seen = 1.0 if p == 0 else min(max(busy, lies / PIECE_NS), 1.0)
            every = 1 / (ready * looks * seen + 1 / TIME_SLICE)
            turns += [
                FractionalTurns(self._share, poll, self._looks(plan, every, part), begun)
                for part in PARTS
            ]
        return turns

    def _looks(self, plan: Plan, every: float, part: float) -> Look:
        """When a P schedules: by chance, or whenever the next of regular requests comes."""
        for task, share in self._openers(plan):
            if task.regular and min(share, 1 / (every * task.speed)) > HALF:
                return at_intervals(1 / task.speed)
        return by_chance(every, part)

    def _last_pieces(self) -> float:
        """Work that is in hands when the last piece has been taken: of each marker, a half."""
        markers = max(self._parts.procs - self._program, 1.0)
        return min(markers * DRAIN_CHECK / 2, self._units / 2)

    def _tail(self) -> None:
        """There is nothing left to take: who needs credit and finds none waits for the end.

        That is when all Ps have told that they have nothing left either.
        """
        flow, procs = self._flow, self._parts.procs
        background = self._dedicated + self._fractional
        plan = flow.planned
        idle = min(max(procs - background - plan.program, 0.0), self._max_idle)
        workers = background + idle
        slower = 1 + self._crowding * max(workers - 1, 0.0)
        busy = self._work * self._per_unit * slower
        elapsed = busy / workers * 2 * workers / (workers + 1) if workers else busy
        part = busy / max(elapsed * workers, 1e-9)
        self._book(self._work, elapsed, idle, 0.0, part)
        self._work = 0.0
        elapsed += self._parts.machine.stw.ragged_barrier_ns
        flow.advance(elapsed, self._paid(plan, elapsed))

    def _opening(self) -> None:
        """Until the first pieces are done there is no credit: who allocates has to assist.

        Idle Ps are woken up and mark a little later.
        """
        flow, procs = self._flow, self._parts.procs
        piece = max(min(PIECE_NS / self._per_unit, self._units / (PIECES * procs)), DRAIN_CHECK)
        wake_ns = self._parts.machine.sched.wake_ns
        length = max(min(piece, self._units / procs) * self._per_unit, wake_ns)
        late = wake_ns / length
        background = self._dedicated + self._fractional
        plan = flow.plan(procs - background)
        # They came while the world was stopped, or come early enough for their P to wake up.
        openers = self._openers(plan)
        come = self._come(plan, openers, length + flow.now - self._begun)
        # Beside as many as on average there is the request that triggered the cycle.
        others, rest_ns = self._triggered(openers)
        free = max(procs - background - plan.program, 0.0)
        others *= min(free, 1.0)
        running = (plan.allocating + others) * plan.later / max(plan.live, 1e-9)
        assist_ns = OVER_ASSIST_WORK * self._per_unit
        extra = others * min(rest_ns / length, 1.0) + come * min(assist_ns / length, 1.0)
        # On a P, whoever has assisted runs, and then the next one assists.
        run_ns = plan.program / plan.ready if plan.ready else math.inf
        turns, rest = divmod(length, assist_ns + run_ns)
        most = (procs - background) * (turns * assist_ns + min(rest, assist_ns))
        least = min((running + come) * assist_ns, most)
        extra = min(extra, free)
        assisted = self._cpu["assist"]
        end = flow.now + length
        while flow.now < end and self._work >= 1:
            left = least - (self._cpu["assist"] - assisted)
            self._step(0.0, end - flow.now, 1 - late, left, extra)

    def _come(self, plan: Plan, openers: Openers, ns: float) -> float:
        """Goroutines that become runnable in the first ns: regular ones follow each other."""
        come = plan.ready * ns
        for task, share in openers:
            come += share * (task.follow(ns) - task.speed * ns) * task.visit.runs
        return come

    def _triggered(self, openers: Openers) -> tuple[float, float]:
        """The chance that a request triggered the cycle, and what it has left to do, in ns."""
        chance = rest = 0.0
        for task, share in openers:
            prices = task.visit.prices
            chance += share
            rest += share * prices.ns * prices.later / prices.live / 2
        return chance, rest / max(chance, 1e-9)

    def _openers(self, plan: Plan) -> Openers:
        """Loads of requests, with their shares of what triggers cycles."""
        if not (self._by_allocation and plan.live):
            return []
        return [
            (task, task.speed * task.visit.prices.live / plan.live)
            for task in self._flow.tasks
            if isinstance(task, OpenFlow) and task.visit.prices.live
        ]

    def _step(
        self, until: float, longest: float = 0.0, awake: float = 1.0, least: float = 0.0,
        extra: float = 0.0,
    ) -> None:  # fmt: skip
        """Some time at constant rates, until so much work is left at most.

        Goroutines assist for `least` CPU-ns at any rate, on `extra` Ps more than on average.
        """
        flow, procs, crowding = self._flow, self._parts.procs, self._crowding
        background = self._dedicated + self._fractional
        plan = flow.plan(procs - background)
        self._program = program = plan.program
        idle = min(max(procs - background - program - extra, 0.0), self._max_idle) * awake
        workers = background + idle
        if plan.slots * flow.pacer.assist_work_per_byte * self._per_unit <= workers:
            self._own_credit = 0.0  # workers earn all of it
        owed_per_ns = self._owed(plan) / max(program, 1e-9)
        paid = owed_per_ns * program * self._per_unit <= workers
        if paid:
            self._assisting = 0.0
        slower = 1 + crowding * min(max(workers - 1 + self._assisting, 0.0), procs - 1)
        unit_ns = self._per_unit * slower
        # Goroutines run out of credit together, and so they assist at the same time.
        others = min(workers + max(program - 1, 0.0), procs - 1)
        assist_ns = self._per_unit * (1 + crowding * others)
        able = workers / unit_ns + self._assisting / assist_ns or program / assist_ns
        work = self._work - until
        steps = 1 if paid else STEPS
        elapsed = min(longest or self._units / able / steps, work / able, plan.until)
        elapsed = max(elapsed, 1.0)
        supply = workers * elapsed / unit_ns
        assist = self._assists(
            (program + extra) * elapsed, owed_per_ns, 0.0 if longest else supply, assist_ns, least
        )
        done = supply + assist / assist_ns
        part = min(1.0, work / done) if done > 0 else 1.0
        elapsed, assist, done = elapsed * part, assist * part, done * part
        available = (program + extra) * elapsed
        owed = owed_per_ns * (available - assist)
        self._credit = max(self._credit + done - owed, 0.0)
        self._own_credit = min(assist / assist_ns / owed, 1.0) if owed > 0 else 0.0
        self._book(done, elapsed, idle, assist)
        flow.advance(elapsed, 1 - assist / available if available > 0 else 1.0)
        self._assisting = assist / elapsed
        self._work -= done
        flow.idle_ns += max(procs - workers - program, 0.0) * elapsed

    def _owed(self, plan: Plan) -> float:
        """Scan work that is owed per ns.

        A goroutine assists for 64 KiB of work at least; of the last time, half is lost at its end.
        """
        lost = plan.visits * OVER_ASSIST_WORK / 2 * self._own_credit
        return plan.slots * self._flow.pacer.assist_work_per_byte + lost

    def _assists(
        self, available: float, owed: float, supply: float, unit_ns: float, least: float
    ) -> float:
        """CPU-ns that goroutines mark so that credit covers what they allocate."""
        if not self._parts.switches.assists or self._parts.limiter.limiting:
            return 0.0
        missing = owed * available - self._credit - supply
        return min(max(least, missing / (owed + 1 / unit_ns)), available)

    def _book(
        self, done: float, elapsed: float, idle: float, assist: float, busy: float = 1.0
    ) -> None:
        """Write down who marked; workers were busy for a part of the time."""
        limiter, left, cpu, some = self._parts.limiter, self._left, self._cpu, int(done)
        for part in SCAN_ORDER:
            mine = min(some, left[part])
            if mine:
                left[part] -= mine
                self._flow.pacer.add_scan_work(part, mine)
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
        if not (self._turns and idle):
            return self._fractional * elapsed, idle * elapsed
        since = self._flow.now - self._begun
        marked = [turn.marked(since + elapsed) - turn.marked(since) for turn in self._turns]
        mine = sum(marked) / len(PARTS)
        return min(mine, both), max(both - mine, 0.0)


def by_chance(every: float, part: float) -> Look:
    """The next look comes by chance; of times that long on average, this part is shorter."""
    wait = -every * math.log1p(-part)
    return lambda now: now + wait


def at_intervals(every: float) -> Look:
    """Looks at regular instants."""
    return lambda now: every * math.ceil(now / every)


class FractionalTurns:
    """When a P that idles gives its time to a fractional worker, and when to an idle one.

    The P looks for a fractional worker whenever it schedules. The worker stays until it has had 1.2
    times its share, a piece of work at least (runtime/mgcmark.go: pollFractionalWorkerExit).
    """

    def __init__(self, share: float, piece_ns: float, look: Look, begins: float) -> None:
        self._share, self._piece, self._look = share, piece_ns, look
        self._times, self._marked = [begins], [0.0]

    def marked(self, at: float) -> float:
        """CPU-ns of fractional marking on a P until so many ns after the start."""
        times, marked, slack = self._times, self._marked, FRACTIONAL_SLACK * self._share
        while times[-1] < at:
            spell = max(self._piece, (slack * times[-1] - marked[-1]) / (1 - slack))
            # A piece that is begun is done, though others may have marked the rest before.
            times += [times[-1], times[-1] + spell]
            marked += [marked[-1] + self._piece, marked[-1] + spell]
            times.append(self._look(max(marked[-1] / self._share, times[-1])))
            marked.append(marked[-1])
        return float(np.interp(at, times, marked))
