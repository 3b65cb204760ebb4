"""When the Ps schedule while marking: in ways that are as likely, for fractional workers."""

from __future__ import annotations

from typing import Final

from sim.fluid.flow import Flow
from sim.fluid.fractional_workers import (
    NextSchedule,
    Schedule,
    ScheduledP,
    after_a_slice,
    at_intervals,
    by_chance,
)
from sim.fluid.mark_phase import FRACTIONAL_USE, MAJORITY, MarkPhaseState
from sim.fluid.openers import openers
from sim.fluid.plan import Plan
from sim.fluid.sources import MIN_RATE_PER_NS
from sim.go.markwork import FRACTIONAL_SLACK, PIECE_NS
from sim.go.sysmon import PERIOD, TIME_SLICE, WHOLE_SLICE
from sim.machine.price import crowded

STRATA: Final = (0.125, 0.375, 0.625, 0.875)
"""Midpoints of four strata: a mean over times that differ by chance is that over these quantiles
(stratified sampling). Exact for what is linear in them; more strata cost time in proportion."""
STRATA_SHUFFLED: Final = (0.625, 0.125, 0.875, 0.375)
"""The same, in an order that does not go with the first: for a second, independent time."""


class MarkSchedules:
    """Schedules of all Ps in one mark phase.

    A P on which a goroutine computes on and on schedules at the end of a time slice, others as
    `_between_looks` says. Of regular requests it is known when they come.
    """

    def __init__(self, phase: MarkPhaseState, flow: Flow, wake_ns: float) -> None:
        self._phase, self._flow, self._wake_ns = phase, flow, wake_ns
        self._plan = plan = flow.plan(phase.ps)
        ps = phase.ps - int(phase.dedicated)
        self._slower = crowded(phase.crowding, phase.ps - 1)
        self._poll_ns = phase.course.poll_ns * self._slower
        """ns between two polls of a worker."""
        self._computing = phase.computing(flow)[:ps]
        self._idle = ps - len(self._computing)
        """Ps on which nobody computes on and on."""
        self._period = self._regular(plan)
        self._gaps = [self._between_looks(p) for p in range(self._idle)]
        found = openers(flow, plan) if phase.by_allocation else []
        self._triggered = sum(opener.share for opener in found) > MAJORITY

    def ways(self) -> list[Schedule]:
        """Of all Ps, in ways that are as likely."""
        return [self._way(part, other) for part, other in zip(STRATA, STRATA_SHUFFLED, strict=True)]

    def _way(self, part: float, other: float) -> Schedule:
        """One of them, by where in their strata independent times are."""
        phase, flow = self._phase, self._flow
        begun = flow.now - phase.begun + 1.0
        slices = [begun + cohort.slice_left(flow.now, part) for cohort in self._computing]
        slice_end = after_a_slice(slices[0] if slices else part * PERIOD)
        processors = [self._of_idle_p(p, part, other, begun, slice_end) for p in range(self._idle)]
        processors += [ScheduledP(self._look(part), ends, taken=True) for ends in slices]
        return Schedule(phase.share, phase.poll_ns, self._slower, processors, slice_end)

    def _of_idle_p(
        self, p: int, part: float, other: float, begun: float, slice_end: NextSchedule
    ) -> ScheduledP:
        # Who triggered the cycle runs at once, and then its P schedules; others wake up.
        at = begun if self._triggered and p == 0 else begun + self._wake_ns
        if self._period is None:
            return ScheduledP(by_chance(self._gaps[p], part), at, taken=False)
        gap, first = self._period
        polled = part * self._poll_ns
        notice = polled if p == 0 else other * self._phase.piece_ns * self._slower
        look = at_intervals(gap, first + notice) if notice <= polled else slice_end
        return ScheduledP(look, at, taken=False, piece_left=other)

    def _look(self, part: float) -> NextSchedule:
        """When a P schedules whose goroutine has gone on elsewhere."""
        if self._period is None:
            return by_chance(1 / (self._plan.ready + 1 / TIME_SLICE), part)
        gap, first = self._period
        return at_intervals(gap, first + part * self._poll_ns)

    def _between_looks(self, p: int) -> float:
        """ns between two looks for a worker, on average, by the p-th P that nobody computes on.

        Whoever becomes runnable interrupts the first P that idles; until that has polled, and has
        marked as a fractional worker, others find the goroutine at the end of a piece and schedule
        as well. What a timer starts interrupts nobody. Where the program has all Ps, they schedule
        when their goroutines end, which takes longer beside workers.
        """
        phase, plan, computing = self._phase, self._plan, len(self._computing)
        procs, ready = phase.ps, max(plan.ready, MIN_RATE_PER_NS)
        if plan.program >= procs - phase.dedicated:
            own = (1 - phase.share * FRACTIONAL_USE) * ready / procs
            return 1 / (own + 1 / WHOLE_SLICE)
        if phase.timers_unseen(self._flow, plan):
            return 1 / (ready / procs + (1 - plan.program / procs) / TIME_SLICE)
        lies = self._poll_ns + FRACTIONAL_SLACK * phase.share / ready
        # At the end of a long run, a P schedules once more.
        looks = 1 + min((plan.program - computing) / ready / lies, 1.0)
        busy = min(plan.program - computing - p + 1, 1.0)
        seen = 1.0 if p == 0 else min(max(busy, lies / PIECE_NS), 1.0)
        return 1 / (ready * looks * seen + 1 / TIME_SLICE)

    def _regular(self, plan: Plan) -> tuple[float, float] | None:
        """How often regular requests come, and when the first of them, if most are of that kind."""
        phase = self._phase
        for source in self._flow.sources:
            prices = source.visit.prices
            if source.regular and source.speed * source.visit.runs > MAJORITY * plan.ready:
                gap = 1 / source.speed
                if phase.by_allocation and source.speed * prices.live > MAJORITY * plan.live:
                    # One of them triggered the cycle, and its P had to wake up for it.
                    return gap, gap - self._wake_ns - prices.ns / 2
                return gap, (source.begin - phase.begun) % gap
        return None
