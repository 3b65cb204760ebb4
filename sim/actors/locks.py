"""The heap lock and the mcentrals: holding, waiting, and the accounts of both.

In batches the wait follows from the load of the lock; with every refill an event, Ps queue for
real SimPy locks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sim.actors.world import HEAP_LOCK_CAUSES, Body, Floats, G, Ints, World
from sim.engine.lock import Lock
from sim.engine.queueing import mean_wait
from sim.go.kinds import LARGE_NOSCAN
from sim.go.refill import RefillCounts

HEAP_LOCK: Final = "mheap"
PAGE_CACHE_PAGES: Final = 64  # runtime/mpagecache.go: pageCachePages
PAGE_CACHE_LIMIT: Final = 16  # runtime/mheap.go: allocSpan, requests below it may use the cache


class Hold(NamedTuple):
    """Acquisitions of locks for one cause, class by class; an expected number in batches."""

    use: Ints
    """Row of the account of locks for each class (`use_name`)."""
    times: Floats
    ns: float
    """How long each of them holds it."""


class Bill(NamedTuple):
    """What the refills of a batch did and cost, class by class."""

    heap_live: Ints
    ns: Floats
    wait_ns: Floats
    holds: tuple[Hold, ...]


def note_hold(world: World, hold: Hold) -> Floats:
    """Account for acquisitions since the last batch; their total wait in ns by class.

    The heap lock serves everybody, so its wait is that which the whole of the last batch showed;
    an mcentral is loaded by its own class alone.
    """
    memory, use, rows = world.memory, world.memory.lock_use, hold.use
    total = hold.times * hold.ns
    if is_heap_lock(int(rows[0]), world):
        wait = np.full(len(rows), memory.heap_lock_wait)
    else:
        elapsed = world.env.now - memory.last_batch_at
        wait = expected_wait(hold.ns, hold.times, elapsed, world)
    wait_ns: Floats = hold.times * wait
    np.add.at(use.acquisitions, rows, hold.times)
    np.add.at(use.hold_ns, rows, total)
    np.add.at(use.wait_ns, rows, wait_ns)
    np.add.at(use.contended, rows, hold.times * wait / (wait + hold.ns))
    np.maximum.at(use.max_wait_ns, rows, np.where(hold.times > 0, wait, 0.0))
    return wait_ns


def close_heap_lock_batch(world: World) -> None:
    """The wait for the heap lock follows from all of its load since the last batch."""
    memory = world.memory
    elapsed = world.env.now - memory.last_batch_at
    if elapsed <= 0:
        return
    memory.heap_lock_wait = 0.0
    if memory.heap_lock_count:
        hold = memory.heap_lock_hold / memory.heap_lock_count
        wait = expected_wait(hold, memory.heap_lock_count, elapsed, world)
        memory.heap_lock_wait = float(wait)
    memory.heap_lock_count = memory.heap_lock_hold = 0.0


def expected_wait(hold: float, times: ArrayLike, elapsed: int, world: World) -> Floats:
    """Mean wait per acquisition; none where contention is switched off."""
    customers = world.gomaxprocs if world.switches.lock_contention else 1
    return mean_wait(hold, times, elapsed, customers)


def central_hold(classes: Ints, counts: RefillCounts, world: World) -> Hold:
    """How refills hold the mcentrals of their classes (runtime/mcentral.go: cacheSpan).

    A span set has no lock, but one word that every push and pop changes: the full span goes in, the
    next one comes out. Up to Go 1.14 the lock is held to move a span from one list to the other,
    and again to enter one that came fresh from the heap meanwhile; large objects are on no list.
    """
    page = world.machine.page
    if world.switches.mcentral == "go1.14":
        moves = (counts.spans + counts.fresh) * (classes > LARGE_NOSCAN)
        return Hold(classes, moves.astype(np.float64), page.span_list_ns)
    return Hold(classes, (2 * counts.spans).astype(np.float64), page.span_set_ns)


def heap_lock_holds(pages: Ints, counts: RefillCounts, world: World) -> tuple[Hold, Hold]:
    """How refills hold the heap lock: for fresh spans of so many pages, and to reclaim spans."""
    page, (*_, grow, reclaim) = world.machine.page, range(len(world.memory.lock_use.acquisitions))
    return (
        Hold(
            np.full(len(pages), grow), heap_lock_acquisitions(counts.fresh, pages),
            page.alloc_span_ns,
        ),
        Hold(
            np.full(len(pages), reclaim), counts.freed_spans.astype(np.float64), page.free_span_ns
        ),
    )  # fmt: skip


def note_heap_lock(world: World, holds: tuple[Hold, ...]) -> None:
    """The load of the heap lock since the last batch."""
    memory = world.memory
    for hold in holds:
        times = float(hold.times.sum())
        memory.heap_lock_count += times
        memory.heap_lock_hold += times * hold.ns


def locks_taken(bills: list[Bill], world: World) -> Iterator[tuple[int, int, float]]:
    """(Row of the account, times, ns) of every lock that refills hold, class by class."""
    for bill in bills:
        expected = np.array([hold.times for hold in bill.holds]).T
        times = (expected + world.streams["locks"].random(expected.shape)).astype(np.int64)
        for at, which in np.argwhere(times).tolist():
            hold = bill.holds[which]
            yield int(hold.use[at]), int(times[at, which]), hold.ns


def queue_for(g: G, use: int, times: int, ns: float, world: World) -> Body:
    """Acquire, hold and release a lock so many times, on the goroutine's P."""
    lock, book = lock_of(world, use), world.memory.lock_use
    for _ in range(times):
        turn = lock.acquire() if world.switches.lock_contention else None
        if turn is not None:
            begun = world.env.process_time
            yield turn
            waited = world.env.process_time - begun
            g.lock_wait += waited
            book.contended[use] += 1
            book.wait_ns[use] += waited
            book.max_wait_ns[use] = max(book.max_wait_ns[use], waited)
        yield world.env.work(max(1, round(ns)))
        g.alloc += max(1, round(ns))
        book.acquisitions[use] += 1
        book.hold_ns[use] += ns
        if world.switches.lock_contention:
            lock.release()


def lock_of(world: World, use: int) -> Lock:
    """The lock of a row of the account, made on first use."""
    name, locks = use_name(use, world)[0], world.memory.locks
    if name not in locks:
        locks[name] = Lock(world.env)
    return locks[name]


def heap_lock_acquisitions(fresh_spans: Ints, npages: Ints) -> Floats:
    """Small spans come from the P's page cache, which takes the lock once per 64 pages."""
    cached = fresh_spans * npages / PAGE_CACHE_PAGES
    return np.where(npages < PAGE_CACHE_LIMIT, cached, fresh_spans)


def use_name(use: int, world: World) -> tuple[str, str]:
    """The lock and the cause of a row of the account.

    `mcentral[24 noscan]`: the size class and whether its objects have pointers.
    """
    classes = len(world.memory.heap.nelems)
    if use >= classes:
        return HEAP_LOCK, HEAP_LOCK_CAUSES[use - classes]
    return f"mcentral[{use // 2}{' noscan' if use % 2 else ''}]", "refill"


def is_heap_lock(use: int, world: World) -> bool:
    """Whether a row of the account is about the heap lock."""
    return use >= len(world.memory.heap.nelems)
