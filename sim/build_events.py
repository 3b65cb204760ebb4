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

from sim.actors import goroutine as body
from sim.actors.finalizing import finalizer_body
from sim.actors.heap import LedgerHeap
from sim.actors.khugepaged import khugepaged
from sim.actors.load import BatchLoad, ClosedLoad, OpenLoad, run_batch, run_closed, run_open
from sim.actors.malloc import flush_batch
from sim.actors.mutator import GoroutinesOnPs
from sim.actors.prices import expect_fresh_spans, reprice
from sim.actors.processor import processor
from sim.actors.quota import quota
from sim.actors.reporting import report_free_runs, report_locks, report_spans
from sim.actors.scavenging import scavenger_body
from sim.actors.scheduling import spawn
from sim.actors.sweeping import sweeper_body
from sim.actors.world import (
    HEAP_LOCK_CAUSES,
    Draw,
    G,
    LockUse,
    MarkPhase,
    Memory,
    P,
    Scheduler,
    SweepBook,
    World,
)
from sim.config.run import RunConfig, stop_keeps_ps
from sim.engine.clock import Clock
from sim.go.hugepages import HugePages
from sim.go.kinds import KindTable
from sim.go.mcache import Mcaches
from sim.go.mheap import MHeap
from sim.go.pagealloc import PageAlloc
from sim.go.pool import SyncPool
from sim.go.runq import LocalQueue, Tally
from sim.go.sizeclass import SizeClassTable, size_classes
from sim.go.stacks import Stacks
from sim.go.sweep import SweepPace
from sim.go.sysmon import Sysmon, TimeSlice
from sim.machine.price import malloc_ns, set_finalizer_ns
from sim.machine.profile import MachineProfile
from sim.record.facts import Phase
from sim.record.phases import PhaseName
from sim.runtime.cycle import Collector
from sim.runtime.memory import MemoryAccounts
from sim.runtime.recording import Recording
from sim.runtime.state import Process, Runtime
from sim.runtime.sysmon import sysmon
from sim.workload import program as say
from sim.workload.distributions import Constant, Distribution
from sim.workload.finalizers import Finalizers
from sim.workload.holders import Holder, Store
from sim.workload.ledger import Law, Ledger
from sim.workload.mixes import MixBook, finalizer_mix, pool_mix

Floats = NDArray[np.float64]

DRAWS: Final = 1024
"""Values drawn at a time."""
NO_MIX: Final = -1
EXTRA_THREADS: Final = 3
"""Threads beside those that run Go code, in a program that does nothing on two Ps."""


class Events:
    """The detailed mode: goroutines on Ps, and the heap that they allocate from."""

    def __init__(self, config: RunConfig, runtime: Runtime) -> None:
        sizes = size_classes(config.go)
        self._program, self._mixes = config.program, MixBook(config.program, sizes)
        memory = make_memory(config, self._mixes, sizes, runtime.machine)
        self.world = make_world(config, memory, runtime)
        self.heap, self.mutator = LedgerHeap(self.world), GoroutinesOnPs(self.world)

    def start(self, collector: Collector, accounts: MemoryAccounts, recording: Recording) -> None:
        """Start the actors: Ps, collector, sweeper, monitor, sampler, and the main goroutine."""
        world, env = self.world, self.world.env
        world.accounts = accounts
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
        flush_batch(self.world)

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


def make_world(config: RunConfig, memory: Memory, runtime: Runtime) -> World:
    """Ps and goroutines at rest."""
    settings, env = runtime.settings, runtime.clock
    return World(
        runtime=runtime, env=env, gomaxprocs=settings.gomaxprocs, gc_percent=settings.gc_percent,
        memory_limit=settings.memory_limit, duration=settings.duration, machine=runtime.machine,
        switches=settings.switches, streams=runtime.streams, emit=runtime.emit,
        container=runtime.container, sched=make_scheduler(config, env), memory=memory,
        gc=runtime.gc, mark=MarkPhase(env.event()), sweep=SweepBook(), finished=runtime.finished,
        sweeper=G(0, "bgsweep", system=True), scavenger=G(0, "bgscavenge", system=True),
        finalizer=G(0, "finalizers", system=True), new_goroutine=_not_yet,
        pacer_name=settings.pacer_name, timeline=config.record.timeline,
    )  # fmt: skip


def make_scheduler(config: RunConfig, env: Clock) -> Scheduler:
    """Ps without work."""
    queued, sysmon = Tally(), Sysmon()
    ps = [P(i, LocalQueue(queued, i), TimeSlice(sysmon)) for i in range(config.gomaxprocs)]
    return Scheduler(ps, queued, env.event(), sysmon, stop_keeps_ps(config.go))


def _not_yet(kind: str) -> G:
    raise NotImplementedError(kind)


def make_memory(
    config: RunConfig, book: MixBook, sizes: SizeClassTable, machine: MachineProfile
) -> Memory:
    """An empty heap that knows the kinds of the program."""
    huge_pages = HugePages() if config.os.huge_pages == "always" else None
    heap, ledger = MHeap(sizes, PageAlloc(huge_pages=huge_pages)), Ledger()
    program = config.program
    classes = np.asarray([row.span_class for row in book.kinds.rows], dtype=np.int64)
    mix_kinds = [np.asarray(mix.kinds, dtype=np.int64) for mix in book.mixes]
    scan, pages = book.kinds.column("scan_bytes"), book.kinds.column("npages").astype(np.int64)
    small = np.flatnonzero(pages == 0)
    small = small[np.argsort(classes[small], kind="stable")]
    fast_path = malloc_ns(
        book.kinds.column("slot_bytes"), scan, book.kinds.column("npages"),
        book.kinds.column("objects"), machine.alloc,
    )  # fmt: skip
    finalizers = make_finalizers(book, ledger)
    fast_path += finalizers.kinds * set_finalizer_ns(
        book.kinds.column("nelems"), book.kinds.column("objects"), machine.finalizer
    )
    return Memory(
        heap=heap, stacks=Stacks(heap, config.gomaxprocs + EXTRA_THREADS),
        caches=Mcaches(heap, config.gomaxprocs), kinds=book.kinds, mixes=book.mixes,
        ledger=ledger, finalizers=finalizers, pace=SweepPace(), mix_kinds=mix_kinds,
        mix_classes=[classes[kinds] for kinds in mix_kinds],
        malloc_ns=fast_path, malloc_ns_marking=fast_path + machine.alloc.marking_ns,
        kind_slots=book.kinds.column("slot_bytes"), kind_classes=classes,
        kind_ranks=np.where(pages > 0, 0, ranks_within(classes)),
        kind_pages=pages, small_kinds=small, small_classes=np.unique(classes[small]),
        kind_scan=scan,
        kind_objects=book.kinds.column("objects"),
        lock_use=LockUse(*np.zeros((5, len(heap.nelems) + len(HEAP_LOCK_CAUSES)))),
        large_ns=np.zeros(len(book.kinds)),
        class_price=np.zeros(len(heap.nelems)), class_wait=np.zeros(len(heap.nelems)),
        large_wait=np.zeros(len(book.kinds)),
        class_live=sizes.npages * 8192 / np.maximum(sizes.nelems, 1),
        slots=[[0.0] * len(book.mixes) for _ in range(config.gomaxprocs)],
        price=[0.0] * len(book.mixes), wait_price=[0.0] * len(book.mixes),
        live_per_slot=[0.0] * len(book.mixes),
        kept=[{} for _ in book.mixes],
        holders=[{} for _ in book.mixes],
        scan_per_slot=[
            float(np.dot(mix.shares, scan[kinds]))
            for mix, kinds in zip(book.mixes, mix_kinds, strict=True)
        ],
        stores={
            name: _store(store, book.ids[store.of], ledger)
            for name, store in program.stores.items()
        },
        pools={name: SyncPool(ledger.add_owner(Law.HAZARD)) for name in program.pools},
        waste_by_class=waste_by_class(book.kinds, len(heap.nelems)),
    )  # fmt: skip


def ranks_within(classes: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many kinds before each are of its class."""
    order = np.argsort(classes, kind="stable")
    ranks = np.empty_like(classes)
    ranks[order] = np.arange(len(classes)) - np.searchsorted(classes[order], classes[order])
    return ranks


def waste_by_class(kinds: KindTable, classes: int) -> Floats:
    """Share of a used slot that was not asked for: the mean of the kinds of each class."""
    span_class = kinds.column("span_class").astype(np.int64)
    waste = 1 - kinds.column("requested_bytes") / kinds.column("slot_bytes")
    count = np.bincount(span_class, minlength=classes)
    return np.bincount(span_class, weights=waste, minlength=classes) / np.maximum(count, 1)


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


def _store(store: say.Store, mix: int, ledger: Ledger) -> Store:
    laws = {"random": Law.HAZARD, "oldest": Law.WINDOW, "none": Law.HAZARD}
    owner = ledger.add_owner(laws[store.replacement], capacity=store.size)
    return Store(owner, mix, store.size, store.replacement)


# -- the program -------------------------------------------------------------------------------


def compile_program(program: say.Program, book: MixBook, world: World) -> None:
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
        g.body = body.follow(g, steps[kind], world)
        return g

    world.new_goroutine = new_goroutine


def compile_steps(
    steps: tuple[say.Step, ...], path: str, book: MixBook, world: World
) -> tuple[Any, ...]:
    """Steps with their draws; the stream of a draw is named after its place in the program."""
    return tuple(compile_step(step, f"{path}.{i}", book, world) for i, step in enumerate(steps))


def compile_step(step: say.Step, path: str, book: MixBook, world: World) -> Any:
    """One step."""
    match step:
        case say.Work():
            mix = mix_of(step, book, world)
            return body.WorkStep(
                cpu=draw(step.cpu, f"{path}.cpu", world),
                allocate=draw(step.allocate, f"{path}.allocate", world),
                mix=mix, keep=keeper(step, mix, world), writes_per_ns=step.pointer_writes / 1e9,
            )  # fmt: skip
        case say.Spin():
            return body.SpinStep(draw(step.time, f"{path}.time", world))
        case say.Publish():
            return body.PublishStep(world.memory.stores[step.store])
        case say.Wait():
            return body.WaitStep(draw(step.time, f"{path}.time", world), step.via == "timer")
        case say.Spawn():
            return body.SpawnStep(step.goroutine, step.count, step.wait)
        case say.Borrow():
            return body.BorrowStep(
                world.memory.pools[step.pool], new_object(step.pool, book, world)
            )
        case say.Collect():
            return body.CollectStep()
        case say.Repeat():
            return body.RepeatStep(step.times, compile_steps(step.steps, path, book, world))


def mix_of(step: say.Work, book: MixBook, world: World) -> int:
    """What a step allocates."""
    if step.of is None:
        return NO_MIX
    finalizers = step.finalizer is not None and world.switches.finalizers
    return book.ids[finalizer_mix(step) if finalizers else step.of]


def new_object(pool: str, book: MixBook, world: World) -> body.WorkStep:
    """The work of allocating an object for an empty pool."""
    mix = book.ids[pool_mix(pool)]
    return body.WorkStep(
        cpu=lambda: 0.0, allocate=lambda: 1.0 / world.memory.mixes[mix].slots_per_byte, mix=mix,
        keep=body.keep_with(world.memory.pools[pool].owner, mix), writes_per_ns=0.0,
    )  # fmt: skip


def keeper(step: say.Work, mix: int, world: World) -> Callable[[G, float, World], None] | None:
    """Who keeps what a step allocates; None for what dies at once."""
    memory = world.memory
    if step.into is not None:
        return body.keep_in_store(memory.stores[step.into])
    match step.lives:
        case "step" if mix in memory.finalizers.unreachable:
            return body.keep_for_finalizers(mix)
        case "step":
            return None
        case "goroutine":
            return body.keep_in_goroutine(mix)
        case "forever":
            return body.keep_with(tenured(math.inf, mix, memory), mix)
        case law:
            return body.keep_with(tenured(law.mean(), mix, memory), mix)


def tenured(mean: float, mix: int, memory: Memory) -> int:
    """Who keeps objects of a mix that live for an exponential time, made on first use."""
    if (mean, mix) not in memory.tenured:
        memory.tenured[mean, mix] = memory.ledger.add_owner(Law.HAZARD)
    return memory.tenured[mean, mix]


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


def main(program: say.Program, book: MixBook, world: World) -> Process[None]:
    """The main goroutine, and then the load; the run ends when all batches have ended."""
    world.container.look()
    expect_fresh_spans(world)
    reprice(world)
    filling = [filler(store, program, world) for store in program.stores.values() if store.filled]
    steps = (*filling, *compile_steps(program.main, "main", book, world))
    if steps:
        g = G(0, "main")
        ready = world.env.event()
        g.on_end = lambda _: _fire(ready)
        g.body = body.follow(g, steps, world)
        spawn(g, None, world)
        yield ready
    report_locks(world)
    world.emit(Phase(PhaseName.WARM_UP, world.env.now, "load begins"))
    batches = [world.env.process(put_on(name, load, world)) for name, load in program.load.items()]
    yield simpy.AllOf(world.env, batches)
    if all(isinstance(load, say.Batch) for load in program.load.values()):
        world.finished.succeed()


def _fire(event: simpy.Event) -> None:
    event.succeed()


def filler(store: say.Store, program: say.Program, world: World) -> body.WorkStep:
    """The work of filling a store at start-up."""
    name = next(name for name, other in program.stores.items() if other is store)
    state = world.memory.stores[name]
    return body.WorkStep(
        cpu=lambda: 0.0, allocate=lambda: float(store.size), mix=state.mix,
        keep=body.keep_in_store(state), writes_per_ns=0.0,
    )  # fmt: skip


def put_on(name: str, load: say.Load, world: World) -> Process[None]:
    """The process of one load."""
    match load:
        case say.OpenLoop():
            times = partial(load.arrivals.times, world.streams[f"{name}.arrivals"])
            return run_open(OpenLoad(name, load.goroutine, times, load.via == "timer"), world)
        case say.ClosedLoop():
            think = draw(load.think, f"{name}.think", world)
            return run_closed(ClosedLoad(name, load.goroutine, load.workers, think), world)
        case say.Batch():
            batch = BatchLoad(name, load.goroutine, load.count, load.parallel, load.parallel_per_p)
            return run_batch(batch, world)
