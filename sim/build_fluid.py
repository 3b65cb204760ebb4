"""The fluid mode: from a program to flows of requests, cohorts of goroutines and levels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from sim.config.detail import unsupported
from sim.config.run import AUTO, RunConfig, stop_keeps_ps
from sim.errors import UserError
from sim.fluid.between_cycles import BetweenCycles
from sim.fluid.cohorts import Cohort, is_long
from sim.fluid.demand import VisitCompiler
from sim.fluid.flow import Flow
from sim.fluid.footprint import Footprint
from sim.fluid.heap import ExpectedHeap
from sim.fluid.in_flight import StackMemory
from sim.fluid.loads import ClosedFlow, OpenFlow
from sim.fluid.mutator import Rates
from sim.fluid.rates import ArrivalRates
from sim.fluid.repetition import Repetition
from sim.fluid.retention import Memoryless, OldestStore, Pooled, RandomStore, Retained
from sim.fluid.slots import SlotAccounts
from sim.fluid.sources import VisitSource
from sim.fluid.spans import SpanModel
from sim.go.sizeclass import size_classes
from sim.go.stacks import EXTRA_THREADS
from sim.record.facts import Phase
from sim.record.phases import PhaseName
from sim.runtime.cycle import Collector
from sim.runtime.memory import MemoryAccounts
from sim.runtime.recording import Recording
from sim.runtime.state import Runtime, Stopped
from sim.runtime.sysmon import sysmon
from sim.units import SECOND
from sim.workload import program as spec
from sim.workload.distributions import Constant
from sim.workload.mixes import MixBook, pool_mix
from sim.workload.tables import LARGE_TREE, SMALL_TREE, table_share

SAMPLES: Final = 1000
"""About so many samples are taken of a run at most."""
LONGEST_GAP: Final = SECOND
"""ns between samples where no cycle ends; the detailed mode takes them at regular instants."""


class Fluid:
    """The program as rates, and the heap as expectations."""

    def __init__(self, config: RunConfig, runtime: Runtime) -> None:
        for path, why in unsupported(config):
            raise UserError(f"{'.'.join(path)}: {why}")
        self._config, self._program, self._runtime = config, config.program, runtime
        table = size_classes(config.go)
        self._book = MixBook(config.program, table)
        self._pools: dict[str, Pooled] = {}
        self._make(SpanModel(self._book.kinds, self._book.mixes, table, runtime.machine), runtime)
        self._sampled_at = -math.inf
        self._per_byte = [mix.slots_per_byte for mix in self._book.mixes]
        self._stores = {name: self._store(store) for name, store in self._program.stores.items()}
        self._lasting: dict[int, Retained] = {}
        self._tenured: dict[tuple[int, float], Retained] = {}
        for name in self._program.pools:
            pool = Pooled(self._book.ids[pool_mix(name)])
            self._pools[name] = pool
            self.flow.retained.append(pool)
        self.flow.compiler = VisitCompiler(
            self._program,
            self._book.ids,
            self._per_byte,
            self._holder_of,
            self._stores,
            runtime.machine.sched.go_ns,
            self._book.grown,
        )
        self._batches: list[VisitSource] = []
        self._begun = False
        self.flow.start(Cohort(self._opening(), None, 1.0, self.flow, 0.0, self._begin_load))

    def _make(self, spans: SpanModel, run: Runtime) -> None:
        """Who runs, and the heap and the program as the collector sees them."""
        gc, settings, machine, streams = run.gc, run.settings, run.machine, run.streams
        slots, stacks = (
            SlotAccounts(spans.slot_bytes),
            StackMemory(settings.gomaxprocs + EXTRA_THREADS),
        )
        self._footprint = Footprint(gc, settings, machine, spans, slots, stacks)
        self.flow = Flow(
            run.clock,
            gc,
            settings.gomaxprocs,
            machine,
            spans,
            slots,
            stacks,
            self._footprint,
            streams,
        )
        self._repetition = Repetition(
            run.clock, run.emit, gc, settings, self.flow, self._footprint, slots
        )
        self._repetition.on = self._config.duration != AUTO
        self._between = BetweenCycles(
            run.clock,
            gc,
            run.container,
            settings,
            self.flow,
            self._footprint,
            self._repetition,
            run.finished,
        )
        self.heap = ExpectedHeap(
            self.flow,
            self._between,
            gc,
            settings,
            machine,
            spans,
            slots,
            stacks,
            self._footprint,
            self._pools,
            streams["pools"],
        )
        self.mutator = Rates(
            self.flow,
            gc,
            settings,
            machine,
            stacks,
            streams["stops"],
            wakes_workers=stop_keeps_ps(self._config.go),
        )

    def start(self, collector: Collector, accounts: MemoryAccounts, recording: Recording) -> None:
        """See `sim.build.Mode`."""
        clock = self._runtime.clock
        self._recording = recording
        recording.listener = self._repetition.note
        self._footprint.tell_pacer = accounts.tell_pacer
        clock.process(collector.run())
        run = self._runtime
        clock.process(sysmon(clock, run.gc))
        clock.process(self._between.run(self._finished, self._sample))

    def finish(self) -> None:
        """See `sim.build.Mode`."""
        self._between.catch_up()
        stopped: Stopped | None = self._runtime.finished.value
        if not (stopped and stopped.for_memory):
            self._sample(always=True)

    def report(self) -> None:
        """See `sim.build.Mode`: all has been told."""

    @property
    def repeats_from(self) -> float:
        """See `sim.build.Mode`."""
        return self._repetition.begins

    @property
    def remark(self) -> str:
        """See `sim.build.Mode`: what of it was not simulated."""
        return self._repetition.remark

    def _sample(self, *, always: bool = False) -> None:
        """After a cycle, and where there is none now and then."""
        settings, now, last = self._runtime.settings, self.flow.now, self._sampled_at
        if not settings.sampling or now == last:
            return
        least = max(settings.sampling, settings.duration // SAMPLES)
        due = self._runtime.gc.last_end > last and now - last >= least
        if always or due or now - last >= max(least, LONGEST_GAP):
            self._sampled_at = now
            self._recording.sample()

    def _finished(self) -> bool:
        """Whether all loads are batches that have ended."""
        only = all(isinstance(load, spec.Batch) for load in self._program.load.values())
        return only and self._begun and all(source.ended for source in self._batches)

    # -- who keeps what ----------------------------------------------------------------------

    def _store(self, store: spec.Store) -> Retained:
        mix = self._book.ids[store.of]
        capacity = store.size * self._per_byte[mix]
        holder: Retained
        if store.replacement == "random":
            holder = RandomStore(mix, capacity)
        elif store.replacement == "oldest":
            holder = OldestStore(mix, capacity)
        else:
            holder = Retained(mix)
        random = store.replacement == "random" and store not in self._published()
        self._lead_to(holder, SMALL_TREE if random else LARGE_TREE)
        holder.structure = store.structure
        self.flow.retained.append(holder)
        return holder

    def _holder_of(self, step: spec.Work) -> Retained | None:
        assert step.of is not None
        mix = self._book.ids[step.of]
        if step.into is not None:
            return self._stores[step.into]
        if step.lives in ("step", "goroutine"):
            return None
        if step.lives == "forever":
            lasting = self._lasting.setdefault(mix, Retained(mix))
            self._lead_to(lasting, LARGE_TREE)
            return self._remember(lasting)
        mean = step.lives.mean()  # type: ignore[union-attr]
        if (mix, mean) not in self._tenured:
            self._tenured[mix, mean] = mortal = Memoryless(mix, mean)
            self._lead_to(mortal, SMALL_TREE)
            self.flow.mortal.append(mortal)
        return self._remember(self._tenured[mix, mean])

    def _lead_to(self, holder: Retained, tree: int) -> None:
        """A table of pointers leads to what is kept, which are trees of so many objects."""
        holder.table_share = table_share(self._book.mixes[holder.mix], self._book.kinds, tree)

    def _published(self) -> list[spec.Store]:
        """Stores of entries that goroutines have made before."""
        steps, stores = self._program.all_steps(), self._program.stores
        return [stores[step.store] for step in steps if isinstance(step, spec.Publish)]

    def _remember(self, holder: Retained) -> Retained:
        if holder not in self.flow.retained:
            self.flow.retained.append(holder)
        return holder

    # -- what runs ---------------------------------------------------------------------------

    def _opening(self) -> tuple[spec.Step, ...]:
        filling = tuple(
            spec.Work(Constant(0.0), Constant(store.size), store.of, into=name)
            for name, store in self._program.stores.items()
            if store.filled
        )
        return (*filling, *self._program.main)

    def _begin_load(self) -> None:
        self._begun = True
        self._runtime.emit(Phase(PhaseName.WARM_UP, round(self.flow.now), "load begins"))
        for name, load in self._program.load.items():
            for source in self._sources(name, load):
                self.flow.start(source)

    def _sources(self, name: str, load: spec.Load) -> Iterator[VisitSource]:
        flow, config, streams = self.flow, self._config, self._runtime.streams
        kind = self._program.goroutines[load.goroutine]
        match load:
            case spec.OpenLoop():
                rates = ArrivalRates(
                    load.arrivals,
                    flow.now,
                    config.longest,
                    streams[f"{name}.arrivals"],
                )
                yield OpenFlow(
                    flow.compiler.visit(load.goroutine),
                    flow.now,
                    rates,
                    streams[f"{name}.noise"],
                    by_timer=load.via == "timer",
                )
            case spec.ClosedLoop():
                visit = flow.compiler.visit(load.goroutine)
                yield ClosedFlow(visit, flow.now, load.workers, load.think.mean())
            case spec.Batch():
                lanes = load.lanes(config.gomaxprocs)
                source: VisitSource
                if is_long(load.count, lanes):
                    visit = flow.compiler.visit(load.goroutine)
                    source = ClosedFlow(visit, flow.now, lanes, visits=load.count)
                else:
                    steps = (spec.Repeat(round(load.count / lanes), kind.steps),)
                    source = Cohort(steps, kind, lanes, flow, flow.now)
                self._batches.append(source)
                yield source
