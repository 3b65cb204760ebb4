"""Sweeping between two cycles: beside the program, and what is left when the next begins."""

from __future__ import annotations

from sim.fluid.flow import Flow
from sim.fluid.loads import ClosedFlow
from sim.fluid.visit import Visit
from sim.runtime.state import GC, Process


class BackgroundSweep:
    """The background sweeper: a goroutine that computes until all spans are swept."""

    def __init__(self, flow: Flow, gc: GC, ps: int) -> None:
        self._flow, self._gc, self._ps = flow, gc, ps
        self._sweeper: ClosedFlow | None = None
        self._paced = False
        """Whether who allocates sweeps on the way to the trigger."""

    def start(self, ns: float) -> None:
        """It has so much to do, CPU-ns; on a P that idles, nobody notices."""
        flow, plan = self._flow, self._flow.planned
        room = self._gc.trigger_at - self._gc.pacer.heap_live
        if plan.program + 1 <= self._ps and plan.live * ns < room:
            flow.idle_ns -= ns
            return
        self._paced = room > 0
        self._sweeper = ClosedFlow(Visit(cpu=ns), flow.now, 1.0, visits=1.0)
        self._sweeper.period = 0.0  # comes again after every cycle
        flow.start(self._sweeper)

    def finish(self) -> Process[None]:
        """A cycle starts: who allocates has swept what the sweeper left (runtime/mgcsweep.go).

        On the way to the trigger, everybody has paid for it; it comes all at once here. Where the
        trigger has been passed from the start, one goroutine sweeps, and others run meanwhile.
        """
        flow, sweeper, self._sweeper = self._flow, self._sweeper, None
        if sweeper is None or sweeper.ended:
            return
        flow.sources.remove(sweeper)
        sweeping = max(flow.planned.allocating, 1.0)
        left = sweeper.left * sweeper.visit.prices.ns / sweeping
        if self._paced:
            yield from flow.stand_still(left)
            return
        while left >= 1:
            plan = flow.plan(max(self._ps - sweeping, 0.0))
            elapsed = max(min(left, plan.until), 1.0)
            yield from flow.advance(elapsed)
            left -= elapsed
