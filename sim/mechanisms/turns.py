"""Who acts next: goroutines, the collector, the sweeper, finalizers."""

from __future__ import annotations

from collections import deque

from sim.errors import UserError, nearest
from sim.go.pacer.go127 import BACKGROUND_UTILIZATION
from sim.mechanisms.goruntime import GoRuntime
from sim.mechanisms.program import ScenarioProgram
from sim.mechanisms.script import ScenarioSettings

GC, SWEEPER, FINALIZERS = "gc", "sweeper", "finalizers"


class GoroutineOrder:
    """By the scenario's schedule as long as it has one, then by its rule."""

    def __init__(
        self, settings: ScenarioSettings, runtime: GoRuntime, program: ScenarioProgram
    ) -> None:
        self.settings, self.runtime, self.program = settings, runtime, program
        self.schedule = deque(settings.schedule)
        self.program_next = True
        self.last = ""
        """The goroutine that ran last."""

    def next(self) -> str | None:
        """Who acts next; None when nobody has anything left to do."""
        program, runtime = self.program.runnable(), self._runtime_ready()
        if self.schedule:
            return self._scheduled(self.schedule.popleft(), [*program, *runtime])
        if self.runtime.cycle.stopped or self.runtime.cycle.wanted:
            return GC  # who triggers a cycle starts it (runtime/malloc.go: mallocgc, gcStart)
        if not (program and runtime):
            return self._goroutine(program) if program else next(iter(runtime), None)
        if self.settings.turns == "program-first" and runtime[0] == SWEEPER:
            return self._goroutine(program)
        if self.settings.turns == "share" and runtime[0] == GC:
            return GC if self._below_its_share() else self._goroutine(program)
        self.program_next = not self.program_next
        return runtime[0] if self.program_next else self._goroutine(program)

    def _runtime_ready(self) -> list[str]:
        cycle = self.runtime.cycle
        ready = []
        if cycle.wanted or cycle.marks:
            ready.append(GC)
        elif not self.runtime.heap.mheap.sweeping.done:
            ready.append(SWEEPER)
        if cycle.finalizers.queue and not cycle.marks:
            ready.append(FINALIZERS)
        return ready

    def _below_its_share(self) -> bool:
        """Background marking gets a quarter of the CPU time (runtime/mgcpacer.go)."""
        cycle = self.runtime.cycle
        if not cycle.marks:
            return True
        return cycle.mark_ns <= BACKGROUND_UTILIZATION * (self.runtime.now - cycle.began)

    def _goroutine(self, ready: list[str]) -> str:
        """The next one after the one that ran last."""
        names = list(self.program.goroutines)
        start = names.index(self.last) + 1 if self.last in names else 0
        order = [*names[start:], *names[:start]]
        self.last = next(name for name in order if name in ready)
        return self.last

    def _scheduled(self, name: str, ready: list[str]) -> str:
        if name not in ready:
            known = nearest(name, ready) if ready else ""
            raise UserError(f"settings.schedule: {name} has nothing to do at its turn{known}")
        return name
