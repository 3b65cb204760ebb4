"""Doing mark work: its time, its books, its credit, and noticing that it is all done."""

from __future__ import annotations

from sim.actors.scheduling import ready
from sim.go.assist import OVER_ASSIST_WORK
from sim.go.markwork import PIECE_NS, SCAN_ORDER
from sim.machine.price import crowded
from sim.world import G, P, World


def piece(world: World) -> int:
    """How much to claim: small pieces when assists wait to be paid or the end is near."""
    gc = world.gc
    largest = OVER_ASSIST_WORK if gc.queue else int(PIECE_NS / gc.ns_per_unit)
    return gc.work.piece(world.gomaxprocs, largest)


def mark_ns(units: int, world: World) -> int:
    """How long one marker takes for so much scan work, beside those that are at it."""
    gc = world.gc
    others = min(gc.markers, world.gomaxprocs - 1)
    return max(1, round(units * gc.ns_per_unit * crowded(gc.crowding, others)))


def book(world: World, kind: str, ns: int) -> None:
    """Add marking time of a kind (`assist`, `dedicated`, `fractional`, `idle`) to all the books."""
    gc = world.gc
    gc.cycle.cpu[kind] = gc.cycle.cpu.get(kind, 0) + ns
    gc.cpu[kind] += ns
    gc.pacer.add_mark_time(kind, ns)
    if kind == "assist":
        gc.limiter.add_assist_time(ns)
    elif kind == "idle":
        gc.limiter.add_idle_time(ns)
    if gc.limiter.need_update(world.env.now):
        book_idle_ps(world)
        gc.limiter.update(world.env.now)


def book_idle_ps(world: World) -> None:
    """Ps that idle have done so up to now: the limiter asks (mgclimit.go: updateLocked).

    What it hears of only later would count as negative time of the program.
    """
    for p in world.sched.ps:
        if p.doing == "parked":
            book_idle(p, world)


def book_idle(p: P, world: World) -> None:
    """The P has idled since it parked, or since this was booked last."""
    idle = world.env.now - p.parked_at
    p.idle_ns += idle
    p.parked_at += idle
    world.gc.limiter.add_idle_time(idle)


def hand_in(claimed: int, done: int, world: World) -> None:
    """Return a claim: globals and stacks are scanned first, then the heap."""
    gc = world.gc
    gc.work.finish(claimed, done)
    left = done
    for part in SCAN_ORDER:
        some = min(left, gc.cycle.scan_left[part])
        if some:
            gc.cycle.scan_left[part] -= some
            gc.pacer.add_scan_work(part, some)
            left -= some
    if gc.marking and gc.work.finished and not gc.marked.triggered:
        gc.marked.succeed()


def flush_background_credit(work: int, world: World) -> None:
    """Background workers pay parked assists in order; the rest is credit (gcFlushBgCredit)."""
    gc, pacer = world.gc, world.gc.pacer
    if not gc.queue:
        pacer.bg_scan_credit += work
        return
    paid = int(work * pacer.assist_bytes_per_work)
    while gc.queue and paid > 0:
        g = gc.queue.popleft()
        if paid + g.credit < 0:
            g.credit += paid
            gc.queue.append(g)
            return
        paid += g.credit
        g.credit = 0
        release(g, world)
    pacer.bg_scan_credit += int(paid * pacer.assist_work_per_byte)


def release_assists(world: World) -> None:
    """At the end of marking everybody goes free (gcWakeAllAssists)."""
    while world.gc.queue:
        release(world.gc.queue.popleft(), world)


def release(g: G, world: World) -> None:
    """Make a parked assist runnable."""
    waited = world.env.now - g.parked_at
    g.assist_wait += waited
    world.gc.cycle.assist_wait_ns += waited
    ready(g, None, world)
