"""The main goroutine, and then the load: how a program runs from its start to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import simpy

from sim.actors.compiler import StepCompiler
from sim.actors.goroutines import CompiledStep, Goroutines, follow
from sim.actors.state import G
from sim.engine.clock import ProcessClock
from sim.record.facts import Phase
from sim.record.phases import PhaseName
from sim.runtime.state import Process
from sim.workload import program as spec


class ProgramRun:
    """Fills stores, runs the main goroutine, starts the load, and ends when all batches have."""

    def __init__(
        self,
        program: spec.Program,
        clock: ProcessClock,
        goroutines: Goroutines,
        compiler: StepCompiler,
        emit: Callable[[Any], None],
        finished: simpy.Event,
    ) -> None:
        self._program, self._clock, self._emit = program, clock, emit
        self._goroutines, self._compiler, self._finished = goroutines, compiler, finished

    def run(self, ps: int, report_locks: Callable[[], None]) -> Process[None]:
        """From start to end on so many Ps; waits for locks are counted anew when load begins."""
        clock, program, compiler = self._clock, self._program, self._compiler
        steps = (*self._filling(), *compiler.steps(program.main, "main"))
        if steps:
            yield self._run_main(steps)
        report_locks()
        self._emit(Phase(PhaseName.WARM_UP, clock.now, "load begins"))
        loads = [compiler.load(name, load, ps) for name, load in program.load.items()]
        yield simpy.AllOf(clock, [clock.process(load.run()) for load in loads])
        batches_only = all(isinstance(load, spec.Batch) for load in program.load.values())
        if batches_only and not self._finished.triggered:
            self._finished.succeed()

    def _filling(self) -> Iterator[CompiledStep]:
        """Stores are filled at start-up."""
        for name, store in self._program.stores.items():
            if store.filled:
                yield self._compiler.filling(name, float(store.size))

    def _run_main(self, steps: tuple[CompiledStep, ...]) -> simpy.Event:
        """Start the main goroutine; the event fires when it has ended."""
        g, ended = G(0, "main"), self._clock.event()
        g.on_end = lambda _: _fire(ended)
        g.body = follow(g, steps)
        self._goroutines.spawn(g, None)
        return ended


def _fire(event: simpy.Event) -> None:
    """It has happened."""
    event.succeed()
