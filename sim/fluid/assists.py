"""Assist credit as a level: what goroutines owe, and how long they mark to pay for it."""

from __future__ import annotations

from sim.fluid.flow import Flow
from sim.fluid.mark_phase import MarkPhaseState
from sim.fluid.plan import Plan
from sim.go.assist import OVER_ASSIST_WORK
from sim.runtime.state import GC


class Assists:
    """Credit of one mark phase, in units of scan work."""

    def __init__(self, flow: Flow, gc: GC, phase: MarkPhaseState, *, on: bool) -> None:
        self._flow, self._gc, self._pacer, self._phase = flow, gc, gc.pacer, phase
        self._switched_on = on
        self.credit = 0.0
        """Background credit, less what is owed. Written by this and by `MarkingFlow`."""

    @property
    def on(self) -> bool:
        """Whether goroutines have to pay for what they allocate."""
        return self._switched_on and not self._gc.limiter.limiting

    def owed(self, plan: Plan) -> float:
        """Scan work that is owed per ns."""
        return plan.slots * self._pacer.assist_work_per_byte + self.lost()

    def lost(self) -> float:
        """Credit that goroutines take per ns, 64 KiB of work at a time, and do not use.

        At its end a goroutine hands it back; one that waits until the next cycle keeps it.
        """
        per_byte, lost = self._pacer.assist_work_per_byte, 0.0
        for source in self._flow.sources:
            if keepers := source.credit_keepers(self._flow.now - self._phase.begun):
                needed = source.credit_bytes * per_byte
                lost += keepers * (-needed % OVER_ASSIST_WORK if needed else 0.0)
        return lost

    def needed(
        self, available: float, owed: float, supply: float, unit_ns: float, least: float
    ) -> float:
        """CPU-ns that goroutines mark so that credit covers what they allocate."""
        if not self.on:
            return 0.0
        missing = owed * available - self.credit - supply
        return min(max(least, missing / (owed + 1 / unit_ns)), available)

    def covered(self, plan: Plan, elapsed: float, done: float) -> float:
        """What part of the program's allocation credit covers when so much work has been done."""
        owed = self.owed(plan) * elapsed
        if not self.on or owed <= 0:
            return 1.0
        return min(max(self.credit + done, 0.0) / owed, 1.0)

    def paid(self, plan: Plan, elapsed: float) -> float:
        """When there is nothing left to mark: the share of the program that has credit.

        Who has allocated before in this phase has some of its own; others take what there is.
        """
        if not self.on:
            return 1.0
        owed = self.owed(plan) * elapsed
        share = min(1.0, max(self.credit, 0.0) / owed) if owed > 0 else 1.0
        self.credit -= share * owed
        return share + (1 - share) * self._with_credit()

    def _with_credit(self) -> float:
        """Share of what is allocated by goroutines that have got credit in this phase."""
        live = mine = 0.0
        for source in self._flow.sources:
            runs = source.speed * source.visit.allocating_runs
            if runs > 0 and source.visit.blocked:
                nbytes = source.speed * source.visit.prices.live
                keepers = source.credit_keepers(self._flow.now - self._phase.begun)
                live += nbytes
                mine += nbytes * max(1 - keepers / runs, 0.0)
        return mine / live if live else 0.0
