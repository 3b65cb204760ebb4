"""The detailed mode: from a program to goroutines on Ps, a heap and the actors around them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import simpy

from sim.actors.allocator import Allocator
from sim.actors.assist_credit import AssistCredit
from sim.actors.background import FinalizerCaller, Scavenger, Sweeper
from sim.actors.black import BlackSlots
from sim.actors.compiler import StepCompiler
from sim.actors.computing import Computing
from sim.actors.faults import PageFaults
from sim.actors.goroutines import CompiledStep, Goroutines, follow
from sim.actors.heap import LedgerHeap
from sim.actors.heap_report import HeapReport
from sim.actors.idle import IdleTime
from sim.actors.khugepaged import khugepaged
from sim.actors.kinds import KindColumns, kind_columns
from sim.actors.locks import Locks
from sim.actors.mallocgc import MallocGC
from sim.actors.mark_accounts import MarkAccounts
from sim.actors.mark_workers import MarkWorkers
from sim.actors.memory import Memory
from sim.actors.mutator import GoroutinesOnPs
from sim.actors.placement import Placement
from sim.actors.prices import Prices
from sim.actors.processor import Processor
from sim.actors.quota import quota
from sim.actors.reachable import Reachable
from sim.actors.refill_costs import RefillCosts
from sim.actors.refills import SingleRefills
from sim.actors.retention import Retention
from sim.actors.scavenging import Scavenging
from sim.actors.scheduler import Scheduler
from sim.actors.stacks import GoroutineStacks
from sim.actors.state import G, MarkState, P
from sim.actors.sweeping import Sweeping
from sim.actors.timeline import Timeline
from sim.config.run import RunConfig, stop_keeps_ps
from sim.engine.clock import Clock
from sim.go.hugepages import HugePages
from sim.go.mcache import Mcaches
from sim.go.mheap import MHeap
from sim.go.pagealloc import PageAlloc
from sim.go.pool import SyncPool
from sim.go.sizeclass import SizeClassTable, size_classes
from sim.go.stacks import EXTRA_THREADS, Stacks
from sim.record.facts import Phase
from sim.record.phases import PhaseName
from sim.runtime.cycle import Collector
from sim.runtime.memory import MemoryAccounts
from sim.runtime.recording import Recording
from sim.runtime.state import Process, Runtime
from sim.runtime.sysmon import sysmon
from sim.streams import Streams
from sim.units import Nanoseconds
from sim.workload import program as spec
from sim.workload.finalizers import Finalizers
from sim.workload.ledger import Law, Ledger
from sim.workload.mixes import MixBook
from sim.workload.retention import Holder, StoreState


class Events:
    """The detailed mode: makes all its parts, hands each those that it uses, and starts them."""

    def __init__(self, config: RunConfig, runtime: Runtime) -> None:
        self.runtime, self._config, self._program = runtime, config, config.program
        self._clock, self._gc, self._machine = runtime.clock, runtime.gc, runtime.machine
        self._on, self._streams = runtime.settings.switches, runtime.streams
        sizes = size_classes(config.go)
        self._book = MixBook(config.program, sizes)
        self._make_heap(sizes)
        self._make_allocator()
        self._make_scheduler()
        self._make_markers()
        self._make_background()
        self._make_program()
        self.heap, self.mutator = self._heap_of_collector(), self._mutator_of_collector()

    # -- making ------------------------------------------------------------------------------

    def _make_heap(self, sizes: SizeClassTable) -> None:
        """An empty heap that knows the kinds of the program, and what it costs."""
        run, machine = self.runtime, self._machine
        self.memory = make_memory(self._config, self._book, sizes)
        heap = self.memory.heap
        self.kinds = kind_columns(
            self._book, self.memory.finalizers.kinds, len(heap.nelems), machine
        )
        self._faults = PageFaults(heap.pages, machine)
        self._prices = Prices(self.kinds, heap, sizes, self._faults, machine.alloc)
        ps, locks = run.settings.gomaxprocs, self._streams["locks"]
        self.locks = Locks(self._clock, heap, machine.page, ps, self._on, locks)
        self.retention = make_retention(
            self._program, self._book, self.kinds, self.memory, self._clock, self._streams
        )
        self.sweeping = Sweeping(heap, self._gc, machine.sweep)
        self._scavenging = Scavenging(heap, self._gc, run.settings, machine.page.scavenge_ns)
        self._black = BlackSlots(heap.spans)

    def _make_allocator(self) -> None:
        """Batches, what they cost, and where they lie."""
        run, machine = self.runtime, self._machine
        self.refill_costs = RefillCosts(
            self.locks,
            self.sweeping,
            self._faults,
            machine.alloc,
            machine.sweep,
        )
        self._refills: SingleRefills | None = None
        if self._on.resolution == "refill":
            rng = self._streams["kinds"]
            self._refills = SingleRefills(
                self.memory.caches, self.kinds, self.refill_costs, self.sweeping, rng
            )
        placement = Placement(
            self._gc,
            self.memory,
            self.kinds,
            self._prices,
            self.refill_costs,
            self._refills,
            self.retention,
            self._black,
            self._streams,
            allocate_black=self._on.black_allocation,
        )
        self._allocator = Allocator(
            self._gc,
            run.container,
            run.settings,
            self.memory,
            self.kinds,
            self._prices,
            self.locks,
            placement,
            self._refills,
            self.retention,
            self.sweeping,
            self._scavenging,
        )

    def _make_scheduler(self) -> None:
        """Ps without work."""
        run, machine = self.runtime, self._machine
        self.mark = MarkState(self._clock.event())
        self._bgsweep = G(0, "bgsweep", system=True)
        self.sched = Scheduler(
            self._clock,
            run.settings.gomaxprocs,
            machine.sched,
            self.mark,
            self._bgsweep,
            self._streams["steal"],
            stop_keeps_ps=stop_keeps_ps(self._config.go),
        )
        stacks = GoroutineStacks(self.memory.stacks, run.container, self._faults, machine.mark)
        self.goroutines = Goroutines(self._clock, self.sched, stacks, self.retention, run.finished)
        self._idle = IdleTime(self._clock, self.sched, self._gc.limiter)
        wanted = self._config.record.timeline
        heap = self.memory.heap
        self._timeline = Timeline(self._clock, run.emit, heap, self._black, wanted=wanted)

    def _make_markers(self) -> None:
        """Mark workers and assists."""
        clock, gc, mark, sched = self._clock, self._gc, self.mark, self.sched
        self.accounts = MarkAccounts(clock, gc, mark, sched, self._idle, self._timeline)
        self._workers = MarkWorkers(clock, gc, mark, sched, self.accounts)
        self.credit = AssistCredit(clock, gc, mark, self.accounts, self.runtime.settings)

    def _make_background(self) -> None:
        """The runtime's own goroutines."""
        machine, memory, heap = self._machine, self.memory, self.memory.heap
        self._bgscavenge = G(0, "bgscavenge", system=True)
        self._scavenger = Scavenger(
            self._bgscavenge,
            self._clock,
            self.goroutines,
            self._scavenging,
            self.runtime.settings.gomaxprocs,
        )
        self._sweeper = Sweeper(
            self._bgsweep,
            heap,
            self.sweeping,
            self.sched,
            self.goroutines,
            self._scavenger,
            machine.sweep,
        )
        self._finalizer = G(0, "finalizers", system=True)
        self._finalizers = FinalizerCaller(
            self._finalizer,
            self._gc,
            heap,
            memory.finalizers,
            memory.ledger,
            self.goroutines,
            machine.finalizer.run_ns,
        )

    def _make_program(self) -> None:
        """What goroutines of the program do, compiled."""
        run = self.runtime
        malloc = MallocGC(
            self._clock,
            self._gc,
            self.sched,
            self.kinds,
            self.credit,
            self._allocator,
            self.locks,
            self._scavenging,
            self._refills,
        )
        computing = Computing(
            self._clock,
            self._gc,
            run.container,
            run.settings,
            self.kinds,
            self._prices,
            self.credit,
            malloc,
        )
        self._compiler = StepCompiler(
            self._book,
            self._clock,
            self._gc,
            self.sched,
            self.goroutines,
            self.retention,
            computing,
            self._sweeper,
            self._streams,
            self._machine.sched.go_ns,
            finalizers=self._on.finalizers,
        )
        for name, kind in self._program.goroutines.items():
            self.goroutines.kinds[name] = self._compiler.kind(name, kind)

    def _heap_of_collector(self) -> LedgerHeap:
        """Spans, and what is reachable in them."""
        run, machine, memory = self.runtime, self._machine, self.memory
        reachable = Reachable(
            memory,
            self.kinds,
            self.retention,
            self.goroutines,
            self._gc.marker,
            self._black,
            machine.mark,
            machine.finalizer,
            self._streams["lifetimes"],
            allocate_black=self._on.black_allocation,
        )
        self._report = HeapReport(
            self._clock, run.emit, self._gc, memory.heap, memory.ledger, self.kinds, self.locks
        )
        return LedgerHeap(
            self._clock,
            self._gc,
            memory,
            reachable,
            self._allocator,
            self.sweeping,
            self._sweeper,
            self._scavenging,
            self._report,
            run.settings.gomaxprocs,
        )

    def _mutator_of_collector(self) -> GoroutinesOnPs:
        """Goroutines that stop and go on."""
        return GoroutinesOnPs(
            self._clock,
            self._gc,
            self.sched,
            self.goroutines,
            self.mark,
            self.accounts,
            self._workers,
            self._idle,
            self._allocator,
            self.memory.stacks,
            self._machine.stw,
            self._streams["stw"],
            stops=self._on.stop_the_world,
        )

    def _processor(self, p: P) -> Processor:
        """Who runs a P."""
        return Processor(
            p,
            self._clock,
            self._gc,
            self.sched,
            self.goroutines,
            self._workers,
            self.credit,
            self._idle,
            self._timeline,
            self.runtime.emit,
        )

    # -- running -----------------------------------------------------------------------------

    def start(self, collector: Collector, accounts: MemoryAccounts, recording: Recording) -> None:
        """Start the actors: Ps, collector, sweeper, monitor, sampler, and the main goroutine."""
        run, clock, goroutines = self.runtime, self._clock, self.goroutines
        self._allocator.accounts = accounts
        self.sweeping.on_swept = self._finalizers.queue_swept
        for p in self.sched.ps:
            p.process = clock.process(self._processor(p).run())
        clock.process(collector.run())
        self._bgsweep.body = self._sweeper.body()
        goroutines.spawn(self._bgsweep, None)
        self._bgscavenge.body = self._scavenger.body(accounts)
        goroutines.spawn(self._bgscavenge, None)
        if self.memory.finalizers.unreachable:
            self._finalizer.body = self._finalizers.body()
            goroutines.spawn(self._finalizer, None)
        clock.process(sysmon(clock, self._gc, run.settings.gc_percent))
        huge_pages = self.memory.heap.pages.huge_pages
        if huge_pages is not None:
            clock.process(khugepaged(huge_pages, clock))
        if run.container.cpus is not None:
            ps = run.settings.gomaxprocs
            clock.process(quota(run.container.cpus, ps, self._idle, clock, run.emit))
        if run.settings.sampling:
            clock.process(sampler(clock, recording, run.settings.sampling))
        clock.process(self._main())

    def _main(self) -> Process[None]:
        """The main goroutine, and then the load; the run ends when all batches have ended."""
        run, clock, program = self.runtime, self._clock, self._program
        run.container.look()
        if self._refills is None:
            self._prices.expect_fresh_spans()
        self._allocator.reprice()
        steps = (*self._filling(), *self._compiler.steps(program.main, "main"))
        if steps:
            yield self._run_main(steps)
        self._report.locks()
        run.emit(Phase(PhaseName.WARM_UP, clock.now, "load begins"))
        loads = [
            self._compiler.load(name, load, run.settings.gomaxprocs)
            for name, load in program.load.items()
        ]
        yield simpy.AllOf(clock, [clock.process(load.run()) for load in loads])
        batches_only = all(isinstance(load, spec.Batch) for load in program.load.values())
        if batches_only and not run.finished.triggered:
            run.finished.succeed()

    def _filling(self) -> Iterator[CompiledStep]:
        """Stores are filled at start-up."""
        for name, store in self._program.stores.items():
            if store.filled:
                yield self._compiler.filling(name, float(store.size))

    def _run_main(self, steps: tuple[CompiledStep, ...]) -> simpy.Event:
        """Start the main goroutine; the event fires when it has ended."""
        g, ended = G(0, "main"), self._clock.event()
        g.on_end = lambda _: fire(ended)
        g.body = follow(g, steps)
        self.goroutines.spawn(g, None)
        return ended

    def finish(self) -> None:
        """The last batch belongs to the run."""
        self._allocator.flush_batch()

    def report(self) -> None:
        """Spans, free pages and locks as they are at the end."""
        self._report.all()


def sampler(clock: Clock, recording: Recording, distance: Nanoseconds) -> Process[None]:
    """Take a sample at regular instants."""
    while True:
        recording.sample()
        yield clock.timeout(distance)


def fire(event: simpy.Event) -> None:
    """It has happened."""
    event.succeed()


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
    program: spec.Program,
    mixes: MixBook,
    kinds: KindColumns,
    memory: Memory,
    clock: Clock,
    streams: Streams,
) -> Retention:
    """Empty stores and pools."""
    ledger = memory.ledger
    retention = Retention(clock, kinds, ledger, memory.finalizers, streams["replacement"])
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


def _store(store: spec.Store, mix: int, ledger: Ledger) -> StoreState:
    laws = {"random": Law.HAZARD, "oldest": Law.WINDOW, "none": Law.HAZARD}
    owner = ledger.add_owner(laws[store.replacement], capacity=store.size)
    return StoreState(owner, mix, store.size, store.replacement)
