"""Mark assists: who allocates while marking pays with mark work (runtime/mgcmark.go)."""

from __future__ import annotations

from sim.actors.marking import book, finish_claim, mark_ns, piece
from sim.actors.state import Body, G
from sim.actors.world import World
from sim.go.assist import OVER_ASSIST_WORK, debt, earned
from sim.go.pacer import check_assist_ratio


def charge(g: G, slot_bytes: float, world: World) -> None:
    """Allocation while marking uses up credit (runtime/malloc_stubs.go: deductAssistCredit)."""
    if world.gc.marking and not g.system:
        g.credit -= int(slot_bytes)


def open_credit(g: G, world: World) -> None:
    """Credit of an earlier cycle is void (runtime/mgc.go: gcResetMarkState)."""
    if g.epoch != world.mark.epoch:
        g.epoch = world.mark.epoch
        g.credit = 0


def owes_work(g: G, wanted: float, world: World) -> bool:
    """Must the goroutine mark before it allocates? Credit is got for all of the `wanted` bytes.

    While background credit lasts, it is stolen for the whole stretch at once, as the many small
    assists of the real allocator would do one after the other at no cost in time.
    """
    if g.system or not world.switches.assists:
        return False
    open_credit(g, world)
    if g.credit < wanted:
        check_assist_ratio(world.gc.pacer, world.pacer_name)
        steal_credit(g, int(wanted), world)
    return g.credit <= 0


def steal_credit(g: G, wanted: int, world: World) -> None:
    """Take background credit for `wanted` bytes, as far as there is enough for whole assists."""
    pacer = world.gc.pacer
    missing = debt(g.credit - wanted, pacer.assist_work_per_byte, pacer.assist_bytes_per_work)
    wanted_assists = -(-missing.scan_work // OVER_ASSIST_WORK)
    assists = min(wanted_assists, pacer.bg_scan_credit // OVER_ASSIST_WORK)
    if assists > 0:
        take_credit(g, assists * OVER_ASSIST_WORK, world)


def take_credit(g: G, work: int, world: World) -> None:
    """So much background credit is the goroutine's from now on."""
    pacer = world.gc.pacer
    pacer.bg_scan_credit -= work
    g.credit += earned(work, pacer.assist_bytes_per_work)


def assist(g: G, world: World) -> Body:
    """Mark, or wait for those who do, until there is credit to allocate (gcAssistAlloc).

    What background credit there is comes first; the rest of an assist, the goroutine does itself.
    However much it owes, it leaves work to the others (mgcmark.go: gcDrainN).
    """
    gc, pacer = world.gc, world.gc.pacer
    while g.credit <= 0 and gc.marking and not gc.limiter.limiting:
        owed = debt(g.credit - 1, pacer.assist_work_per_byte, pacer.assist_bytes_per_work)
        stolen = min(owed.scan_work, max(pacer.bg_scan_credit, 0))
        if stolen:
            take_credit(g, stolen, world)
        left = owed.scan_work - stolen
        if not left:
            break
        claimed = world.mark.work.claim(min(left, piece(world)))
        if claimed:
            yield from scan(g, claimed, world)
        elif gc.marking and g.credit <= 0:
            yield from park(g, world)


def hand_back_credit(g: G, world: World) -> None:
    """What a goroutine that ends has not used is background credit again (proc.go: goexit0)."""
    gc = world.gc
    if gc.marking and g.epoch == world.mark.epoch and g.credit > 0:
        check_assist_ratio(gc.pacer, world.pacer_name)
        gc.pacer.bg_scan_credit += int(gc.pacer.assist_work_per_byte * g.credit)
        g.credit = 0


def scan(g: G, claimed: int, world: World) -> Body:
    """Do mark work on the goroutine's P."""
    mark = world.mark
    ns = mark_ns(claimed, world)
    mark.assists += 1
    mark.markers += 1
    g.assist += ns
    g.assisting = True
    yield ns
    g.assisting = False
    mark.markers -= 1
    book(world, "assist", ns)
    g.credit += earned(claimed, world.gc.pacer.assist_bytes_per_work)
    finish_claim(claimed, claimed, world)


def park(g: G, world: World) -> Body:
    """Wait in the assist queue until background workers have paid (gcParkAssist)."""
    world.mark.queue.append(g)
    world.mark.parks += 1
    g.parked_at = world.env.now
    yield None
