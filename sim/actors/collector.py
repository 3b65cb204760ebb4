"""The collection cycle (runtime/mgc.go: gcStart, gcMarkDone, gcMarkTermination)."""

from __future__ import annotations

import numpy as np
import simpy
from numpy.typing import NDArray

from sim.actors.accounts import update_memory_use
from sim.actors.malloc import materialise, settle_sweep_debt
from sim.actors.marking import book_idle_ps, release_assists
from sim.actors.prices import reprice
from sim.actors.reporting import report_cycle
from sim.actors.scavenging import set_scavenge_goals
from sim.actors.stopping import other_busy_ps, stand_still, start_the_world, stop_the_world
from sim.actors.sweeping import note_sweep, start_sweeping, sweep_ns
from sim.go.markwork import MarkWork
from sim.go.pacer import ScanPart, check
from sim.machine.price import crowding_ns, mark_cpu_ns
from sim.world import CycleRecord, G, Process, World


def request(reason: str, g: G | None, world: World) -> simpy.Event:
    """Ask for a cycle (`heap`, `time` or `forced`); the event fires when the world runs again.

    The goroutine that asks keeps its P and goes on there.
    """
    gc = world.gc
    gc.running = True
    gc.wanted.succeed((reason, g))
    return gc.started


def collector(world: World) -> Process[None]:
    """Collect whenever somebody asks."""
    gc = world.gc
    while True:
        reason, g = yield gc.wanted
        gc.wanted = world.env.event()
        yield from sweep_what_is_left(world)
        yield from start_cycle(reason, g, world)
        if gc.marking:
            yield gc.marked
            yield world.env.work(round(world.machine.stw.ragged_barrier_ns))
        yield from mark_termination(world)


def sweep_what_is_left(world: World) -> Process[None]:
    """The goroutine that triggers sweeps all unswept spans before it stops the world."""
    heap, owed = world.memory.heap, 0
    if not heap.sweeping.done:
        materialise(world)
        swept, freed = heap.sweep_some(heap.spans.count + 1)
        note_sweep(world, "start", swept, freed)
        owed = sweep_ns(swept, freed, world)
    owed += settle_sweep_debt(world)
    if owed:
        yield world.env.work(owed)


def start_cycle(reason: str, g: G | None, world: World) -> Process[None]:
    """Stop the world, take the snapshot, hand out the work, go on."""
    gc = world.gc
    open_record(reason, world)
    gc.cycle.stop_start = yield from stop_the_world(g, world)
    book_idle_ps(world)
    gc.limiter.start_gc_transition(enable_gc=True, now=world.env.now)
    materialise(world)
    empty_pools(world)
    take_snapshot(world)
    gc.cycle.scannable, gc.cycle.scan_expected = gc.pacer.heap_scan, gc.pacer.scan_expected
    gc.pacer.start_cycle(gc.cycle.started, world.gomaxprocs, periodic=reason == "time")
    check(gc.pacer, world.pacer_name)
    gc.cycle.assist_ratio_start = gc.pacer.assist_work_per_byte
    set_workers(world)
    restart = world.machine.stw.restart_per_p_ns * other_busy_ps(world)
    yield from stand_still(world.machine.stw.start_work_ns + restart, world)
    gc.limiter.finish_gc_transition(world.env.now)
    if world.switches.concurrent and gc.barrier.shaded_pointers:
        begin_marking(world)
    else:
        yield from mark_while_stopped(world)
    gc.cycle.pause_start = start_the_world(world)
    gc.cycle.mark_started = world.env.now
    gc.started.succeed()
    gc.started = world.env.event()


def open_record(reason: str, world: World) -> None:
    """Fresh books for the cycle; every goroutine starts it without credit (gcResetMarkState)."""
    gc = world.gc
    gc.cycle = CycleRecord(
        number=gc.cycles + 1, reason=reason, started=world.env.now,
        heap_start=gc.pacer.heap_live, trigger=gc.trigger_at,
        reachable_bytes=gc.cycle.reachable_bytes,
    )  # fmt: skip
    gc.epoch += 1
    for p in world.sched.ps:
        p.fractional_ns, p.dedicated = 0, False


def empty_pools(world: World) -> None:
    """sync.Pool's cleanup, while the world is stopped; the ledger keeps as many as the pool has."""
    memory = world.memory
    for pool in memory.pools.values():
        dropped, total = pool.cleanup()
        held = int(memory.ledger.held_by(pool.owner, len(memory.kinds)).sum())
        if held > total - dropped:
            memory.ledger.thin(pool.owner, 1 - (total - dropped) / held)


def take_snapshot(world: World) -> None:
    """What is reachable now survives the cycle; count the work of marking it."""
    memory, gc = world.memory, world.gc
    memory.finalizers.bury(memory.ledger, world.streams["lifetimes"])
    capacity, kinds = memory.heap.spans.capacity, memory.kinds
    gc.snapshot_rows = memory.ledger.per_span(capacity)
    memory.black = np.zeros(capacity, dtype=np.int64)
    live = memory.ledger.per_kind(len(kinds))
    specials = memory.finalizers.roots(memory.ledger)
    counts = gc.marker.count(
        kinds, live, memory.ledger.spans_per_kind(memory.kind_ranks),
        memory.ledger.scattered_per_kind(len(kinds)),
        vector_kernel=world.machine.mark.vector_kernel > 0,
    )  # fmt: skip
    gc.cycle.stacks_scanned = memory.stacks.goroutines
    gc.cycle.scan = {
        "globals": world.globals_bytes, "stack": memory.stacks.used,
        "heap": round(counts.scan_bytes + float(np.dot(specials, memory.kind_scan))),
    }  # fmt: skip
    gc.cycle.scan_left = dict(gc.cycle.scan)
    gc.cycle.reachable_bytes = round(float(np.dot(live, memory.kind_slots)))
    units = sum(gc.cycle.scan.values())
    cpu = mark_cpu_ns(counts, world.machine.mark)
    cpu += root_cpu_ns(gc.cycle.scan, world)
    cpu += float(specials.sum()) * world.machine.finalizer.root_ns
    gc.work = MarkWork(units)
    gc.ns_per_unit = cpu / max(1, units)
    gc.crowding = crowding_ns(counts, world.machine.mark) / max(1.0, cpu)
    gc.marked = world.env.event()
    gc.pacer.set_stacks(memory.stacks.allocated)
    memory.stacks.scan()


def root_cpu_ns(scan: dict[ScanPart, int], world: World) -> float:
    """What every cycle takes; globals by the byte, stacks by goroutine and byte.

    See runtime/mgcmark.go: markroot.
    """
    mark = world.machine.mark
    return mark.cycle_ns + scan["globals"] * mark.root_byte_ns + stack_cpu_ns(scan["stack"], world)


def stack_cpu_ns(scanned: int, world: World) -> float:
    """Scanning all stacks, of which so many bytes are in use."""
    mark = world.machine.mark
    return world.sched.goroutines * mark.stack_ns + scanned * mark.stack_byte_ns


def set_workers(world: World) -> None:
    """How many workers of which kind this cycle may use."""
    gc, on = world.gc, world.switches
    workers = gc.pacer.workers
    gc.dedicated_needed = workers.dedicated if on.dedicated_workers else 0
    gc.fraction = workers.fraction if on.fractional_workers else 0.0
    gc.max_idle_workers = workers.max_idle if on.idle_workers else 0


def begin_marking(world: World) -> None:
    """Switch on assists, black allocation, the barrier and the slower program."""
    gc, on, machine = world.gc, world.switches, world.machine
    gc.marking = True
    gc.slowdown = machine.mutator.slowdown if on.mutator_slowdown else 1.0
    shaded = gc.barrier.shaded_pointers if on.write_barrier else 0
    gc.write_ns = machine.barrier.pointer_ns * shaded
    reprice(world)
    if gc.work.finished:
        gc.marked.succeed()


def mark_while_stopped(world: World) -> Process[None]:
    """The textbook collector: everybody marks while the program stands still."""
    gc = world.gc
    ns = round(gc.work.unclaimed * gc.ns_per_unit / world.gomaxprocs)
    for part, units in gc.cycle.scan_left.items():
        gc.pacer.add_scan_work(part, units)
    gc.cpu["dedicated"] += ns * world.gomaxprocs
    gc.cycle.cpu["dedicated"] = ns * world.gomaxprocs
    yield world.env.work(ns)


def mark_termination(world: World) -> Process[None]:
    """Stop the world, close the cycle, begin to sweep, go on."""
    gc, memory, cycle = world.gc, world.memory, world.gc.cycle
    cycle.mark_ended = world.env.now
    cycle.stop_end = yield from stop_the_world(None, world)
    materialise(world)
    cycle.heap_end = gc.pacer.heap_live
    cycle.reachable_bytes = round(float(np.dot(reachable_by_kind(world), memory.kind_slots)))
    cycle.assist_ratio_end = gc.pacer.assist_work_per_byte
    book_idle_ps(world)
    gc.limiter.start_gc_transition(enable_gc=False, now=world.env.now)
    gc.marking, gc.slowdown, gc.write_ns = False, 1.0, 0.0
    release_assists(world)
    gc.pacer.end_cycle(cycle.mark_ended, world.gomaxprocs)
    cycle.cons_mark, cycle.limit_goal = gc.pacer.old_cons_mark, gc.pacer.limit_in_force
    marked = count_marked(world)
    cycle.goal = gc.pacer.heap_goal()
    gc.pacer.reset_live(cycle.marked_bytes)
    memory.heap.begin_sweep(marked + revived(world))
    yield from stand_still(world.machine.stw.termination_work_ns, world)
    if gc.barrier.rescans_stacks:
        yield world.env.work(round(stack_cpu_ns(cycle.scan["stack"], world) / world.gomaxprocs))
    if not world.switches.lazy_sweep:
        yield from sweep_while_stopped(world)
    update_memory_use(world)
    gc.pacer.commit(sweep_done=memory.heap.sweeping.done)
    check(gc.pacer, world.pacer_name)
    gc.trigger_at, heap_goal = gc.pacer.trigger()
    set_scavenge_goals(world, heap_goal, cycle.goal)
    memory.pace.commit(
        done=memory.heap.sweeping.done, trigger=gc.trigger_at, heap_live=gc.pacer.heap_live,
        pages_in_use=memory.heap.stats.pages_in_use,
    )  # fmt: skip
    memory.stacks.end_cycle(cycle.scan["stack"], cycle.stacks_scanned)
    gc.limiter.finish_gc_transition(world.env.now)
    cycle.pause_end = start_the_world(world)
    gc.cycles += 1
    gc.forced += cycle.reason == "forced"
    gc.last_end = world.env.now
    gc.limiter.cycles = gc.cycles
    report_cycle(world)
    sweep_caches(world)
    reprice(world)
    gc.running = False
    gc.ended.succeed()
    gc.ended = world.env.event()
    start_sweeping(world)


def sweep_caches(world: World) -> None:
    """Ps give up their cached spans before they allocate again (runtime/mcache.go)."""
    heap, stale = world.memory.heap, world.memory.caches.flush()
    note_sweep(world, "flush", len(stale), heap.sweep_cached(stale))


def sweep_while_stopped(world: World) -> Process[None]:
    """The textbook collector: everybody sweeps while the program stands still."""
    sweep_caches(world)
    heap = world.memory.heap
    swept, freed = heap.sweep_some(heap.spans.count + 1)
    note_sweep(world, "stopped", swept, freed)
    yield world.env.work(round(sweep_ns(swept, freed, world) / world.gomaxprocs))


def count_marked(world: World) -> NDArray[np.int64]:
    """Marked slots by span: the snapshot, and what was allocated black since."""
    memory, gc = world.memory, world.gc
    spans = memory.heap.spans
    before, black = _padded(gc.snapshot_rows, spans.capacity), _padded(memory.black, spans.capacity)
    if not world.switches.black_allocation:
        black = memory.ledger.per_span(spans.capacity) - before
    gc.cycle.black_bytes = int(np.dot(black, spans.slot_bytes))
    gc.cycle.marked_bytes = int(np.dot(before, spans.slot_bytes)) + gc.cycle.black_bytes
    return before + black


def revived(world: World) -> NDArray[np.int64]:
    """Unmarked slots by span that wait for their finalizers."""
    spans, stats = world.memory.heap.spans, world.memory.heap.stats
    finalizers = world.memory.finalizers
    return finalizers.revive(world.memory.ledger, spans.capacity, stats.pages_in_use)


def _padded(column: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.concatenate((column, np.zeros(length - len(column), dtype=np.int64)))


def reachable_by_kind(world: World) -> NDArray[np.float64]:
    """Objects that the program can still reach, by kind, in expectation."""
    return world.memory.ledger.expected_per_kind(len(world.memory.kinds))
