"""Books that must balance at every instant of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from sim.actors.state import G
from sim.build_events import Events
from sim.go.mheap import PAGE


def audit(world: Events, everybody: Sequence[G]) -> None:
    """All invariants; AssertionError tells which one broke."""
    audit_pages(world)
    audit_places(world)
    audit_slots(world)
    audit_reachable(world)
    audit_finalizers(world)
    audit_goroutines(world, everybody)
    audit_collector(world)


def watch_goroutines(world: Events) -> Sequence[G]:
    """The goroutines that the program starts from now on; the list grows as it goes on."""
    everybody: list[G] = []
    make: Callable[[str], G] = world.goroutines.new

    def new_goroutine(kind: str) -> G:
        everybody.append(make(kind))
        return everybody[-1]

    world.goroutines.new = new_goroutine  # type: ignore[method-assign]
    return everybody


def audit_pages(world: Events) -> None:
    """Pages are in a heap span, in a stack span, or free; no two spans share one."""
    memory, heap = world.memory, world.memory.heap
    spans, stats, pages = heap.spans, heap.stats, heap.pages
    used = spans.rows_in_use()
    assert spans.npages[used].sum() == stats.pages_in_use == stats.in_use_bytes // PAGE
    assert len(used) == spans.count
    mapped = pages.total_pages * PAGE
    free = pages.free_pages * PAGE
    assert stats.in_use_bytes + memory.stacks.span_bytes + free == mapped
    assert 0 <= pages.scavenged_pages <= pages.free_pages
    order = used[np.argsort(spans.page[used])]
    ends = spans.page[order] + spans.npages[order]
    assert (ends[:-1] <= spans.page[order][1:]).all()


def audit_places(world: Events) -> None:
    """Every span is in exactly one mcache or set of its own class; unswept ones in unswept sets."""
    heap, caches = world.memory.heap, world.memory.caches
    spans = heap.spans
    places = np.zeros(spans.capacity, dtype=np.int64)
    held = caches.held()
    np.add.at(places, held, 1)
    assert (spans.span_class[held] == np.nonzero(caches.cached >= 0)[0]).all()
    for span_class in np.unique(spans.span_class[spans.in_use]).tolist():
        central = heap.centrals[span_class]
        for full in (True, False):
            name = "full" if full else "partial"
            swept = getattr(central, f"{name}_swept")
            unswept = getattr(central, f"{name}_unswept")
            here, waiting = swept.peek(len(swept)), unswept.peek(len(unswept))
            # Reclaiming leaves spans in the unswept sets that others have swept or freed since.
            waiting = waiting[heap.is_unswept(waiting)]
            assert (spans.sweep_gen[here] == heap.sweeping.generation).all()
            for members in (here, waiting):
                np.add.at(places, members, 1)
                assert (spans.span_class[members] == span_class).all()
                assert ((spans.allocated[members] == spans.nelems[members]) == full).all()
    assert (places[spans.in_use] == 1).all()
    assert (places[~spans.in_use] == 0).all()


def audit_slots(world: Events) -> None:
    """Slots in use plus free slots are all slots; counters agree with the spans."""
    heap = world.memory.heap
    spans, stats = heap.spans, heap.stats
    used = spans.rows_in_use()
    allocated, nelems = spans.allocated[used], spans.nelems[used]
    assert (allocated >= 0).all()
    assert (allocated <= nelems).all()
    assert allocated.sum() == stats.allocated_objects - stats.freed_objects
    slot_bytes = spans.slot_bytes[used]
    assert (allocated * slot_bytes).sum() == stats.allocated_bytes - stats.freed_bytes
    assert (nelems * slot_bytes <= spans.npages[used] * PAGE).all()


def audit_reachable(world: Events) -> None:
    """What is reachable lies in slots in use; unswept spans keep every marked slot."""
    heap, ledger = world.memory.heap, world.memory.ledger
    spans = heap.spans
    reachable = ledger.expected_per_span(spans.capacity)
    assert (reachable <= spans.allocated + 1e-6).all()
    assert (reachable[~spans.in_use] == 0).all()
    unswept = spans.in_use & (spans.sweep_gen < heap.sweeping.generation)
    assert (spans.live[unswept] <= spans.allocated[unswept]).all()
    assert (reachable[unswept] <= spans.live[unswept] + 1e-6).all()


def audit_finalizers(world: Events) -> None:
    """What has a finalizer is reachable, lost, due, in the queue or called, in this order."""
    finalizers = world.memory.finalizers
    assert 0 <= finalizers.swept <= finalizers.due
    assert 0 <= finalizers.executed <= finalizers.queued
    assert finalizers.waiting_ns >= -1e-3
    assert finalizers.waiting <= finalizers.longest


def audit_goroutines(world: Events, everybody: Sequence[G]) -> None:
    """A goroutine has ended, runs, waits to run, is blocked or parked: one of these."""
    sched = world.sched
    queued = [g for p in sched.ps for g in (*p.runq.queue, p.runq.runnext) if g is not None]
    assert sched.queued.items == len(queued)
    assert sched.queued.waiting == sum(1 << p.id for p in sched.ps if len(p.runq))
    assert sched.late_timers == sum(1 << p.id for p in sched.ps if p.timers)
    queued += [*sched.shared, *world.mark.queue]
    places = {id(g): queued.count(g) for g in queued}
    for g in everybody:
        if g.body is None or g.held is None:  # ended, or not started yet
            assert id(g) not in places
        else:
            assert places.get(id(g), 0) + g.running + g.waiting == 1
    running = [g for g in everybody if g.running]
    assert len({g.p.id for g in running}) == len(running)  # type: ignore[union-attr]


def audit_collector(world: Events) -> None:
    """The barrier, assists and a stopped world are there only when they have to be."""
    gc, mark, sched = world.runtime.gc, world.mark, world.sched
    if not gc.marking:
        assert not mark.queue
        assert gc.write_ns == 0
        assert gc.slowdown == 1.0
        assert mark.idle_workers == 0
        assert mark.markers == 0
    if sched.stopped:
        assert gc.running
        assert not any(p.interruptible for p in sched.ps)
    assert gc.pacer.heap_live >= 0
    assert gc.pacer.bg_scan_credit >= 0
    assert mark.work.unclaimed >= 0
    assert mark.work.in_flight >= 0
