"""The heap as the collector sees it: expected spans by class, and levels of what is reachable."""

from __future__ import annotations

import math
import operator
from typing import Final

import numpy as np

from sim.fluid.between_cycles import BetweenCycles
from sim.fluid.flow import Flow
from sim.fluid.footprint import Footprint
from sim.fluid.in_flight import InFlight, StackMemory
from sim.fluid.retention import Pooled, Retained
from sim.fluid.slots import SlotAccounts
from sim.fluid.snapshot import Snapshots
from sim.fluid.spans import Floats, SpanModel
from sim.fluid.sweeping import BackgroundSweep
from sim.go.mheap import PAGE
from sim.machine.profile import MachineProfile
from sim.runtime.interfaces import (
    Allocated,
    Finalized,
    HeapUsage,
    MarkTotals,
    Snapshot,
    SweepReport,
)
from sim.runtime.state import GC, Process, Settings
from sim.units import Bytes

STRETCH_A_BYTE: Final = 1.0
"""Stretches a byte of heap_live where nothing comes by chance: as many as in_flight can be."""
SPREAD_OF_MOST: Final = 0.5
"""Standard deviation of the largest of some ten normal quantities, relative to that of one. Source:
0.587 for ten, 0.43 for a hundred (Tippett, Biometrika 17, 1925); moves the scatter of what pools
hold."""


class ExpectedHeap:
    """See `sim.runtime.interfaces.Heap`. Slots and spans are expectations."""

    def __init__(
        self,
        flow: Flow,
        between: BetweenCycles,
        gc: GC,
        settings: Settings,
        machine: MachineProfile,
        spans: SpanModel,
        slots: SlotAccounts,
        stacks: StackMemory,
        footprint: Footprint,
        pools: dict[str, Pooled],
        rng: np.random.Generator,
    ) -> None:
        self._flow, self._gc, self._machine, self._spans = flow, gc, machine, spans
        self._ps, self._allocate_black = settings.gomaxprocs, settings.switches.black_allocation
        self._slots, self._stacks, self._footprint = slots, stacks, footprint
        self._pools, self._rng = pools, rng
        self._between = between
        self._sweep = BackgroundSweep(flow, gc, settings.gomaxprocs)
        self._snapshots = Snapshots(spans, gc.marker, machine.mark)
        mixes = len(spans.slot_bytes)
        self._taken_before = [0.0] * mixes
        """Slots by mix that had been taken when the snapshot was."""
        self._live = [0.0] * mixes
        """Slots by mix that the snapshot found reachable."""
        self._empty: Floats = self._spans.spans
        """Share of the spans of each class in which the snapshot found nothing."""
        self._swept_spans = self._freed_spans = self._freed_bytes = 0.0
        self._in_use = 0
        self._since_last = 1.0
        """ns from the end of the cycle before to the end of the last one."""
        self._sweep_is_done = True

    def finish_sweep(self) -> Process[None]:
        """See `Heap`."""
        self._between.catch_up()
        yield from self._sweep.finish()
        self._flow.settle_all()

    def flush(self) -> None:
        """See `Heap`."""
        self._flow.settle_all()

    def snapshot(self) -> Snapshot:
        """See `Heap`."""
        slots, spans, in_flight = self._slots, self._spans, self._flow.in_flight
        self._taken_before = list(slots.taken)
        in_use = spans.in_use(spans.per_class(slots.taken))
        self._live, work = self._snapshots.take(self._retained(in_flight), in_use)
        self._empty = work.empty
        return Snapshot(
            stack_scan=int(in_flight.stack_used),
            heap_scan=round(work.scan_bytes),
            cpu_ns=work.cpu_ns,
            specials_ns=0.0,
            crowding_ns=work.crowding_ns,
            goroutines=in_flight.goroutines,
            stacks=self._stacks.allocated(in_flight),
            reachable=int(spans.nbytes(self._live)),
            tables=work.tables,
            links=work.links,
        )

    def _retained(self, in_flight: InFlight) -> list[Retained]:
        """Who keeps something now; requests do not keep more than is in the heap beside others."""
        found, in_heap = [*self._flow.retained], self._slots.in_heap()
        for holder in found:
            in_heap[holder.mix] -= holder.slots
        for mix, slots in in_flight.held.items():
            mine = Retained(mix, in_flight.bursts.get(mix, 1.0))
            mine.slots = min(slots, max(in_heap[mix], 0.0))
            found.append(mine)
        return found

    def begin_sweep(self) -> MarkTotals:
        """See `Heap`: marked slots stay; the others are free from here on."""
        spans, slots = self._spans, self._slots
        reachable = self._reachable()
        black = list(map(operator.sub, slots.taken, self._taken_before))
        if not self._allocate_black:
            black = [max(now - then, 0.0) for now, then in zip(reachable, self._live, strict=True)]
        marked = list(map(operator.add, self._live, black))
        now = spans.in_use(spans.per_class(slots.taken))
        spans.sweep(now, self._empty, spans.per_class(self._live), spans.per_class(black))
        self._freed_bytes = slots.sweep(marked)
        self._swept_spans, _, in_use = spans.totals(now)
        self._freed_spans = max(self._swept_spans - spans.totals(spans.spans)[0], 0.0)
        self._in_use = int(in_use)
        self._sweep_is_done = self._swept_spans < 1
        self._footprint.forget()
        self._footprint.map_for(self._in_use)
        self._stacks.end_cycle(self._flow.in_flight)
        return MarkTotals(
            int(spans.nbytes(marked)), int(spans.nbytes(black)), int(spans.nbytes(reachable))
        )

    def _reachable(self) -> list[float]:
        """Slots that the program can reach now, by mix."""
        retained = self._retained(self._flow.in_flight)
        return self._snapshots.by_mix(retained, [holder.slots for holder in retained])

    def sweep_while_stopped(self) -> Process[None]:
        """See `Heap`."""
        self._sweep_is_done = True
        yield from self._flow.stand_still(self._sweep_ns() / self._ps)

    def _sweep_ns(self) -> float:
        """CPU time of sweeping all spans, of which some go back to the page heap."""
        costs = self._machine.sweep
        return self._swept_spans * costs.span_ns + self._freed_spans * costs.freed_span_ns

    @property
    def swept(self) -> bool:
        """See `Heap`."""
        return self._sweep_is_done

    @property
    def in_use_when_marked(self) -> Bytes:
        """See `Heap`."""
        return self._in_use

    def usage(self) -> HeapUsage:
        """See `Heap`."""
        self._flow.see()
        return self._footprint.usage()

    @property
    def mapped(self) -> Bytes:
        """See `Heap`."""
        return round(self._footprint.mapped)

    @property
    def spans(self) -> int:
        """See `Heap`: there are only expectations."""
        return 0

    def commit(self) -> None:
        """See `Heap`: the sweep is paced by what is swept when the next cycle begins."""
        self._since_last = max(self._flow.now - self._gc.last_end, 1.0)

    def change_pace(self) -> None:
        """See `Heap`: the sweep is paced by what is swept when the next cycle begins."""

    def resume(self) -> None:
        """See `Heap`: find out what will be taken until the next cycle, and what a slot costs."""
        flow, spans, pacer = self._flow, self._spans, self._gc.pacer
        _, goal = pacer.trigger()
        room = min(max(float(goal - pacer.heap_live), float(PAGE)), 2.0**44)
        seen = self._slots.last_taken
        if spans.nbytes(seen) < room / 4:
            seen = self._slots.total_taken()
        ps = flow.allocating_ps()
        expected, ahead = spans.taken_within(seen, room, ps, self._stretches(ps))
        flow.expect(expected)
        if not self._sweep_is_done:
            self._sweep.start(self._sweep_ns())
        pacer.update(int(ahead), 0)
        self._refill_pools(flow.in_flight)
        self._footprint.forget()

    def _stretches(self, ps: float) -> float:
        """Independent stretches of work of each of so many Ps, by byte of heap_live.

        The P that parked last is the first to be woken, and so one run follows the other on the
        same P until another one overlaps them, and parks later in half of the cases: with runs that
        become ready at a rate r and last for b, m = 2 / (1 - exp(-r b)) in a row on average, a
        geometric number. What a P allocates then scatters as if it came in clumps, of which a run
        meets one of 2m - 1 runs (the size-biased mean of a geometric number), less its own part
        m / P. Holds for requests that come at random (Poisson) and find idle Ps; Ps that never idle
        get the same.
        """
        plan, ps_all = self._flow.planned, self._ps
        if not plan.ready or not plan.live:
            return STRETCH_A_BYTE
        busy_ns = plan.program / plan.ready + self._machine.sched.wake_ns
        in_a_row = 2 / -math.expm1(-plan.ready * busy_ns)
        clumps = (2 * in_a_row - 1 - in_a_row / ps_all) * max(1 - plan.program / ps_all, 0.0)
        return plan.ready / (plan.live * ps * max(clumps, 1.0))

    def _refill_pools(self, in_flight: InFlight) -> None:
        """Objects that pools will have to allocate until the next cycle.

        A pool holds as many as were ever lent at a time: of n independent looks at a nearly normal
        number, about the mean + the deviation times sqrt(2 ln n) (Gumbel; see `SPREAD_OF_MOST`).
        """
        for name, pool in self._pools.items():
            lent, variance, time, limit = in_flight.lent.get(name, (0.0, 0.0, 1.0, 0.0))
            spread = math.sqrt(variance)
            looks = self._since_last / max(time, 1.0) + 1.0
            chance = SPREAD_OF_MOST * float(self._rng.standard_normal())
            most = min(lent + spread * (math.sqrt(2 * math.log(looks)) + chance), limit)
            new = max(most - pool.slots, 0.0)
            pool.slots = most
            self._slots.taken[pool.mix] += new
            self._gc.pacer.update(int(new * self._spans.slot_bytes[pool.mix]), 0)

    def allocated(self) -> Allocated:
        """See `Heap`."""
        slots = self._slots
        self._flow.settle_all()
        (allocated, objects), (freed, freed_objects) = slots.allocated, slots.freed
        return Allocated(
            allocated_bytes=allocated,
            allocated_objects=objects,
            freed_bytes=freed,
            freed_objects=freed_objects,
            tiny_allocs=None,
            objects=objects - freed_objects,
        )

    def sweep_report(self) -> SweepReport:
        """See `Heap`."""
        return SweepReport(None, round(self._freed_spans), round(self._freed_bytes))

    def finalized(self) -> Finalized:
        """See `Heap`: the fluid mode refuses finalizers."""
        return Finalized(0, 0, 0, 0)

    def scavenge_cpu(self) -> dict[str, float]:
        """See `Heap`."""
        footprint = self._footprint
        return {"assist": footprint.assist_ns, "background": footprint.background_ns}
