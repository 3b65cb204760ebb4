"""Goroutines that matter one by one: the main goroutine, phases, cohorts that move in step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sim.fluid.demand import ITERATIONS
from sim.fluid.retention import Retained
from sim.fluid.sources import NEVER, VisitSource
from sim.fluid.stages import Asleep, Busy, CohortHost, Collecting, Joining, Settling, Stage
from sim.fluid.visit import Visit
from sim.go.sysmon import PERIOD, WHOLE_SLICE
from sim.workload import program as spec


class Cohort(VisitSource):
    """So many goroutines of one kind that go through their steps together."""

    def __init__(
        self,
        steps: Sequence[spec.Step],
        kind: spec.GoroutineKind | None,
        members: float,
        stage: CohortHost,
        begin: float,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(Visit(), begin)
        self._kind, self.members, self._stage, self._on_end = kind, members, stage, on_end
        self._held: dict[int, Retained] = {}
        self._now = begin
        self._children = 0
        self._plot = self._follow(steps)
        self._at: Stage = Asleep(0.0)
        self._left = 0.0
        self._wake = NEVER
        self._collected = 0
        """The cycle that it waits for, if it does."""
        self._slice_end = NEVER
        """When the first time slice since it last blocked is over."""
        self.next_stage()

    def slice_left(self, now: float, part: float) -> float:
        """ns until its time slice is over; of many goroutines, such a part of it is left."""
        if self.members > 1:
            return WHOLE_SLICE * part
        return (self._slice_end - now) % WHOLE_SLICE

    @property
    def on_p(self) -> bool:
        """Runs, or wants to."""
        return isinstance(self._at, Busy)

    @property
    def number_of_goroutines(self) -> float:
        """See `VisitSource`."""
        return self.members

    def credit_keepers(self, marking_ns: float) -> float:
        """See `VisitSource`; those of a stage without waits do not end before they wait."""
        if not isinstance(self._at, Busy):
            return 0.0
        if self.visit.blocked:
            return super().credit_keepers(marking_ns)
        return self.speed / self._at.times

    @property
    def credit_bytes(self) -> float:
        """See `VisitSource`."""
        if isinstance(self._at, Busy) and not self.visit.blocked:
            return self.visit.prices.slot_bytes * self._at.times
        return super().credit_bytes

    @property
    def busy(self) -> float:
        """Goroutines that have not done this stage; the others wait already.

        Many of them take turns: each goes on until it blocks, and the first are done first.
        """
        if not isinstance(self._at, Busy):
            return 0.0
        return min(self.members, math.ceil(self._left / self._at.times))

    def pay_start(self, touched: float) -> None:
        """In their first stage goroutines are started, with stacks that touch so many new bytes."""
        if isinstance(self._at, Busy):
            self.visit.starts += 1 / self._at.times
            self.visit.runs += 1 / self._at.times
            self.visit.touched = touched / self._at.times

    @property
    def stack(self) -> int:
        """Bytes of stack that each of the goroutines uses while it runs."""
        return 1024 if self._kind is None else self._kind.stack

    @property
    def idle_stack(self) -> int:
        """The same while it is blocked."""
        idle = None if self._kind is None else self._kind.idle_stack
        return self.stack if idle is None else idle

    def plan(self, now: float, procs: int) -> None:
        """See `VisitSource`."""
        self._now = now
        self.wanted = 0.0
        if isinstance(self._at, Busy):
            visit = self.visit
            waits = visit.blocked
            ns = visit.prices.ns
            self.wanted = self.busy * ns / (ns + waits)
            self.wanted = min(self.wanted, procs) if waits == 0 else self.wanted

    def change(self, speed: float, share: float = 1.0) -> float:
        """See `VisitSource`."""
        if isinstance(self._at, Busy):
            return self._left / speed if speed > 0 else NEVER
        return self._wake - self._now

    def advance(self, now: float, elapsed: float, speed: float) -> float:
        """See `VisitSource`."""
        self._now = now
        if isinstance(self._at, Busy):
            done = min(speed * elapsed, self._left)
            self.done += done
            self._left -= done
            if self._left <= 1e-6 * self.members * self._at.times:
                self._stage.settle(self)
                self.next_stage()
            return done
        if now >= self._wake - 1:
            self.next_stage()
        return 0.0

    def next_stage(self) -> None:
        """Go on to what comes next, or end."""
        self._wake = NEVER
        stage = next(self._plot, None)
        if stage is None:
            self._end()
            return
        if isinstance(stage, Busy) and not self.on_p:
            self._slice_end = self._now + self._stage.until_look() + PERIOD
        self._at = stage
        if isinstance(stage, Busy):
            self.visit, self._left = stage.visit, self.members * stage.times
            self._stage.expect_visits(self.visit, self.members, self._left)
        elif isinstance(stage, Asleep):
            self._wake = self._now + stage.ns
        elif isinstance(stage, Collecting):
            self._collected = self._stage.collect()
        elif isinstance(stage, Settling):
            self._collected = self._stage.cycle_under_way()
            if not self._collected:
                self.next_stage()
        elif not self._children:
            self.next_stage()

    def cycle_ended(self, number: int) -> None:
        """A cycle has ended: whoever asked for it goes on."""
        if isinstance(self._at, Collecting | Settling) and number >= self._collected:
            self.next_stage()

    def _end(self) -> None:
        self.ended = True
        for holder in self._held.values():
            self._stage.retained.remove(holder)
        if self._on_end is not None:
            self._on_end()

    def _follow(self, steps: Sequence[spec.Step]) -> Iterator[Stage]:
        for step in steps:
            match step:
                case spec.Wait():
                    yield Asleep(step.time.mean())
                case spec.Collect() | spec.SetGCPercent() | spec.SetMemoryLimit():
                    yield from self._call(step)
                case spec.Spawn():
                    yield from self._spawn(step)
                case spec.Publish():
                    self._publish(step)
                case spec.Repeat() if not plain(step) or (step.times <= ITERATIONS):
                    for _ in range(step.times):
                        yield from self._follow(step.steps)
                case spec.Repeat():
                    yield self._work(step.steps, step.times)
                case _:
                    yield self._work((step,), 1)

    def _call(
        self, step: spec.Collect | spec.SetGCPercent | spec.SetMemoryLimit
    ) -> Iterator[Stage]:
        """A call of the packages runtime and runtime/debug."""
        match step:
            case spec.Collect():
                yield Collecting()
            case spec.SetGCPercent():
                self._stage.set_gc_percent(step.value)
                if step.value < 0:
                    yield Settling()
            case spec.SetMemoryLimit():
                self._stage.set_memory_limit(step.value)

    def _work(self, steps: Sequence[spec.Step], times: int) -> Busy:
        visit = self._stage.compiler.of_steps(steps, self._kind)
        visit.starts -= 1.0  # all of them are there already, and run
        visit.runs -= 1.0
        for use in visit.uses:
            if use.held:
                use.holder = self._holder(use.mix, use.slots)
        return Busy(visit, times)

    def _holder(self, mix: int, burst: float) -> Retained:
        if mix not in self._held:
            self._held[mix] = Retained(mix)
            self._stage.retained.append(self._held[mix])
        self._held[mix].allocate_at_once(burst)
        return self._held[mix]

    def _publish(self, step: spec.Publish) -> None:
        store = self._stage.compiler.store(step.store)
        mine = self._held.get(store.mix)
        if mine is not None:
            store.take_entries(mine.slots / self.members)
            store.allocate_at_once(mine.burst)
            store.add(mine.slots)
            mine.slots = 0.0

    def _spawn(self, step: spec.Spawn) -> Iterator[Stage]:
        kind = self._stage.compiler.kind(step.goroutine)
        waits = self._child_ended if step.wait else None
        self._children += step.wait
        members = self.members * step.count
        self._stage.start(Cohort(kind.steps, kind, members, self._stage, self._now, waits))
        yield Busy(self._stage.compiler.starting(step.count), 1)
        if step.wait:
            yield Joining()

    def _child_ended(self) -> None:
        self._children -= 1
        if not self._children and isinstance(self._at, Joining):
            self.next_stage()


SINGLE: Final = spec.Collect | spec.SetGCPercent | spec.SetMemoryLimit | spec.Spawn
"""What is done by one goroutine after the other."""


def plain(step: spec.Repeat) -> bool:
    """Whether many repetitions can go on as one flow: nobody starts others or calls the runtime."""
    return all(
        plain(inner) if isinstance(inner, spec.Repeat) else not isinstance(inner, SINGLE)
        for inner in step.steps
    )


def is_long(count: int, lanes: int) -> bool:
    """Whether a batch has so many rounds that it is a flow."""
    return count > lanes * math.ceil(ITERATIONS / 2)
