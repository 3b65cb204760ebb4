"""A whole fluid run: cycles one after the other until the time is over, or the work is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sim.fluid.collecting import Collection
from sim.fluid.engine import Flow
from sim.fluid.telling import Teller

REPORTS: Final = 200
"""How often a run reports its progress."""


class Play:
    """A flow on its way through its cycles."""

    def __init__(self, flow: Flow, finished: Callable[[], bool]) -> None:
        self._flow, self._finished = flow, finished
        self._teller = Teller(flow)

    @property
    def now(self) -> float:
        """Simulated time in ns."""
        return self._flow.now

    @property
    def events(self) -> int:
        """Steps until now."""
        return self._flow.steps

    def run(self, progress: Callable[[float], None] | None) -> str:
        """Run to the end; returns why the process was killed, empty if it was not."""
        flow, end, shown = self._flow, float(self._flow.parts.duration), 0.0
        self._teller.sample()
        while flow.now < end - 1 and not self._finished():
            if not flow.wanted_cycle:
                flow.step(end)
            if flow.verdict:
                break
            if flow.wanted_cycle:
                self._cycle(end)
            self._teller.sample()
            if progress is not None and flow.now - shown > end / REPORTS:
                shown = flow.now
                progress(min(flow.now / end, 1.0))
        self._teller.sample(always=True)
        if progress is not None:
            progress(1.0)
        return flow.verdict

    def _cycle(self, end: float) -> None:
        """One cycle; of one that the end of the run cuts off, nothing is told."""
        flow = self._flow
        reason, flow.wanted_cycle = flow.wanted_cycle, ""
        facts = Collection(flow, reason).run()
        if flow.now >= end:
            flow.now = end
            return
        flow.cycles += 1
        flow.last_end = flow.now
        self._teller.cycle(facts)
        for script in flow.scripts():
            script.cycle_ended()

    def report(self) -> None:
        """All has been told."""
