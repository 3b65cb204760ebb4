"""The detailed mode: from a program to goroutines on Ps, a heap and the actors around them."""

from __future__ import annotations

import math

from sim.actors.allocator import Allocator
from sim.actors.assist_credit import AssistCredit
from sim.actors.background import FinalizerCaller, Scavenger, Sweeper
from sim.actors.batch_times import BatchTimes
from sim.actors.black import BlackSlots
from sim.actors.compiler import StepCompiler
from sim.actors.computing import Computing
from sim.actors.faults import PageFaults
from sim.actors.goroutines import Goroutines
from sim.actors.heap import LedgerHeap
from sim.actors.heap_report import HeapReport
from sim.actors.idle import IdleTime
from sim.actors.khugepaged import khugepaged
from sim.actors.kinds import kind_columns
from sim.actors.locks import Locks
from sim.actors.mallocgc import MallocGC
from sim.actors.mark_accounts import MarkAccounts
from sim.actors.mark_workers import MarkWorkers
from sim.actors.memory import make_memory
from sim.actors.mutator import GoroutinesOnPs
from sim.actors.placement import Placement
from sim.actors.prices import Prices
from sim.actors.processor import Processor
from sim.actors.program_run import ProgramRun
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
from sim.engine.clock import ProcessClock
from sim.go.sizeclass import SizeClassTable, size_classes
from sim.runtime.cycle import Collector
from sim.runtime.memory import MemoryAccounts
from sim.runtime.recording import Recording
from sim.runtime.state import Process, Runtime, Stopped
from sim.runtime.sysmon import sysmon
from sim.workload.mixes import MixBook


class Events:
    """The detailed mode: makes all its parts, hands each those that it uses, and starts them."""

    def __init__(self, config: RunConfig, runtime: Runtime, clock: ProcessClock) -> None:
        self.runtime, self._config, self._program = runtime, config, config.program
        self._clock, self._gc, self._machine = clock, runtime.gc, runtime.machine
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
        config = self._config
        self.memory = make_memory(
            sizes, self._book, config.gomaxprocs, huge_pages=config.os.huge_pages == "always"
        )
        heap = self.memory.heap
        self.kinds = kind_columns(
            self._book, self.memory.finalizers.kinds, len(heap.nelems), machine
        )
        self._faults = PageFaults(heap.pages, machine)
        self._prices = Prices(self.kinds, heap, sizes, self._faults, machine.alloc)
        ps, locks = run.settings.gomaxprocs, self._streams["locks"]
        self._times = BatchTimes(self._clock, ps)
        self.locks = Locks(
            self._clock, self._times, heap, machine.page, machine.sweep, ps, self._on, locks
        )
        self.retention = Retention(
            self._clock, self._book, self.memory, self._program, self._streams["replacement"]
        )
        self.sweeping = Sweeping(heap, self._gc, machine.sweep)
        self._scavenging = Scavenging(heap, self._gc, run.settings, machine.page.scavenge_ns)
        self._black = BlackSlots(heap.spans)

    def _make_allocator(self) -> None:
        """Batches, what they cost, and where they lie."""
        run, machine = self.runtime, self._machine
        self.refill_costs = RefillCosts(
            self.locks, self.sweeping, self._faults, machine.alloc, machine.sweep
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
            self._times,
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
        ps, goroutines = self.runtime.settings.gomaxprocs, self.goroutines
        self._scavenger = Scavenger(self._clock, goroutines, self._scavenging, ps)
        self._sweeper = Sweeper(
            self._bgsweep,
            heap,
            self.sweeping,
            self.sched,
            goroutines,
            self._scavenger,
            machine.sweep,
        )
        self._finalizers = FinalizerCaller(
            self._gc, heap, memory.finalizers, memory.ledger, goroutines, machine.finalizer.run_ns
        )

    def _make_program(self) -> None:
        """What goroutines of the program do, compiled."""
        run, clock, gc, kinds = self.runtime, self._clock, self._gc, self.kinds
        credit, allocator, locks = self.credit, self._allocator, self.locks
        malloc = MallocGC(
            clock, gc, self.sched, kinds, credit, allocator, locks, self._scavenging, self._refills
        )
        computing = Computing(
            clock,
            gc,
            run.container,
            run.settings,
            kinds,
            self._prices,
            credit,
            malloc,
            self._streams["refills"],
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
        clock, gc, sched, emit = self._clock, self._gc, self.sched, self.runtime.emit
        workers, credit, idle = self._workers, self.credit, self._idle
        goroutines, timeline = self.goroutines, self._timeline
        return Processor(p, clock, gc, sched, goroutines, workers, credit, idle, timeline, emit)

    # -- running -----------------------------------------------------------------------------

    def start(self, collector: Collector, accounts: MemoryAccounts, recording: Recording) -> None:
        """Start the actors: Ps, collector, sweeper, monitor, sampler, and the main goroutine."""
        run, clock = self.runtime, self._clock
        self._recording = recording
        self._allocator.accounts = accounts
        self.sweeping.on_swept = self._finalizers.queue_swept
        for p in self.sched.ps:
            p.process = clock.process(self._processor(p).run())
        clock.process(collector.run())
        self._sweeper.start()
        self._scavenger.start(accounts)
        if self.memory.finalizers.unreachable:
            self._finalizers.start()
        clock.process(sysmon(clock, self._gc))
        huge_pages = self.memory.heap.pages.huge_pages
        if huge_pages is not None:
            clock.process(khugepaged(huge_pages, clock))
        if run.container.cpus is not None:
            ps = run.settings.gomaxprocs
            clock.process(quota(run.container.cpus, ps, self._idle, clock, run.emit))
        if run.settings.sampling:
            clock.process(recording.take_samples(run.settings.sampling))
        clock.process(self._run_program())

    def _run_program(self) -> Process[None]:
        """The program from its start to its end."""
        run = self.runtime
        run.container.look()
        if self._refills is None:
            self._prices.expect_fresh_spans()
        self._allocator.reprice()
        program = ProgramRun(
            self._program, self._clock, self.goroutines, self._compiler, run.emit, run.finished
        )
        yield from program.run(run.settings.gomaxprocs, self._report.locks)

    def finish(self) -> None:
        """The last batch belongs to the run, and to its last sample."""
        self._allocator.flush_batch()
        stopped: Stopped | None = self.runtime.finished.value
        if self.runtime.settings.sampling and not (stopped and stopped.for_memory):
            self._recording.sample()

    def report(self) -> None:
        """Spans, free pages and locks as they are at the end."""
        self._report.all()

    @property
    def repeats_from(self) -> float:
        """See `sim.build.Mode`."""
        return math.inf

    @property
    def remark(self) -> str:
        """See `sim.build.Mode`: everything was simulated."""
        return ""
