"""Requests, slices, spans, free pages and locks as rows of the tables."""

from __future__ import annotations

import numpy as np

from sim.actors.state import G, Ints, P
from sim.actors.world import World
from sim.go.kinds import LARGE_NOSCAN
from sim.go.mheap import PAGE, MHeap
from sim.record.facts import FreeRuns, LockUse, MarkProgress, Request, Slice, SpanClassUse


def report_request(g: G, world: World) -> None:
    """A request has ended."""
    world.emit(
        Request(
            g.load,
            g.kind,
            g.arrival,
            g.started,
            world.env.now,
            g.on_cpu,
            g.alloc,
            g.assist,
            g.assist_wait,
            g.queue,
            g.blocked,
            g.lock_wait,
            g.stw,
            g.gc_slowdown,
            g.throttled,
        )
    )


def report_slice(p: P, since: int, kind: str, name: str, world: World) -> None:
    """A P has done one thing until now; told when somebody wants the timeline."""
    if world.timeline and world.env.now > since:
        world.emit(Slice(p.id, since, world.env.now, kind, name))


def report_marking(world: World) -> None:
    """Mark work was handed in; told when somebody wants the timeline."""
    gc, mark, memory = world.gc, world.mark, world.memory
    if not (world.timeline and gc.marking and gc.scan_units):
        return
    per_unit = gc.cycle.reachable_bytes / gc.scan_units
    done = gc.scan_units - mark.work.unclaimed - mark.work.in_flight
    spans = memory.heap.spans
    black = world.allocator.black
    new = int(np.dot(black, spans.slot_bytes[: len(black)]))
    grey, scanned = (round(per_unit * units) for units in (mark.work.in_flight, done))
    objects = memory.heap.stats.allocated_bytes - memory.heap.stats.freed_bytes
    world.emit(
        MarkProgress(
            world.env.now,
            gc.cycle.number,
            max(objects - grey - scanned - new, 0),
            grey,
            scanned + new,
            new,
            mark.work.unclaimed,
            max(gc.pacer.bg_scan_credit, 0),
            len(mark.queue),
            sum(-g.credit for g in mark.queue),
        )
    )


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
        world.emit(
            SpanClassUse(
                at_ns=now,
                cycle=world.gc.cycles,
                span_class=span_class,
                size=int(heap.slot_size[span_class]),
                noscan=bool(span_class % 2),
                spans=int(number[span_class]),
                objects=int(objects[span_class]),
                live_objects=int(live_objects[span_class]),
                free_slots=int(capacity[span_class] - objects[span_class]),
                span_bytes=int(span_bytes[span_class]),
                object_bytes=int(object_bytes[span_class]),
                live_bytes=int(live_bytes[span_class]),
                tail_waste_bytes=int(tail_waste[span_class]),
                internal_waste_bytes=round(
                    object_bytes[span_class] * world.kinds.waste_by_class[span_class]
                ),
            )
        )


def _by_class(classes: Ints, amount: Ints, heap: MHeap) -> Ints:
    return np.bincount(classes, weights=amount, minlength=len(heap.nelems)).astype(np.int64)


def report_free_runs(world: World) -> None:
    """Free pages between spans, in powers of two of their runs' lengths."""
    lengths = world.memory.heap.pages.free_runs()
    power = np.ceil(np.log2(lengths)).astype(np.int64)
    runs = np.bincount(power)
    pages = np.bincount(power, weights=lengths)
    for exponent in np.flatnonzero(runs).tolist():
        world.emit(
            FreeRuns(
                at_ns=world.env.now,
                cycle=world.gc.cycles,
                longest=PAGE << exponent,
                runs=int(runs[exponent]),
                free_bytes=int(pages[exponent]) * PAGE,
            )
        )


def report_locks(world: World) -> None:
    """What every cause did with every lock since this was told last."""
    use, now = world.locks.use, world.env.now
    longest = world.locks.longest_waits()
    names = [world.locks.name(row) for row in range(len(use.acquisitions))]
    for row in sorted(np.flatnonzero(use.acquisitions).tolist(), key=names.__getitem__):
        lock, cause = names[row]
        world.emit(
            LockUse(
                end_ns=now,
                begin_ns=use.since,
                lock=lock,
                cause=cause,
                acquisitions=float(use.acquisitions[row]),
                contended=float(use.contended[row]),
                hold_ns=round(use.hold_ns[row]),
                wait_ns=round(use.wait_ns[row]),
                max_wait_ns=round(longest[row]),
            )
        )
    use.clear(now)
