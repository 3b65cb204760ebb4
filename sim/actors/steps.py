"""What goroutines of the program do, step by step: a body yields demands to its P (`Demand`)."""

from __future__ import annotations

from dataclasses import dataclass

from sim.actors.background import Sweeper
from sim.actors.computing import Computing
from sim.actors.goroutines import CompiledStep, Goroutines
from sim.actors.retention import Keep, Retention
from sim.actors.state import Body, Draw, G, SystemCall
from sim.engine.clock import ProcessClock
from sim.go.pool import SyncPool
from sim.runtime.state import GC
from sim.units import Bytes, Nanoseconds
from sim.workload.mixes import NO_MIX, Stage
from sim.workload.retention import Holder, StoreState


@dataclass(frozen=True, slots=True)
class WorkStep:
    """`work`: compute, and allocate on the way."""

    cpu: Draw
    """CPU time in ns."""
    allocate: Draw
    """Bytes asked for."""
    mix: int
    keep: Keep | None
    """Who keeps the objects; None: nobody."""
    writes_per_ns: float
    """Pointer writes."""
    computing: Computing

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        return self.computing.work(
            g, self.cpu(), self.allocate(), self.mix, self.keep, self.writes_per_ns
        )


@dataclass(frozen=True, slots=True)
class GrowStep:
    """`append`, `insert`: arrays, each garbage when the next has taken over what was in it.

    The goroutine keeps those of the last stage until it ends.
    """

    cpu: Draw
    """CPU time in ns."""
    stages: list[Stage]
    computing: Computing
    retention: Retention

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        computing, cpu = self.computing, self.cpu()
        before: list[Holder] = []
        mix = NO_MIX
        for stage in self.stages:
            now = [Holder() for _ in range(stage.arrays.number)]
            each = len(now) // max(len(before), 1)
            for number, holder in enumerate(now, 1):
                keep = self._keep(stage, holder)
                yield from computing.work(g, 0.0, float(stage.arrays.size), stage.mix, keep, 0.0)
                if before and number % each == 0:
                    self.retention.let_go(before.pop(), mix)
            yield from computing.work(g, cpu * stage.share, 0.0, NO_MIX, None, 0.0)
            before, mix = now, stage.mix

    def _keep(self, stage: Stage, holder: Holder) -> Keep:
        """Who keeps an array: for a while, or to the end of the goroutine."""
        if stage is self.stages[-1]:
            return self.retention.keep_in_goroutine(stage.mix)
        return self.retention.keep_apart(holder, stage.mix)


@dataclass(frozen=True, slots=True)
class SpinStep:
    """`spin`: stay on the P until the time has come; who is preempted looks at the clock later."""

    time: Draw
    clock: ProcessClock

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        clock = self.clock
        end = clock.now + round(self.time())
        g.spinning = True
        while clock.now < end:
            left = g.p.slice.end - clock.now  # type: ignore[union-attr]
            ns = min(end - clock.now, left) if left > 0 else end - clock.now
            g.on_cpu += ns
            yield ns
        g.spinning = False


@dataclass(frozen=True, slots=True)
class PublishStep:
    """`publish`: what the goroutine keeps is the store's from now on."""

    store: StoreState
    retention: Retention

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        self.retention.publish(g, self.store)
        yield from ()


@dataclass(frozen=True, slots=True)
class WaitStep:
    """`wait`: block off the P."""

    time: Draw
    by_timer: bool
    clock: ProcessClock
    goroutines: Goroutines

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        delay, goroutines = round(self.time()), self.goroutines
        if delay <= 0:
            return
        goroutines.block(g)
        timer, p = self.clock.timeout(delay), g.p
        assert p is not None
        if self.by_timer:
            timer.callbacks.append(lambda _: goroutines.unblock_by_timer(g, p))
        else:
            timer.callbacks.append(lambda _: goroutines.unblock(g, None))
        yield None


@dataclass(frozen=True, slots=True)
class SyscallStep:
    """`syscall`: block, and keep the P as long as nobody takes it away."""

    time: Draw

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        ns = round(self.time())
        if ns > 0:
            yield SystemCall(ns)


@dataclass(frozen=True, slots=True)
class SpawnStep:
    """`spawn`: start other goroutines, and wait for them where the step says so."""

    kind: str
    count: int
    wait: bool
    go_ns: Nanoseconds
    """CPU time of a `go` statement."""
    goroutines: Goroutines

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        goroutines = self.goroutines
        if self.wait:
            g.children += self.count
        for _ in range(self.count):
            child = goroutines.new(self.kind)
            child.parent = g if self.wait else None
            g.on_cpu += self.go_ns
            yield self.go_ns
            goroutines.spawn(child, g.p)
        if self.wait and g.children:
            goroutines.block(g)
            yield None


@dataclass(frozen=True, slots=True)
class BorrowStep:
    """`borrow`: take an object from a pool; an empty pool allocates a new one."""

    pool: SyncPool
    new: WorkStep
    """The making of an object for it."""

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        g.lent.append(self.pool)
        assert g.p is not None
        if not self.pool.get(g.p.id):
            yield from self.new.run(g)


@dataclass(frozen=True, slots=True)
class CollectStep:
    """`collect` (runtime.GC): run the next cycle, or join others who do; sweep all it left."""

    gc: GC
    goroutines: Goroutines
    sweeper: Sweeper

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        gc = self.gc
        cycle = gc.cycles + gc.running + 1
        while gc.cycles < cycle:
            if not gc.running:
                gc.request("forced", g)
            yield from self.goroutines.wait_for(g, gc.ended)
        if gc.cycles == cycle:
            yield from self.sweeper.sweep(g, "call")


@dataclass(frozen=True, slots=True)
class SetGCPercentStep:
    """`setgcpercent` (runtime/mgcpacer.go: setGCPercent)."""

    percent: int
    gc: GC
    goroutines: Goroutines

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        gc = self.gc
        gc.set_gc_percent(self.percent)
        if self.percent < 0 and gc.running:  # no collection runs when it returns (gcWaitOnMark)
            yield from self.goroutines.wait_for(g, gc.ended)


@dataclass(frozen=True, slots=True)
class SetMemoryLimitStep:
    """`setmemorylimit` (runtime/mgcpacer.go: setMemoryLimit)."""

    limit: Bytes
    gc: GC

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        self.gc.set_memory_limit(self.limit)
        yield from ()


@dataclass(frozen=True, slots=True)
class RepeatStep:
    """`repeat`: steps so many times."""

    times: int
    steps: tuple[CompiledStep, ...]

    def run(self, g: G) -> Body:
        """See `CompiledStep`."""
        for _ in range(self.times):
            for step in self.steps:
                yield from step.run(g)
