"""Doing mark work: its time, its books, its credit, and noticing that it is all done."""

from __future__ import annotations

from sim.actors.reporting import report_marking
from sim.actors.scheduling import ready
from sim.actors.state import G, P
from sim.actors.world import World
from sim.go.assist import OVER_ASSIST_WORK
from sim.go.markwork import PIECE_NS, SCAN_ORDER
from sim.machine.price import crowded


def piece(world: World) -> int:
    """How much to claim: small pieces when assists wait to be paid or the end is near."""
    mark = world.mark
    largest = OVER_ASSIST_WORK if mark.queue else int(PIECE_NS / world.gc.ns_per_unit)
    return mark.work.piece(world.gomaxprocs, largest)


def mark_ns(units: int, world: World) -> int:
    """How long one marker takes for so much scan work, beside those that are at it."""
    gc = world.gc
    others = min(world.mark.markers, world.gomaxprocs - 1)
    return max(1, round(units * gc.ns_per_unit * crowded(gc.crowding, others)))


def book(world: World, kind: str, ns: int) -> None:
    """Add marking time of a kind (`assist`, `dedicated`, `fractional`, `idle`) to all the books."""
    gc = world.gc
    gc.cycle.cpu[kind] += ns
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


def idle_until(world: World) -> int:
    """Up to when Ps that are parked have idled: now, or when the world was stopped."""
    return world.sched.stopped_since if world.sched.stopped else world.env.now


def book_idle(p: P, world: World) -> None:
    """The P has idled since it parked, or since this was booked last.

    A stopped world is no idle time: Ps that idle are taken from the idle list (runtime/proc.go:
    stopTheWorldWithSema), and all of the pause counts as GC time.
    """
    idle = max(idle_until(world) - p.parked_at, 0)
    p.idle_ns += idle
    p.parked_at += idle
    world.gc.limiter.add_idle_time(idle)


def finish_claim(claimed: int, done: int, world: World) -> None:
    """Return a claim: globals and stacks are scanned first, then the heap."""
    gc, mark = world.gc, world.mark
    mark.work.finish(claimed, done)
    left = done
    for part in SCAN_ORDER:
        some = min(left, gc.cycle.scan_left[part])
        if some:
            gc.cycle.scan_left[part] -= some
            gc.pacer.add_scan_work(part, some)
            left -= some
    report_marking(world)
    if gc.marking and mark.work.finished and not mark.done.triggered:
        mark.done.succeed()


def flush_background_credit(work: int, world: World) -> None:
    """Background workers pay parked assists in order; the rest is credit (gcFlushBgCredit)."""
    queue, pacer = world.mark.queue, world.gc.pacer
    if not queue:
        pacer.bg_scan_credit += work
        return
    paid = int(work * pacer.assist_bytes_per_work)
    while queue and paid > 0:
        g = queue.popleft()
        if paid + g.credit < 0:
            g.credit += paid
            queue.append(g)
            return
        paid += g.credit
        g.credit = 0
        release(g, world)
    pacer.bg_scan_credit += int(paid * pacer.assist_work_per_byte)


def release_assists(world: World) -> None:
    """At the end of marking everybody goes free (gcWakeAllAssists)."""
    while world.mark.queue:
        release(world.mark.queue.popleft(), world)


def release(g: G, world: World) -> None:
    """Make a parked assist runnable."""
    waited = world.env.now - g.parked_at
    g.assist_wait += waited
    world.mark.wait_ns += waited
    ready(g, None, world)
