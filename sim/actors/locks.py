"""Accounts of the heap lock and the mcentrals, and what waiting for them costs in batches."""

from __future__ import annotations

from typing import Final

from sim.engine.queueing import mean_wait
from sim.world import LockTotals, World

PAGE_CACHE_PAGES: Final = 64  # runtime/mpagecache.go: pageCachePages
PAGE_CACHE_LIMIT: Final = 16  # runtime/mheap.go: allocSpan, requests below it may use the cache


def note_lock(world: World, lock: str, cause: str, acquisitions: float, hold: float) -> float:
    """Account for acquisitions of a lock of its own since the last batch; their total wait in ns."""
    if acquisitions <= 0:
        return 0.0
    elapsed = world.env.now - world.memory.last_batch_at
    wait = 0.0
    if world.switches.lock_contention:
        wait = mean_wait(hold, acquisitions, elapsed, world.gomaxprocs)
    _add(world, lock, cause, acquisitions, hold, wait)
    return acquisitions * wait


def note_heap_lock(world: World, cause: str, acquisitions: float, hold: float) -> float:
    """Account for acquisitions of the heap lock, at the wait that the last batch showed."""
    if acquisitions <= 0:
        return 0.0
    memory = world.memory
    memory.heap_lock_count += acquisitions
    memory.heap_lock_hold += acquisitions * hold
    _add(world, "mheap", cause, acquisitions, hold, memory.heap_lock_wait)
    return acquisitions * memory.heap_lock_wait


def close_heap_lock_batch(world: World) -> None:
    """The heap lock serves all classes and causes: its wait follows from all of their load."""
    memory = world.memory
    elapsed = world.env.now - memory.last_batch_at
    if elapsed <= 0:
        return
    memory.heap_lock_wait = 0.0
    if memory.heap_lock_count and world.switches.lock_contention:
        hold = memory.heap_lock_hold / memory.heap_lock_count
        memory.heap_lock_wait = mean_wait(hold, memory.heap_lock_count, elapsed, world.gomaxprocs)
    memory.heap_lock_count = memory.heap_lock_hold = 0.0


def _add(
    world: World, lock: str, cause: str, acquisitions: float, hold: float, wait: float
) -> None:
    totals = world.memory.lock_use.get((lock, cause))
    if totals is None:
        totals = world.memory.lock_use[(lock, cause)] = LockTotals()
    totals.acquisitions += acquisitions
    totals.hold_ns += acquisitions * hold
    totals.wait_ns += acquisitions * wait
    totals.contended += acquisitions * wait / (wait + hold)
    totals.max_wait_ns = max(totals.max_wait_ns, wait)


def heap_lock_acquisitions(fresh_spans: int, npages: int) -> float:
    """Small spans come from the P's page cache, which takes the lock once per 64 pages."""
    if npages < PAGE_CACHE_LIMIT:
        return fresh_spans * npages / PAGE_CACHE_PAGES
    return float(fresh_spans)


def span_set_name(span_class: int) -> str:
    """`mcentral[24 noscan]`: the size class and whether its objects have pointers."""
    return f"mcentral[{span_class // 2}{' noscan' if span_class % 2 else ''}]"
