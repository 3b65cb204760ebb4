"""The first pieces of a mark phase: until they are done there is no credit."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from sim.fluid.flow import Flow
from sim.fluid.mark_phase import MarkPhaseState
from sim.fluid.openers import Opener, Rest, openers, rest_of
from sim.fluid.plan import Plan
from sim.go.assist import OVER_ASSIST_WORK

NEGLIGIBLE_SHARE: Final = 1 / 100
"""Of the CPU time of marking; what is less does not matter. Chosen as a fifth of what GC CPU is
meant to be right to."""


class Opening(NamedTuple):
    """Who allocates has to assist; idle Ps are woken up and mark a little later."""

    length: float
    """ns."""
    asleep: float
    """Dedicated workers whose Ps wake up first (runtime/proc.go: procresize)."""
    late: float
    """Share of the time in which Ps wake up."""
    own: float
    """Ps that need not wake up: that of the request that triggered the cycle, when it is done."""
    least: float
    """CPU-ns that goroutines mark."""
    extra: float
    """Ps on which they do so, beside those that the program has on average."""
    late_ns: float
    """CPU-ns that goroutines want on top of the average afterwards, on `late_ps` Ps."""
    late_ps: float


def opening(phase: MarkPhaseState, flow: Flow, wake_ns: float, per_byte: float) -> Opening:
    """The opening of a phase in which a byte allocated owes so much scan work."""
    procs, plan = phase.ps, flow.plan(phase.ps - phase.background)
    first = min(phase.piece, phase.units / min(procs, phase.pieces)) * phase.per_unit
    asleep = min(phase.dedicated, max(procs - plan.program, 0.0))
    length = first + wake_ns if asleep else max(first, wake_ns)
    found = openers(flow, plan) if phase.by_allocation else []
    rest = rest_of(found)
    for opener in found:
        if not opener.source.regular:  # else the next one comes later by as much
            opener.source.hasten(opener.share * opener.unfinished)
    since = flow.now - phase.begun
    # The P of the request that triggered the cycle need not wake up, and marks when that is done.
    without = length - rest.chance * max(length - first - rest.ns, 0.0)
    # They came while the world was stopped, or come early enough for their P to wake up. A
    # fractional worker goes first on every P, and then there is credit.
    come = 0.0 if phase.share else _come(plan, found, without + since)
    free = max(procs - phase.background - plan.program, 0.0)
    # Beside as many as on average there is the request that triggered the cycle.
    others = rest.chance * min(free, 1.0)
    least = _least(phase, flow, plan, without, others, come)
    # Who triggered it pays for all that it has left to allocate, as long as there is no credit.
    owed_ns = rest.slot_bytes * per_byte * phase.first_assist_ns / OVER_ASSIST_WORK
    least = max(
        least, min(owed_ns, rest.chance * without), _whole_assists(phase, flow, per_byte, without)
    )
    assist_ns = phase.first_assist_ns
    extra = others * min(rest.ns / length, 1.0) + come * min(assist_ns / length, 1.0)
    late_ns, late_ps = _afterwards(phase, plan, rest, others, length, since, free)
    own = rest.chance * (1 - min(rest.ns / length, 1.0))
    return Opening(length, asleep, wake_ns / length, own, least, min(extra, free), late_ns, late_ps)


def _run_ns(plan: Plan) -> float:
    """How long a goroutine runs, on average."""
    return plan.program / plan.ready if plan.ready else math.inf


def _least(
    phase: MarkPhaseState, flow: Flow, plan: Plan, length: float, others: float, come: float
) -> float:
    """CPU-ns of those who run when it begins, or come: each assists for 64 KiB of work.

    On a P, whoever has assisted runs, and then the next one assists.
    """
    assist_ns = phase.first_assist_ns
    running = (plan.allocating + others) * plan.later / max(plan.live, 1e-9)
    rounds, rest = divmod(length, assist_ns + _run_ns(plan))
    most = (phase.ps - phase.background) * (rounds * assist_ns + min(rest, assist_ns))
    return min((running + come) * assist_ns, most)


def _afterwards(
    phase: MarkPhaseState,
    plan: Plan,
    rest: Rest,
    others: float,
    length: float,
    since: float,
    free: float,
) -> tuple[float, float]:
    """Who triggered the cycle runs on, and so do those who came while the world was stopped.

    CPU-ns, and the Ps on which they run; none if that does not matter.
    """
    stopped = plan.ready * since
    late_ns = others * max(rest.ns - length, 0.0) + stopped * _run_ns(plan)
    if late_ns > NEGLIGIBLE_SHARE * phase.left * phase.per_unit:
        return late_ns, min(others + stopped, free)
    return 0.0, 0.0


def _whole_assists(phase: MarkPhaseState, flow: Flow, per_byte: float, ns: float) -> float:
    """CPU-ns of the assists that goroutines begin in so many ns which compute on and on.

    Each is for 64 KiB of work, and then the goroutine runs until it has used up its credit.
    """
    assist_ns, total = phase.first_assist_ns, 0.0
    for cohort in phase.computing(flow):
        prices = cohort.visit.prices
        owed = prices.slot_bytes / prices.ns * per_byte
        if owed:
            total += assist_ns * math.ceil(ns / (assist_ns + OVER_ASSIST_WORK / owed))
    return total


def _come(plan: Plan, found: list[Opener], ns: float) -> float:
    """Goroutines that become runnable in the first ns: regular ones follow each other."""
    come = plan.ready * ns
    for source, share in found:
        come += share * (source.follow(ns) - source.speed * ns) * source.visit.runs
    return come
