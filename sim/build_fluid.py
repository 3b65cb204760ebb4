"""From a config to a fluid run: loads become flows, scripts and levels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sim.build import MixBook, make_limiter, pool_mix
from sim.config.detail import unsupported
from sim.config.machine import load_profile
from sim.config.run import RunConfig
from sim.errors import UserError
from sim.fluid.engine import Flow
from sim.fluid.footprint import Footprint
from sim.fluid.keepers import Keeper, Memoryless, OldestStore, Pooled, RandomStore
from sim.fluid.parts import Parts
from sim.fluid.play import Play
from sim.fluid.rates import Rates
from sim.fluid.scripts import Script, is_long
from sim.fluid.spans import SpanModel
from sim.fluid.tasks import ClosedFlow, OpenFlow, Task
from sim.fluid.visits import VisitCompiler
from sim.go.pacer import check
from sim.go.sizeclass import size_classes
from sim.record.facts import Phase
from sim.record.phases import PhaseName
from sim.streams import Streams
from sim.workload import program as say
from sim.workload.distributions import Constant


class FluidProgram:
    """A program being started in a flow."""

    def __init__(self, config: RunConfig, emit: Callable[[Any], None]) -> None:
        for path, why in unsupported(config):
            raise UserError(f"{'.'.join(path)}: {why}")
        self._config, self._program = config, config.program
        machine = load_profile(config.machine).running(config.program.file)
        table = size_classes(config.go)
        self._book = MixBook(config.program, table)
        pacer = config.gc.pacer.make()
        pacer.configure(config.gc_percent, config.memory_limit, config.program.globals)
        check(pacer, config.gc.pacer.name)
        self.flow = Flow(Parts(
            procs=config.gomaxprocs, gc_percent=config.gc_percent,
            memory_limit=config.memory_limit, duration=config.duration, machine=machine,
            switches=config.model, streams=Streams(config.seed), emit=emit, pacer=pacer,
            limiter=make_limiter(config), marker=config.gc.marker.make(),
            barrier=config.gc.barrier.make(), globals_bytes=config.program.globals,
            container=config.cgroup.memory, sampling=config.record.samples,
            spans=SpanModel(self._book.kinds, self._book.mixes, table, machine),
            footprint=Footprint(
                machine, config.gomaxprocs, config.memory_limit, config.cgroup.memory,
                scavenges=config.model.scavenger,
            ),
        ))  # fmt: skip
        self._per_byte = [mix.slots_per_byte for mix in self._book.mixes]
        self._stores = {name: self._store(store) for name, store in self._program.stores.items()}
        self._lasting: dict[int, Keeper] = {}
        self._tenured: dict[tuple[int, float], Keeper] = {}
        for name in self._program.pools:
            pool = Pooled(self._book.ids[pool_mix(name)])
            self.flow.parts.pools[name] = pool
            self.flow.keepers.append(pool)
        self.flow.compiler = VisitCompiler(
            self._program, self._book.ids, self._per_byte, self._keeper_of, self._stores,
            machine.sched.go_ns,
        )  # fmt: skip
        self._batches: list[Task] = []
        self._begun = False
        self.flow.start(Script(self._opening(), None, 1.0, self.flow, 0.0, self._begin_load))

    def finished(self) -> bool:
        """Whether all loads are batches that have ended."""
        only = all(isinstance(load, say.Batch) for load in self._program.load.values())
        return only and self._begun and all(task.ended for task in self._batches)

    # -- who keeps what ----------------------------------------------------------------------

    def _store(self, store: say.Store) -> Keeper:
        mix = self._book.ids[store.of]
        capacity = store.size * self._per_byte[mix]
        keeper: Keeper
        if store.replacement == "random":
            keeper = RandomStore(mix, capacity)
        elif store.replacement == "oldest":
            keeper = OldestStore(mix, capacity)
        else:
            keeper = Keeper(mix)
        self.flow.keepers.append(keeper)
        return keeper

    def _keeper_of(self, step: say.Work) -> Keeper | None:
        assert step.of is not None
        mix = self._book.ids[step.of]
        if step.into is not None:
            return self._stores[step.into]
        if step.lives in ("step", "goroutine"):
            return None
        if step.lives == "forever":
            return self._remember(self._lasting.setdefault(mix, Keeper(mix)))
        mean = step.lives.mean()  # type: ignore[union-attr]
        found = self._tenured.setdefault((mix, mean), Memoryless(mix, mean))
        return self._remember(found)

    def _remember(self, keeper: Keeper) -> Keeper:
        if keeper not in self.flow.keepers:
            self.flow.keepers.append(keeper)
        return keeper

    # -- what runs ---------------------------------------------------------------------------

    def _opening(self) -> tuple[say.Step, ...]:
        filling = tuple(
            say.Work(Constant(0.0), Constant(store.size), store.of, into=name)
            for name, store in self._program.stores.items()
            if store.filled
        )
        return (*filling, *self._program.main)

    def _begin_load(self) -> None:
        self._begun = True
        begin = round(self.flow.now)
        self.flow.parts.emit(Phase(PhaseName.WARM_UP, begin, "load begins"))
        for name, load in self._program.load.items():
            for task in self._tasks(name, load):
                self.flow.start(task)

    def _tasks(self, name: str, load: say.Load) -> Iterator[Task]:
        flow, config = self.flow, self._config
        kind = self._program.goroutines[load.goroutine]
        match load:
            case say.OpenLoop():
                rates = Rates(
                    load.arrivals, flow.now, config.duration,
                    flow.parts.streams[f"{name}.arrivals"],
                )  # fmt: skip
                yield OpenFlow(
                    flow.compiler.visit(load.goroutine), flow.now, rates,
                    flow.parts.streams[f"{name}.noise"], by_timer=load.via == "timer",
                )  # fmt: skip
            case say.ClosedLoop():
                visit = flow.compiler.visit(load.goroutine)
                yield ClosedFlow(visit, flow.now, load.workers, load.think.mean())
            case say.Batch():
                lanes = load.lanes(config.gomaxprocs)
                task: Task
                if is_long(load.count, lanes):
                    visit = flow.compiler.visit(load.goroutine)
                    task = ClosedFlow(visit, flow.now, lanes, visits=load.count)
                else:
                    steps = (say.Repeat(round(load.count / lanes), kind.steps),)
                    task = Script(steps, kind, lanes, flow, flow.now)
                self._batches.append(task)
                yield task


def build_fluid(config: RunConfig, emit: Callable[[Any], None]) -> Play:
    """A fluid run of a config, ready to be played."""
    program = FluidProgram(config, emit)
    return Play(program.flow, program.finished)
