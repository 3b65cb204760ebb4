"""Telling what happened: cycles, pauses, requests, spans and locks as facts."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.actors.locks import use_name
from sim.go.kinds import LARGE_NOSCAN
from sim.go.mheap import PAGE, MHeap
from sim.record.facts import Cycle, FreeRuns, LockUse, Pause, Request, Slice, SpanClassUse
from sim.world import G, Ints, P, SweepDone, World

LARGEST: Final = (1 << 63) - 1
"""What tables say of a goal or trigger that is never reached."""
NO_SWEEP: Final = SweepDone(0, 0, 0, 0.0)


def report_request(g: G, world: World) -> None:
    """A request has ended."""
    world.emit(Request(
        g.load, g.kind, g.arrival, g.started, world.env.now, g.on_cpu, g.alloc, g.assist,
        g.assist_wait, g.queue, g.blocked, g.lock_wait, g.stw, g.gc_slowdown, g.throttled,
    ))  # fmt: skip


def report_slice(p: P, since: int, kind: str, name: str, world: World) -> None:
    """A P has done one thing until now; told when somebody wants the timeline."""
    if world.timeline and world.env.now > since:
        world.emit(Slice(p.id, since, world.env.now, kind, name))


def report_cycle(world: World) -> None:
    """A cycle has ended; the sweep that it tells of is the one before its start."""
    gc, now = world.gc, world.env.now
    cycle, pacer, swept, freed = gc.cycle, gc.pacer, gc.swept, gc.freed_before
    sweep, finalizers = gc.sweep_done or NO_SWEEP, world.memory.finalizers
    world.emit(Cycle(
        number=cycle.number, reason=cycle.reason,
        start_ns=cycle.started, mark_ns=cycle.mark_started, mark_term_ns=cycle.mark_ended,
        end_ns=now,
        procs=world.gomaxprocs,
        trigger=min(cycle.trigger, LARGEST), heap_goal=min(cycle.goal, LARGEST),
        limit_goal=cycle.limit_goal,
        heap_start=cycle.heap_start, heap_end=cycle.heap_end, heap_marked=cycle.marked_bytes,
        allocated_black=cycle.black_bytes,
        floating=max(cycle.marked_bytes - cycle.reachable_bytes, 0),
        stacks=world.memory.stacks.allocated,
        dedicated_workers=pacer.workers.dedicated, fractional_goal=pacer.workers.fraction,
        heap_scannable=cycle.scannable,
        heap_scan=cycle.scan["heap"], stack_scan=cycle.scan["stack"],
        globals_scan=cycle.scan["globals"],
        scan_expected=cycle.scan_expected, cons_mark=cycle.cons_mark,
        assist_ratio_start=cycle.assist_ratio_start, assist_ratio_end=cycle.assist_ratio_end,
        dedicated_ns=cycle.cpu.get("dedicated", 0), fractional_ns=cycle.cpu.get("fractional", 0),
        idle_ns=cycle.cpu.get("idle", 0), assist_ns=cycle.cpu.get("assist", 0),
        assists=cycle.assists, assist_parks=cycle.assist_parks, assist_wait_ns=cycle.assist_wait_ns,
        stw_start_stopping_ns=cycle.stop_start, stw_start_ns=cycle.pause_start,
        stw_end_stopping_ns=cycle.stop_end, stw_end_ns=cycle.pause_end,
        stw_cpu_ns=(cycle.pause_start + cycle.pause_end) * world.gomaxprocs,
        swept_background=swept.get("background", 0), swept_refill=swept.get("refill", 0),
        swept_debt=swept.get("debt", 0), swept_reclaim=swept.get("reclaim", 0),
        swept_flush=swept.get("flush", 0), swept_call=swept.get("call", 0),
        swept_stopped=swept.get("stopped", 0), swept_start=swept.get("start", 0),
        sweep_end_heap=sweep.heap_live, sweep_allocated=sweep.allocated,
        sweep_pages=sweep.pages, sweep_ratio=sweep.pages_per_byte,
        freed_spans=world.memory.heap.stats.spans_freed - freed.spans_freed,
        freed_bytes=world.memory.heap.stats.freed_bytes - freed.freed_bytes,
        finalizers_due=finalizers.due,
        finalizers_run=finalizers.executed - gc.finalizers_before,
        limiter_fill_ns=gc.limiter.fill, limiter_overflow_ns=gc.limiter.overflow,
        limiting=gc.limiter.limiting, gc_cpu_fraction=gc_cpu_fraction(world),
    ))  # fmt: skip
    first, second = (cycle.started, cycle.stop_start, cycle.pause_start), (
        cycle.mark_ended, cycle.stop_end, cycle.pause_end,
    )  # fmt: skip
    for kind, (at, stopping, total) in (("sweep-termination", first), ("mark-termination", second)):
        world.emit(Pause(at, kind, stopping, total, cycle.number))
    gc.swept.clear()
    gc.sweep_done = None
    gc.finalizers_before = finalizers.executed
    gc.freed_before = world.memory.heap.stats.copy()
    report_spans(world)
    report_free_runs(world)
    report_locks(world)


def gc_cpu_fraction(world: World) -> float:
    """GC share of the CPU since the start as gctrace counts it: without idle workers."""
    cpu = world.gc.cpu
    busy = cpu["assist"] + cpu["dedicated"] + cpu["fractional"] + cpu["pause"]
    return busy / max(1, world.env.now * world.gomaxprocs)


def report_spans(world: World) -> None:
    """Spans in use by class, at this instant."""
    memory, now = world.memory, world.env.now
    spans, heap = memory.heap.spans, memory.heap
    used = spans.rows_in_use()
    if not len(used):
        return
    classes, slots = spans.span_class.take(used), spans.allocated.take(used)
    live = np.minimum(memory.ledger.per_span(spans.capacity).take(used), slots)
    number, objects, live_objects = (
        _by_class(classes, amount, heap) for amount in (np.ones_like(slots), slots, live)
    )
    large = np.flatnonzero(classes <= LARGE_NOSCAN)
    size = spans.slot_bytes.take(used.take(large))

    def large_bytes(amount: Ints) -> Ints:
        """Bytes by class of large objects, which differ in size; there is one in a span."""
        return _by_class(classes.take(large), amount.take(large) * size, heap)

    capacity = number * heap.nelems
    span_bytes = number * heap.span_pages * PAGE + large_bytes(np.ones_like(slots))
    tail_waste = number * heap.span_pages * PAGE - capacity * heap.slot_size
    object_bytes = objects * heap.slot_size + large_bytes(slots)
    live_bytes = live_objects * heap.slot_size + large_bytes(live)
    for span_class in np.flatnonzero(number).tolist():
        world.emit(SpanClassUse(
            at_ns=now, cycle=world.gc.cycles, span_class=span_class,
            size=int(heap.slot_size[span_class]), noscan=bool(span_class % 2),
            spans=int(number[span_class]), objects=int(objects[span_class]),
            live_objects=int(live_objects[span_class]),
            free_slots=int(capacity[span_class] - objects[span_class]),
            span_bytes=int(span_bytes[span_class]), object_bytes=int(object_bytes[span_class]),
            live_bytes=int(live_bytes[span_class]), tail_waste_bytes=int(tail_waste[span_class]),
            internal_waste_bytes=round(
                object_bytes[span_class] * memory.waste_by_class[span_class]
            ),
        ))  # fmt: skip


def _by_class(classes: Ints, amount: Ints, heap: MHeap) -> Ints:
    return np.bincount(classes, weights=amount, minlength=len(heap.nelems)).astype(np.int64)


def report_free_runs(world: World) -> None:
    """Free pages between spans, in powers of two of their runs' lengths."""
    lengths = world.memory.heap.pages.free_runs()
    power = np.ceil(np.log2(lengths)).astype(np.int64)
    runs = np.bincount(power)
    pages = np.bincount(power, weights=lengths)
    for exponent in np.flatnonzero(runs).tolist():
        world.emit(FreeRuns(
            at_ns=world.env.now, cycle=world.gc.cycles, longest=PAGE << exponent,
            runs=int(runs[exponent]), free_bytes=int(pages[exponent]) * PAGE,
        ))  # fmt: skip


def report_locks(world: World) -> None:
    """What every cause did with every lock since this was told last."""
    use, now = world.memory.lock_use, world.env.now
    names = [use_name(row, world) for row in range(len(use.acquisitions))]
    for row in sorted(np.flatnonzero(use.acquisitions).tolist(), key=names.__getitem__):
        lock, cause = names[row]
        world.emit(LockUse(
            at_ns=use.since, end_ns=now,
            lock=lock, cause=cause, acquisitions=float(use.acquisitions[row]),
            contended=float(use.contended[row]), hold_ns=round(use.hold_ns[row]),
            wait_ns=round(use.wait_ns[row]), max_wait_ns=round(use.max_wait_ns[row]),
        ))  # fmt: skip
    use.clear(now)
