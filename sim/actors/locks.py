"""The heap lock and the mcentrals: holding, waiting, and the accounts of both.

In batches the wait follows from the load of the lock; with every refill an event, Ps queue for
real SimPy locks.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sim.engine.lock import Lock
from sim.engine.queueing import mean_wait
from sim.go.kinds import LARGE_NOSCAN
from sim.go.mheap import RefillCounts
from sim.world import Body, G, LockTotals, World

HEAP_LOCK: Final = "mheap"
PAGE_CACHE_PAGES: Final = 64  # runtime/mpagecache.go: pageCachePages
PAGE_CACHE_LIMIT: Final = 16  # runtime/mheap.go: allocSpan, requests below it may use the cache


class Hold(NamedTuple):
    """Acquisitions of one lock for one cause; an expected number in batches."""

    lock: str
    cause: str
    times: float
    ns: float
    """How long each of them holds it."""


class Bill(NamedTuple):
    """What the refills of one span class did and cost."""

    heap_live: int
    ns: float
    wait_ns: float
    holds: tuple[Hold, ...]


def note_hold(world: World, hold: Hold) -> float:
    """Account for acquisitions since the last batch; their total wait in ns.

    The heap lock serves everybody, so its wait is that which the whole of the last batch showed;
    an mcentral is loaded by its own class alone.
    """
    if hold.times <= 0:
        return 0.0
    memory = world.memory
    if hold.lock == HEAP_LOCK:
        memory.heap_lock_count += hold.times
        memory.heap_lock_hold += hold.times * hold.ns
        wait = memory.heap_lock_wait
    else:
        elapsed = world.env.now - memory.last_batch_at
        wait = expected_wait(hold.ns, hold.times, elapsed, world)
    totals = totals_of(world, hold.lock, hold.cause)
    totals.acquisitions += hold.times
    totals.hold_ns += hold.times * hold.ns
    totals.wait_ns += hold.times * wait
    totals.contended += hold.times * wait / (wait + hold.ns)
    totals.max_wait_ns = max(totals.max_wait_ns, wait)
    return hold.times * wait


def close_heap_lock_batch(world: World) -> None:
    """The wait for the heap lock follows from all of its load since the last batch."""
    memory = world.memory
    elapsed = world.env.now - memory.last_batch_at
    if elapsed <= 0:
        return
    memory.heap_lock_wait = 0.0
    if memory.heap_lock_count:
        hold = memory.heap_lock_hold / memory.heap_lock_count
        memory.heap_lock_wait = expected_wait(hold, memory.heap_lock_count, elapsed, world)
    memory.heap_lock_count = memory.heap_lock_hold = 0.0


def expected_wait(hold: float, times: float, elapsed: int, world: World) -> float:
    """Mean wait per acquisition; none where contention is switched off."""
    if not world.switches.lock_contention:
        return 0.0
    return mean_wait(hold, times, elapsed, world.gomaxprocs)


def central_hold(span_class: int, counts: RefillCounts, world: World) -> Hold:
    """How refills hold the mcentral of their class (runtime/mcentral.go: cacheSpan).

    A span set has no lock, but one word that every push and pop changes: the full span goes in, the
    next one comes out. Up to Go 1.14 the lock is held to move a span from one list to the other,
    and again to enter one that came fresh from the heap meanwhile; large objects are on no list.
    """
    name, page = span_set_name(span_class), world.machine.page
    if world.switches.mcentral == "go1.14":
        times = 0 if span_class <= LARGE_NOSCAN else counts.spans + counts.fresh
        return Hold(name, "refill", times, page.span_list_ns)
    return Hold(name, "refill", 2 * counts.spans, page.span_set_ns)


def queue_for(g: G, hold: Hold, world: World) -> Body:
    """Acquire, hold and release a lock so many times on average, on the goroutine's P."""
    lock = lock_of(world, hold.lock)
    totals = totals_of(world, hold.lock, hold.cause)
    for _ in range(int(hold.times + world.streams["locks"].random())):
        turn = lock.acquire() if world.switches.lock_contention else None
        if turn is not None:
            begun = world.env.process_time
            yield turn
            waited = world.env.process_time - begun
            g.lock_wait += waited
            totals.contended += 1
            totals.wait_ns += waited
            totals.max_wait_ns = max(totals.max_wait_ns, waited)
        yield world.env.work(max(1, round(hold.ns)))
        g.alloc += max(1, round(hold.ns))
        totals.acquisitions += 1
        totals.hold_ns += hold.ns
        if world.switches.lock_contention:
            lock.release()


def lock_of(world: World, name: str) -> Lock:
    """The lock of that name, made on first use."""
    if name not in world.memory.locks:
        world.memory.locks[name] = Lock(world.env)
    return world.memory.locks[name]


def totals_of(world: World, lock: str, cause: str) -> LockTotals:
    """The account of a lock and a cause, opened on first use."""
    totals = world.memory.lock_use.get((lock, cause))
    if totals is None:
        totals = world.memory.lock_use[(lock, cause)] = LockTotals()
    return totals


def heap_lock_acquisitions(fresh_spans: int, npages: int) -> float:
    """Small spans come from the P's page cache, which takes the lock once per 64 pages."""
    if npages < PAGE_CACHE_LIMIT:
        return fresh_spans * npages / PAGE_CACHE_PAGES
    return float(fresh_spans)


def span_set_name(span_class: int) -> str:
    """`mcentral[24 noscan]`: the size class and whether its objects have pointers."""
    return f"mcentral[{span_class // 2}{' noscan' if span_class % 2 else ''}]"
