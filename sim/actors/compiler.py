"""From a program to steps of goroutines and loads that start them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from itertools import chain, repeat
from typing import Final

from sim.actors import steps as compiled
from sim.actors.background import Sweeper
from sim.actors.computing import Computing
from sim.actors.goroutines import CompiledKind, CompiledStep, Goroutines
from sim.actors.load import BatchLoad, ClosedLoad, OpenLoad
from sim.actors.retention import Keep, Retention
from sim.actors.scheduler import Scheduler
from sim.actors.state import Draw
from sim.engine.clock import ProcessClock
from sim.runtime.state import GC
from sim.streams import Streams
from sim.workload import program as spec
from sim.workload.distributions import Constant, Distribution
from sim.workload.mixes import NO_MIX, MixBook, finalizer_mix, pool_mix

DRAWS: Final = 1024
"""Values of a distribution drawn at a time."""


class StepCompiler:
    """Steps with their draws; the stream of a draw is named after its place in the program."""

    def __init__(
        self,
        book: MixBook,
        clock: ProcessClock,
        gc: GC,
        sched: Scheduler,
        goroutines: Goroutines,
        retention: Retention,
        computing: Computing,
        sweeper: Sweeper,
        streams: Streams,
        go_ns: float,
        *,
        finalizers: bool,
    ) -> None:
        self._book, self._clock, self._gc, self._sched = book, clock, gc, sched
        self._goroutines, self._retention, self._sweeper = goroutines, retention, sweeper
        self._computing, self._streams, self._go_ns = computing, streams, round(go_ns)
        self._finalizers = finalizers

    def kind(self, name: str, kind: spec.GoroutineKind) -> CompiledKind:
        """A kind of goroutine."""
        idle_stack = kind.stack if kind.idle_stack is None else kind.idle_stack
        return CompiledKind(kind.stack, idle_stack, self.steps(kind.steps, name))

    def steps(self, steps: tuple[spec.Step, ...], path: str) -> tuple[CompiledStep, ...]:
        """The steps at a place in the program."""
        return tuple(self._step(step, f"{path}.{i}") for i, step in enumerate(steps))

    def _step(self, step: spec.Step, path: str) -> CompiledStep:
        match step:
            case spec.Work():
                return self._work(step, path)
            case spec.Append() | spec.Insert():
                cpu = self._draw(step.cpu, f"{path}.cpu")
                return compiled.GrowStep(
                    cpu, self._book.grown(step), self._computing, self._retention
                )
            case spec.Spin() | spec.Wait() | spec.Syscall():
                return self._passing(step, self._draw(step.time, f"{path}.time"))
            case spec.Publish():
                store = self._retention.stores[step.store]
                return compiled.PublishStep(store, self._retention)
            case spec.Spawn():
                return compiled.SpawnStep(
                    step.goroutine, step.count, step.wait, self._go_ns, self._goroutines
                )
            case spec.Borrow():
                pool = self._retention.pools[step.pool]
                return compiled.BorrowStep(pool, self._new_object(step.pool))
            case spec.Repeat():
                return compiled.RepeatStep(step.times, self.steps(step.steps, path))
            case _:
                return self._call(step)

    def _passing(self, step: spec.Spin | spec.Wait | spec.Syscall, time: Draw) -> CompiledStep:
        """A step in which time passes."""
        match step:
            case spec.Spin():
                return compiled.SpinStep(time, self._clock)
            case spec.Wait():
                by_timer = step.via == "timer"
                return compiled.WaitStep(time, by_timer, self._clock, self._goroutines)
            case spec.Syscall():
                return compiled.SyscallStep(time)

    def _call(self, step: spec.Collect | spec.SetGCPercent | spec.SetMemoryLimit) -> CompiledStep:
        """A call of the packages runtime and runtime/debug."""
        match step:
            case spec.Collect():
                return compiled.CollectStep(self._gc, self._goroutines, self._sweeper)
            case spec.SetGCPercent():
                return compiled.SetGCPercentStep(step.value, self._gc, self._goroutines)
            case spec.SetMemoryLimit():
                return compiled.SetMemoryLimitStep(step.value, self._gc)

    # -- work --------------------------------------------------------------------------------

    def _work(self, step: spec.Work, path: str) -> compiled.WorkStep:
        mix = self._mix_of(step)
        return compiled.WorkStep(
            cpu=self._draw(step.cpu, f"{path}.cpu"),
            allocate=self._draw(step.allocate, f"{path}.allocate"),
            mix=mix,
            keep=self._keeper(step, mix),
            writes_per_ns=step.pointer_writes / 1e9,
            computing=self._computing,
        )

    def _mix_of(self, step: spec.Work) -> int:
        """What a step allocates."""
        if step.of is None:
            return NO_MIX
        finalizers = step.finalizer is not None and self._finalizers
        return self._book.ids[finalizer_mix(step) if finalizers else step.of]

    def _allocation(self, nbytes: float, mix: int, keep: Keep) -> compiled.WorkStep:
        """Allocating so much without computing."""
        return compiled.WorkStep(
            cpu=lambda: 0.0,
            allocate=lambda: nbytes,
            mix=mix,
            keep=keep,
            writes_per_ns=0.0,
            computing=self._computing,
        )

    def _new_object(self, pool: str) -> compiled.WorkStep:
        """The work of allocating an object for an empty pool."""
        mix = self._book.ids[pool_mix(pool)]
        nbytes = 1.0 / self._book.mixes[mix].slots_per_byte
        owner = self._retention.pools[pool].owner
        return self._allocation(nbytes, mix, self._retention.keep_with(owner, mix))

    def filling(self, name: str, nbytes: float) -> compiled.WorkStep:
        """The work of filling a store at start-up."""
        store = self._retention.stores[name]
        return self._allocation(nbytes, store.mix, self._retention.keep_in(store))

    def _keeper(self, step: spec.Work, mix: int) -> Keep | None:
        """Who keeps what a step allocates; None for what dies at once."""
        retention = self._retention
        if step.into is not None:
            return retention.keep_in(retention.stores[step.into])
        match step.lives:
            case "step":
                return retention.keep_for_finalizers(mix)
            case "goroutine":
                return retention.keep_in_goroutine(mix)
            case "forever":
                return retention.keep_with(retention.tenured(math.inf, mix), mix)
            case law:
                return retention.keep_with(retention.tenured(law.mean(), mix), mix)

    # -- draws and loads ---------------------------------------------------------------------

    def _draw(self, distribution: Distribution, stream: str) -> Draw:
        """The next values of a distribution, drawn in blocks from a stream of its own."""
        if isinstance(distribution, Constant):
            value = float(distribution.value)
            return repeat(value).__next__
        rng = self._streams[stream]

        def blocks() -> Iterator[list[float]]:
            while True:
                yield distribution.quantile(rng.random(DRAWS)).tolist()

        return chain.from_iterable(blocks()).__next__

    def load(self, name: str, load: spec.Load, procs: int) -> OpenLoad | ClosedLoad | BatchLoad:
        """Who starts goroutines on so many Ps."""
        kind, clock, goroutines = load.goroutine, self._clock, self._goroutines
        match load:
            case spec.OpenLoop():
                times = partial(load.arrivals.times, self._streams[f"{name}.arrivals"])
                by_timer = load.via == "timer"
                return OpenLoad(name, kind, times, by_timer, clock, self._sched, goroutines)
            case spec.ClosedLoop():
                think = self._draw(load.think, f"{name}.think")
                return ClosedLoad(name, kind, load.workers, think, clock, goroutines)
            case spec.Batch():
                lanes = load.lanes(procs)
                return BatchLoad(name, kind, load.count, lanes, clock, goroutines)
