"""Between cycles: from instant to instant that matters, until somebody starts the next cycle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import simpy

from sim.engine.clock import Clock
from sim.fluid.flow import Flow
from sim.fluid.footprint import Footprint
from sim.fluid.repetition import Repetition
from sim.runtime.state import GC, CgroupLimits, Process, Settings
from sim.units import MAX_INT64, SECOND

LONGEST_STEP: Final = SECOND
"""ns between two looks at who runs. A judgement; longer delays what comes by the clock."""
LOOKS_PER_CYCLE: Final = 8
"""How often a memory limit is looked at on the way to the trigger. Chosen so that a limit is passed
by an eighth of a cycle at most; fewer moves peak RSS under a limit."""


class BetweenCycles:
    """The run loop: time passes, cycles are asked for, memory is looked at."""

    def __init__(
        self,
        clock: Clock,
        gc: GC,
        container: CgroupLimits,
        settings: Settings,
        flow: Flow,
        footprint: Footprint,
        repetition: Repetition,
        finished: simpy.Event,
    ) -> None:
        self._clock, self._gc, self._pacer, self._container = clock, gc, gc.pacer, container
        self._settings, self._ps, self._flow = settings, settings.gomaxprocs, flow
        self._footprint, self._finished, self._repetition = footprint, finished, repetition
        self._step_begun: float | None = None
        """When the step under way began, outside of a cycle."""
        self._process: simpy.Process | None = None

    def run(self, finished: Callable[[], bool], sample: Callable[[], None]) -> Process[None]:
        """From step to step until the time is over, or the work is done; cycles in between."""
        gc, flow, end = self._gc, self._flow, float(self._settings.duration)
        self._process = self._clock.active_process
        sample()
        while flow.now < end - 1 and not finished():
            if not flow.forced:
                yield from self._step(end)
            if self._finished.triggered:
                return
            reason = "" if gc.running else self._wanted()
            if reason or gc.running:
                ended = gc.ended
                if not gc.running:
                    gc.request(reason)
                yield ended
                for cohort in flow.cohorts():
                    cohort.cycle_ended(gc.cycles)
            yield from self._repetition.run(sample)
            sample()
        self._finished.succeed()

    def _wanted(self) -> str:
        """Why a cycle is to start now; empty if none is."""
        if self._flow.forced:
            self._flow.forced = False
            return "forced"
        return "heap" if self._pacer.heap_live >= self._gc.trigger_at - 1 else ""

    def _step(self, end: float) -> Process[None]:
        """Time passes up to the next instant that matters, or until somebody starts a cycle."""
        elapsed = self._until_next(end)
        self._step_begun = self._flow.now
        try:
            yield self._clock.timeout(elapsed)
        except simpy.Interrupt:
            return
        self._step_begun = None
        self._pass(elapsed)

    def _until_next(self, end: float) -> float:
        """ns up to the next instant that matters."""
        plan, pacer = self._flow.plan(self._ps), self._pacer
        rate = plan.live
        elapsed = min(plan.until, end - self._flow.now, LONGEST_STEP)
        room = self._gc.trigger_at - pacer.heap_live
        if rate > 0:
            # A trigger that has been passed already waits for the next allocation.
            due = room / rate if room > 0 else max(1 - plan.allocating, 0.0) * plan.pause_ns
            elapsed = min(elapsed, due + 1.0)
            if self._gc.memory_limit < MAX_INT64:
                elapsed = min(elapsed, self._cycle_length() / LOOKS_PER_CYCLE / rate)
            if self._container.memory is not None:
                elapsed = min(elapsed, max(self._container.left / 2, 1 << 18) / rate)
        return max(elapsed, 1.0)

    def catch_up(self) -> None:
        """Somebody else starts a cycle, or the run ends: the step that is under way ends here."""
        if self._step_begun is None:
            return
        elapsed, self._step_begun = self._flow.now - self._step_begun, None
        self._pass(elapsed)
        if self._process is not None:
            self._process.interrupt()

    def _pass(self, elapsed: float) -> None:
        """A step between cycles is over."""
        flow = self._flow
        idle = (self._ps - flow.planned.program) * elapsed
        flow.idle_ns += idle
        self._gc.limiter.add_idle_time(int(idle))
        flow.integrate(elapsed)
        self._look_at_memory(elapsed)

    def _cycle_length(self) -> float:
        pacer = self._pacer
        return max(float(min(pacer.heap_goal(), 1 << 44) - pacer.heap_marked), float(1 << 20))

    def _look_at_memory(self, elapsed: float) -> None:
        footprint = self._footprint
        footprint.pass_time(elapsed)
        limited = self._gc.memory_limit < MAX_INT64 or self._container.memory is not None
        if limited:
            footprint.keep_below_limit()
        self._container.look()
        if limited:
            self._gc.trigger_at = self._pacer.trigger()[0]
