"""From the steps of a goroutine to its visit: its sums, its children included, on average.

Loads of many short goroutines flow; what the flow needs to know of a goroutine is its sums.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from sim.fluid.retention import Retained
from sim.fluid.visit import Use, Visit, note_burst
from sim.streams import Streams
from sim.workload import program as spec
from sim.workload.distributions import Distribution
from sim.workload.mixes import Stage

DRAWS: Final = 512
"""Draws from which a variance, or the mean of the longest of several waits, is found. Chosen so
that a variance is known to 6 % (sqrt(2 / 512)); fewer moves the scatter of arrivals."""
NOMINAL_SLOT: Final = 50.0
"""ns that a slot counts when the time of a visit is divided among its steps. A judgement, near what
a small object costs; moves when in a visit something is kept."""
ITERATIONS: Final = 16
"""Repetitions that are looked at one by one; more of them go on in the same way. A judgement;
larger only costs time."""

_SUMS: Final = (
    "cpu",
    "weight",
    "own",
    "writes",
    "blocked",
    "runs",
    "starts",
    "stack_blocked",
    "stack_running",
    "child_blocked",
    "asked",
    "asked_variance",
    "allocating_runs",
    "weight_variance",
)


class VisitCompiler:
    """Makes visits of the goroutine kinds of a program."""

    def __init__(
        self,
        program: spec.Program,
        mix_ids: dict[str, int],
        slots_per_byte: Sequence[float],
        holder: Callable[[spec.Work], Retained | None],
        stores: dict[str, Retained],
        go_ns: float,
        grown: Callable[[spec.Append | spec.Insert], list[Stage]],
    ) -> None:
        self._program, self._mix_ids, self._per_byte = program, mix_ids, slots_per_byte
        self._holder, self._stores, self._go_ns = holder, stores, go_ns
        self._arrays = grown

    def kind(self, name: str) -> spec.GoroutineKind:
        """A kind of goroutine by its name."""
        return self._program.goroutines[name]

    def store(self, name: str) -> Retained:
        """A store by its name."""
        return self._stores[name]

    def visit(self, name: str) -> Visit:
        """The visit of a goroutine kind."""
        return self.of_steps(self.kind(name).steps, self.kind(name))

    def starting(self, goroutines: int) -> Visit:
        """The start of so many goroutines."""
        visit = Visit(starts=0.0, runs=0.0)
        _run(visit, self._go_ns * goroutines)
        return visit

    def of_steps(self, steps: Sequence[spec.Step], kind: spec.GoroutineKind | None = None) -> Visit:
        """The visit that consists of these steps."""
        visit = Visit()
        if kind is not None:
            visit.stack = visit.idle_stack = kind.stack
            if kind.idle_stack is not None:
                visit.idle_stack = kind.idle_stack
        for step in steps:
            self._add(step, visit)
        visit.note()
        visit.end()
        if visit.asked:
            visit.scatter = visit.asked_variance / visit.asked**2
        return visit

    def _add(self, step: spec.Step, visit: Visit) -> None:
        match step:
            case spec.Work():
                self._work(step, visit)
            case spec.Append() | spec.Insert():
                self._grow(step, visit)
            case spec.Spin():
                visit.weight_variance += variance(step.time)
                _run(visit, step.time.mean())
            case spec.Wait():
                _block(visit, step.time.mean())
            case spec.Spawn():
                self._spawn(step, visit)
            case spec.Borrow():
                visit.lends[step.pool] = 0.0
                visit.borrowers[step.pool] = 1
            case spec.Publish():
                self._publish(step, visit)
            case spec.Repeat():
                self._repeat(step, visit)

    def _work(self, step: spec.Work, visit: Visit) -> None:
        cpu = step.cpu.mean()
        visit.writes += cpu * step.pointer_writes / 1e9
        visit.weight_variance += variance(step.cpu)
        if step.of is None:
            _run(visit, cpu)
            return
        mix = self._mix_ids[step.of]
        asked = step.allocate.mean()
        visit.asked += asked
        scatter = variance(step.allocate)
        visit.asked_variance += scatter
        visit.weight_variance += scatter * (NOMINAL_SLOT * self._per_byte[mix]) ** 2
        slots = asked * self._per_byte[mix]
        holder = self._holder(step)
        if holder is not None:
            holder.allocate_at_once(slots)
        held = holder is None and step.lives == "goroutine"
        visit.uses.append(Use(mix, slots, holder, held))
        visit.allocates = True
        if held:
            note_burst(visit.bursts, mix, slots)
        half = slots / 2 if held else 0.0
        visit.held[mix] = visit.held.get(mix, 0.0) + half
        begin = visit.own
        _run(visit, cpu, slots)
        visit.spots.append(((begin + visit.own) / 2, asked))
        visit.held[mix] += half
        visit.note()

    def _grow(self, step: spec.Append | spec.Insert, visit: Visit) -> None:
        """Arrays, of which the goroutine keeps the last."""
        stages, cpu = self._arrays(step), step.cpu.mean()
        visit.weight_variance += variance(step.cpu)
        for i, stage in enumerate(stages):
            slots = stage.nbytes * self._per_byte[stage.mix]
            last = stage is stages[-1]
            visit.asked += stage.nbytes
            visit.uses.append(Use(stage.mix, slots, None, last))
            visit.allocates = True
            note_burst(visit.bursts, stage.mix, slots)
            visit.held[stage.mix] = visit.held.get(stage.mix, 0.0) + slots
            visit.spots.append((visit.own, stage.nbytes))
            _run(visit, 0.0, slots)
            visit.note()
            if i:
                visit.held.pop(stages[i - 1].mix)
            _run(visit, cpu * stage.share)
            visit.note()

    def _spawn(self, step: spec.Spawn, visit: Visit) -> None:
        kind, count = self._program.goroutines[step.goroutine], step.count
        child = self.of_steps(kind.steps, kind)
        _run(visit, self._go_ns * count)
        if step.wait:
            _block(visit, longest(kind.steps, count))
        for name in set(_SUMS) - {"own", "blocked", "child_blocked"}:
            setattr(visit, name, getattr(visit, name) + getattr(child, name) * count)
        visit.child_blocked += (child.blocked + child.child_blocked) * count
        visit.uses += [replace(use, slots=use.slots * count) for use in child.uses]
        for waits, runs in child.kept_credit.items():
            visit.kept_credit[waits] = visit.kept_credit.get(waits, 0.0) + runs * count
        _add_books(visit, child, count)

    def _publish(self, step: spec.Publish, visit: Visit) -> None:
        holder = self._stores[step.store]
        slots = visit.held.pop(holder.mix, 0.0)
        holder.take_entries(slots)
        for use in visit.uses:
            if use.mix == holder.mix and use.held:
                use.holder, use.held = holder, False
                holder.allocate_at_once(use.slots)

    def _repeat(self, step: spec.Repeat, visit: Visit) -> None:
        """The first times one by one; the others are alike, with what is kept growing evenly."""
        few = min(step.times, ITERATIONS)
        before = {name: getattr(visit, name) for name in _SUMS}
        known, kept = len(visit.uses), dict(visit.kept_credit)
        for inner in step.steps * few:
            self._add(inner, visit)
        if step.times == few:
            return
        factor = step.times / few
        for name, value in before.items():
            setattr(visit, name, value + (getattr(visit, name) - value) * factor)
        for use in visit.uses[known:]:
            use.slots *= factor
        for waits, runs in visit.kept_credit.items():
            old = kept.get(waits, 0.0)
            visit.kept_credit[waits] = old + (runs - old) * factor
        visit.children_held = {mix: ns * factor for mix, ns in visit.children_held.items()}
        visit.lends = {pool: ns * factor for pool, ns in visit.lends.items()}


def _run(visit: Visit, cpu: float, slots: float = 0.0) -> None:
    weight = cpu + NOMINAL_SLOT * slots
    visit.cpu += cpu
    visit.weight += weight
    visit.own += weight
    visit.stack_running += weight * visit.stack


def _block(visit: Visit, ns: float) -> None:
    visit.note()
    visit.end_run(ns)
    visit.blocked += ns
    visit.note()
    visit.runs += 1
    visit.stack_blocked += ns * visit.idle_stack
    for pool in visit.lends:
        visit.lends[pool] += ns


def _add_books(visit: Visit, child: Visit, count: int) -> None:
    times = child.times(1.0)
    for mix, held in child.held_along().items():
        kept = float(np.trapezoid(held, times)) + child.children_held.get(mix, 0.0)
        visit.children_held[mix] = visit.children_held.get(mix, 0.0) + kept * count
    for mix, burst in child.bursts.items():
        note_burst(visit.bursts, mix, burst)
    for pool, value in child.lends.items():
        visit.lends[pool] = visit.lends.get(pool, 0.0) + value * count
        visit.borrowers[pool] = visit.borrowers.get(pool, 0) + child.borrowers[pool] * count


def variance(quantity: Distribution) -> float:
    """The variance of a quantity, from its quantiles."""
    values = quantity.quantile((np.arange(DRAWS) + 0.5) / DRAWS)
    return float(values.var())


def longest(steps: Sequence[spec.Step], count: int) -> float:
    """Mean time of the longest of so many goroutines that do these steps."""
    rng = Streams(0)["longest"]
    total = np.zeros((DRAWS, count))
    for step in steps:
        time: Distribution | None = None
        if isinstance(step, spec.Wait | spec.Spin):
            time = step.time
        elif isinstance(step, spec.Work | spec.Append | spec.Insert):
            time = step.cpu
        if time is not None:
            total += time.quantile(rng.random(total.size)).reshape(total.shape)
    return float(total.max(axis=1).mean())
