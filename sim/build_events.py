"""The detailed mode: from a program to goroutines on Ps, a heap and the actors around them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat
from typing import Any, Final

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.actors import goroutine
from sim.actors.background import (
    finalizer_body,
    queue_finalizers,
    scavenger_body,
    sweeper_body,
)
from sim.actors.faults import PageFaults
from sim.actors.heap import LedgerHeap
from sim.actors.khugepaged import khugepaged
from sim.actors.kinds import KindColumns, kind_columns
from sim.actors.load import BatchLoad, ClosedLoad, OpenLoad, run_batch, run_closed, run_open
from sim.actors.locks import Locks
from sim.actors.malloc import Allocator
from sim.actors.memory import Memory
from sim.actors.mutator import GoroutinesOnPs
from sim.actors.prices import Prices
from sim.actors.processor import processor
from sim.actors.quota import quota
from sim.actors.reporting import report_free_runs, report_locks, report_spans
from sim.actors.retention import Retention
from sim.actors.scavenging import Scavenging
from sim.actors.scheduling import spawn
from sim.actors.stacks import GoroutineStacks
from sim.actors.state import Draw, G, MarkPhase, P, Scheduler
from sim.actors.sweeping import Sweeping
from sim.actors.world import World
from sim.config.run import RunConfig, stop_keeps_ps
from sim.engine.clock import Clock
from sim.go.hugepages import HugePages
from sim.go.mcache import Mcaches
from sim.go.mheap import MHeap
from sim.go.pagealloc import PageAlloc
from sim.go.pool import SyncPool
from sim.go.runq import LocalQueue, Tally
from sim.go.sizeclass import SizeClassTable, size_classes
from sim.go.stacks import EXTRA_THREADS, Stacks
from sim.go.sysmon import Sysmon, TimeSlice
from sim.record.facts import Phase
from sim.record.phases import PhaseName
from sim.runtime.cycle import Collector
from sim.runtime.memory import MemoryAccounts
from sim.runtime.recording import Recording
from sim.runtime.state import Process, Runtime
from sim.runtime.sysmon import sysmon
from sim.workload import program as spec
from sim.workload.distributions import Constant, Distribution
from sim.workload.finalizers import Finalizers
from sim.workload.holders import Holder, Store
from sim.workload.ledger import Law, Ledger
from sim.workload.mixes import MixBook, finalizer_mix, pool_mix

Floats = NDArray[np.float64]

DRAWS: Final = 1024
"""Values drawn at a time."""
NO_MIX: Final = -1


class Events:
    """The detailed mode: goroutines on Ps, and the heap that they allocate from."""

    def __init__(self, config: RunConfig, runtime: Runtime) -> None:
        sizes = size_classes(config.go)
        self._program, self._mixes = config.program, MixBook(config.program, sizes)
        self.world = make_world(config, self._mixes, sizes, runtime)
        self.heap, self.mutator = LedgerHeap(self.world), GoroutinesOnPs(self.world)

    def start(self, collector: Collector, accounts: MemoryAccounts, recording: Recording) -> None:
        """Start the actors: Ps, collector, sweeper, monitor, sampler, and the main goroutine."""
        world, env = self.world, self.world.env
        world.accounts = world.allocator.accounts = accounts
        world.sweeping.on_swept = partial(queue_finalizers, world)
        compile_program(self._program, self._mixes, world)
        for p in world.sched.ps:
            p.process = env.process(processor(p, world))
        env.process(collector.run())
        world.sweeper.body = sweeper_body(world.sweeper, world)
        spawn(world.sweeper, None, world)
        world.scavenger.body = scavenger_body(world.scavenger, world)
        spawn(world.scavenger, None, world)
        if world.memory.finalizers.unreachable:
            world.finalizer.body = finalizer_body(world.finalizer, world)
            spawn(world.finalizer, None, world)
        env.process(sysmon(world.runtime))
        huge_pages = world.memory.heap.pages.huge_pages
        if huge_pages is not None:
            env.process(khugepaged(huge_pages, world))
        if world.container.cpus is not None:
            env.process(quota(world, self.mutator))
        if world.runtime.settings.sampling:
            env.process(sampler(world.runtime, recording))
        env.process(main(self._program, self._mixes, world))

    def finish(self) -> None:
        """The last batch belongs to the run."""
        self.world.allocator.flush_batch()

    def report(self) -> None:
        """Spans, free pages and locks as they are at the end."""
        report_spans(self.world)
        report_free_runs(self.world)
        report_locks(self.world)


def sampler(runtime: Runtime, recording: Recording) -> Process[None]:
    """Take a sample at regular instants."""
    while True:
        recording.sample()
        yield runtime.clock.timeout(runtime.settings.sampling)


def make_world(config: RunConfig, mixes: MixBook, sizes: SizeClassTable, run: Runtime) -> World:
    """Ps and goroutines at rest, and an empty heap that knows the kinds of the program."""
    settings, machine, clock, streams = run.settings, run.machine, run.clock, run.streams
    memory = make_memory(config, mixes, sizes)
    heap = memory.heap
    kinds = kind_columns(mixes, memory.finalizers.kinds, len(heap.nelems), machine)
    faults = PageFaults(heap.pages, machine)
    prices = Prices(kinds, heap, sizes, faults, machine.alloc)
    locks = Locks(
        clock, heap, machine.page, settings.gomaxprocs, settings.switches, streams["locks"]
    )
    retention = make_retention(config.program, mixes, kinds, memory, run)
    sweeping = Sweeping(heap, run.gc, machine.sweep)
    scavenging = Scavenging(heap, run.gc, settings, machine.page.scavenge_ns)
    return World(
        runtime=run,
        env=clock,
        gomaxprocs=settings.gomaxprocs,
        machine=machine,
        switches=settings.switches,
        streams=streams,
        emit=run.emit,
        container=run.container,
        gc=run.gc,
        finished=run.finished,
        pacer_name=settings.pacer_name,
        sched=make_scheduler(config, clock),
        mark=MarkPhase(clock.event()),
        kinds=kinds,
        memory=memory,
        stacks=GoroutineStacks(memory.stacks, run.container, faults, machine.mark),
        prices=prices,
        locks=locks,
        retention=retention,
        sweeping=sweeping,
        scavenging=scavenging,
        allocator=Allocator(
            run, memory, kinds, prices, locks, retention, sweeping, scavenging, faults
        ),
        sweeper=G(0, "bgsweep", system=True),
        scavenger=G(0, "bgscavenge", system=True),
        finalizer=G(0, "finalizers", system=True),
        new_goroutine=_not_yet,
        timeline=config.record.timeline,
    )


def make_scheduler(config: RunConfig, env: Clock) -> Scheduler:
    """Ps without work."""
    queued, sysmon = Tally(), Sysmon()
    ps = [P(i, LocalQueue(queued, i), TimeSlice(sysmon)) for i in range(config.gomaxprocs)]
    return Scheduler(ps, queued, env.event(), sysmon, stop_keeps_ps(config.go))


def _not_yet(kind: str) -> G:
    raise NotImplementedError(kind)


def make_memory(config: RunConfig, mixes: MixBook, sizes: SizeClassTable) -> Memory:
    """An empty heap."""
    huge_pages = HugePages() if config.os.huge_pages == "always" else None
    heap, ledger = MHeap(sizes, PageAlloc(huge_pages=huge_pages)), Ledger()
    return Memory(
        heap,
        Mcaches(heap, config.gomaxprocs),
        Stacks(heap, config.gomaxprocs + EXTRA_THREADS),
        ledger,
        make_finalizers(mixes, ledger),
    )


def make_retention(
    program: spec.Program, mixes: MixBook, kinds: KindColumns, memory: Memory, run: Runtime
) -> Retention:
    """Empty stores and pools."""
    ledger = memory.ledger
    retention = Retention(run.clock, kinds, ledger, memory.finalizers, run.streams["replacement"])
    for name, store in program.stores.items():
        retention.stores[name] = _store(store, mixes.ids[store.of], ledger)
    for name in program.pools:
        retention.pools[name] = SyncPool(ledger.add_owner(Law.HAZARD))
    return retention


def make_finalizers(book: MixBook, ledger: Ledger) -> Finalizers:
    """No finalizer is due yet."""
    has, took = np.zeros(len(book.kinds), dtype=np.bool_), np.zeros(len(book.kinds))
    owner = np.zeros(len(book.kinds), dtype=np.int64)
    for mix, ns in book.finalizers.items():
        kinds = list(book.mixes[mix].kinds)
        has[kinds], took[kinds], owner[kinds] = True, ns, ledger.add_owner(Law.HAZARD)
    finalizers = Finalizers(has, took, owner)
    finalizers.unreachable = {mix: Holder() for mix in book.finalizers}
    finalizers.watch(ledger)
    return finalizers


def _store(store: spec.Store, mix: int, ledger: Ledger) -> Store:
    laws = {"random": Law.HAZARD, "oldest": Law.WINDOW, "none": Law.HAZARD}
    owner = ledger.add_owner(laws[store.replacement], capacity=store.size)
    return Store(owner, mix, store.size, store.replacement)


# -- the program -------------------------------------------------------------------------------


def compile_program(program: spec.Program, book: MixBook, world: World) -> None:
    """Give the world its factory of goroutines."""
    steps = {
        name: compile_steps(kind.steps, name, book, world)
        for name, kind in program.goroutines.items()
    }

    def new_goroutine(kind: str) -> G:
        world.sched.created += 1
        uses = program.goroutines[kind]
        idle = uses.stack if uses.idle_stack is None else uses.idle_stack
        g = G(world.sched.created, kind, stack=uses.stack, idle_stack=idle)
        g.body = goroutine.follow(g, steps[kind], world)
        return g

    world.new_goroutine = new_goroutine


def compile_steps(
    steps: tuple[spec.Step, ...], path: str, book: MixBook, world: World
) -> tuple[Any, ...]:
    """Steps with their draws; the stream of a draw is named after its place in the program."""
    return tuple(compile_step(step, f"{path}.{i}", book, world) for i, step in enumerate(steps))


def compile_step(step: spec.Step, path: str, book: MixBook, world: World) -> Any:
    """One step."""
    match step:
        case spec.Work():
            mix = mix_of(step, book, world)
            return goroutine.WorkStep(
                cpu=draw(step.cpu, f"{path}.cpu", world),
                allocate=draw(step.allocate, f"{path}.allocate", world),
                mix=mix,
                keep=holder_of(step, mix, world),
                writes_per_ns=step.pointer_writes / 1e9,
            )
        case spec.Spin():
            return goroutine.SpinStep(draw(step.time, f"{path}.time", world))
        case spec.Publish():
            return goroutine.PublishStep(world.retention.stores[step.store])
        case spec.Wait():
            return goroutine.WaitStep(draw(step.time, f"{path}.time", world), step.via == "timer")
        case spec.Spawn():
            return goroutine.SpawnStep(step.goroutine, step.count, step.wait)
        case spec.Borrow():
            return goroutine.BorrowStep(
                world.retention.pools[step.pool], new_object(step.pool, book, world)
            )
        case spec.Collect():
            return goroutine.CollectStep()
        case spec.Repeat():
            return goroutine.RepeatStep(step.times, compile_steps(step.steps, path, book, world))


def mix_of(step: spec.Work, book: MixBook, world: World) -> int:
    """What a step allocates."""
    if step.of is None:
        return NO_MIX
    finalizers = step.finalizer is not None and world.switches.finalizers
    return book.ids[finalizer_mix(step) if finalizers else step.of]


def new_object(pool: str, book: MixBook, world: World) -> goroutine.WorkStep:
    """The work of allocating an object for an empty pool."""
    mix = book.ids[pool_mix(pool)]
    return goroutine.WorkStep(
        cpu=lambda: 0.0,
        allocate=lambda: 1.0 / world.kinds.mixes[mix].slots_per_byte,
        mix=mix,
        keep=goroutine.keep_with(world.retention.pools[pool].owner, mix),
        writes_per_ns=0.0,
    )


def holder_of(step: spec.Work, mix: int, world: World) -> Callable[[G, float, World], None] | None:
    """Who keeps what a step allocates; None for what dies at once."""
    if step.into is not None:
        return goroutine.keep_in_store(world.retention.stores[step.into])
    match step.lives:
        case "step" if mix in world.memory.finalizers.unreachable:
            return goroutine.keep_for_finalizers(mix)
        case "step":
            return None
        case "goroutine":
            return goroutine.keep_in_goroutine(mix)
        case "forever":
            return goroutine.keep_with(world.retention.tenured(math.inf, mix), mix)
        case law:
            return goroutine.keep_with(world.retention.tenured(law.mean(), mix), mix)


def draw(distribution: Distribution, stream: str, world: World) -> Draw:
    """The next values of a distribution, drawn in blocks from a stream of its own."""
    if isinstance(distribution, Constant):
        value = float(distribution.value)
        return repeat(value).__next__
    rng = world.streams[stream]

    def values() -> Iterator[float]:
        while True:
            yield from distribution.quantile(rng.random(DRAWS)).tolist()

    return values().__next__


def main(program: spec.Program, book: MixBook, world: World) -> Process[None]:
    """The main goroutine, and then the load; the run ends when all batches have ended."""
    world.container.look()
    world.prices.expect_fresh_spans()
    world.allocator.reprice()
    filling = [filler(store, program, world) for store in program.stores.values() if store.filled]
    steps = (*filling, *compile_steps(program.main, "main", book, world))
    if steps:
        g = G(0, "main")
        ready = world.env.event()
        g.on_end = lambda _: _fire(ready)
        g.body = goroutine.follow(g, steps, world)
        spawn(g, None, world)
        yield ready
    report_locks(world)
    world.emit(Phase(PhaseName.WARM_UP, world.env.now, "load begins"))
    batches = [world.env.process(put_on(name, load, world)) for name, load in program.load.items()]
    yield simpy.AllOf(world.env, batches)
    batches_only = all(isinstance(load, spec.Batch) for load in program.load.values())
    if batches_only and not world.finished.triggered:
        world.finished.succeed()


def _fire(event: simpy.Event) -> None:
    event.succeed()


def filler(store: spec.Store, program: spec.Program, world: World) -> goroutine.WorkStep:
    """The work of filling a store at start-up."""
    name = next(name for name, other in program.stores.items() if other is store)
    state = world.retention.stores[name]
    return goroutine.WorkStep(
        cpu=lambda: 0.0,
        allocate=lambda: float(store.size),
        mix=state.mix,
        keep=goroutine.keep_in_store(state),
        writes_per_ns=0.0,
    )


def put_on(name: str, load: spec.Load, world: World) -> Process[None]:
    """The process of one load."""
    match load:
        case spec.OpenLoop():
            times = partial(load.arrivals.times, world.streams[f"{name}.arrivals"])
            return run_open(OpenLoad(name, load.goroutine, times, load.via == "timer"), world)
        case spec.ClosedLoop():
            think = draw(load.think, f"{name}.think", world)
            return run_closed(ClosedLoad(name, load.goroutine, load.workers, think), world)
        case spec.Batch():
            batch = BatchLoad(name, load.goroutine, load.count, load.parallel, load.parallel_per_p)
            return run_batch(batch, world)
