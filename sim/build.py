"""From a config to a run: what both modes share, and the mode that the config asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from sim.config.machine import load_profile
from sim.config.run import RunConfig
from sim.engine.clock import Clock, ProcessClock
from sim.go.limiter import GCCPULimiter
from sim.go.pacer import check, check_methods
from sim.runtime.container import MemoryLimit
from sim.runtime.cycle import Collector
from sim.runtime.interfaces import Heap, Mutator
from sim.runtime.memory import MemoryAccounts
from sim.runtime.recording import Recording
from sim.runtime.state import GC, CgroupLimits, Runtime, Settings
from sim.streams import Streams

NEVER_FULL: Final = 1 << 62
"""Bucket of a GC CPU limiter that is switched off, CPU-ns."""


class Mode(Protocol):
    """What runs the program: goroutines on Ps, or rates."""

    @property
    def heap(self) -> Heap:
        """Spans and what is reachable in them."""

    @property
    def mutator(self) -> Mutator:
        """The program, and whoever marks beside it."""

    def start(self, collector: Collector, accounts: MemoryAccounts, recording: Recording) -> None:
        """Start the collector and everybody else; nothing happens before the clock moves."""

    def finish(self) -> None:
        """The run is over: write down what is pending."""

    def report(self) -> None:
        """Tell what is only told at the end."""

    @property
    def repeats_from(self) -> float:
        """ns from which on cycles are repeated, by what was seen until now; inf: never."""

    @property
    def remark(self) -> str:
        """What is to be said of how a complete run came about; empty if there is nothing."""


class Run:
    """A run that is ready: it begins with the first step of its clock."""

    def __init__(self, run: Runtime, mode: Mode) -> None:
        self.runtime, self.mode = run, mode
        heap, mutator = mode.heap, mode.mutator
        clock, gc, settings, machine = run.clock, run.gc, run.settings, run.machine
        accounts = MemoryAccounts(heap, gc.pacer.memory, settings.gomaxprocs, machine.footprint)
        recording = Recording(clock, run.emit, gc, settings, heap, mutator, accounts)
        limit = MemoryLimit(clock, run.container, run.finished, accounts, recording)
        run.container.look = limit.check
        collector = Collector(clock, gc, settings, machine, heap, mutator, accounts, recording)
        mode.start(collector, accounts, recording)


def build(config: RunConfig, emit: Callable[[Any], None]) -> Run:
    """Make and connect everything. Only the mode that is asked for is loaded."""
    if config.model.detail == "fluid":
        from sim.build_fluid import Fluid

        runtime = make_runtime(config, emit, Clock())
        return Run(runtime, Fluid(config, runtime))
    from sim.build_events import Events

    clock = ProcessClock()
    runtime = make_runtime(config, emit, clock)
    return Run(runtime, Events(config, runtime, clock))


def make_runtime(config: RunConfig, emit: Callable[[Any], None], clock: Clock) -> Runtime:
    """What both modes share, at rest."""
    return Runtime(
        clock=clock,
        settings=Settings(
            gomaxprocs=config.gomaxprocs,
            duration=config.longest,
            sampling=config.record.samples,
            globals_bytes=config.program.globals,
            pacer_name=config.gc.pacer.name,
            switches=config.model,
        ),
        machine=load_profile(config.machine)
        .marked_by(config.gc.marker.name)
        .running(config.program.file),
        streams=Streams(config.seed),
        emit=emit,
        gc=make_gc(config, clock),
        container=CgroupLimits(config.cgroup.memory, config.cgroup.cpu),
        finished=clock.event(),
    )


def make_gc(config: RunConfig, clock: Clock) -> GC:
    """The collector at rest."""
    pacer = config.gc.pacer.make()
    check_methods(type(pacer), config.gc.pacer.name)
    pacer.configure(config.gc_percent, config.memory_limit, config.program.globals)
    check(pacer, config.gc.pacer.name)
    gc = GC(
        pacer=pacer,
        limiter=make_limiter(config),
        marker=config.gc.marker.make(),
        barrier=config.gc.barrier.make(),
        wanted=clock.event(),
        started=clock.event(),
        ended=clock.event(),
        gc_percent=config.gc_percent,
        memory_limit=config.memory_limit,
    )
    gc.trigger_at = pacer.trigger()[0]
    return gc


def make_limiter(config: RunConfig) -> GCCPULimiter:
    """The GC CPU limiter; switched off, its bucket is too large to be ever full."""
    if config.model.limiter:
        return GCCPULimiter(config.gomaxprocs)
    return GCCPULimiter(config.gomaxprocs, capacity_per_proc=NEVER_FULL)
