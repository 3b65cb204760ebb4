"""sync.Pool: collections empty it in two steps; the more of them, the more programs allocate."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.actors.reachable import empty_pools
from sim.go.pool import SyncPool
from sim.units import KiB
from tests.worlds import config_of, instants, run, world_of

POOLING: dict[str, Any] = {
    "name": "pooling",
    "mixes": {"node": [{"size": "512B", "pointers": "all"}]},
    "pools": {"buffers": {"size": "32KiB"}},
    "goroutines": {
        "burst": {"steps": [{"spawn": {"goroutine": "request", "count": 20}}, {"wait": "20ms"}]},
        "request": {"steps": [{"borrow": "buffers"}, {"wait": "1ms"}]},
        "other": {"steps": [{"work": {"cpu": "400us", "allocate": "64KiB", "of": "node"}}]},
    },
    "load": {
        "bursts": {"goroutine": "burst", "workers": 1},
        "others": {"goroutine": "other", "workers": 1},
    },
}
"""Bursts that need twenty buffers, and in between a goroutine that makes collections happen."""


def allocated_per_burst(gogc: int | str) -> float:
    """Bytes that the program allocates for a burst, what others allocate left out."""
    result = run(POOLING, GOGC=gogc, duration="400ms")
    kinds = result.requests["kind"].value_counts()
    total = result.samples["/gc/heap/allocs:bytes"].iloc[-1]
    return float((total - kinds["other"] * 64 * KiB) / kinds["burst"])


def test_objects_survive_one_collection_as_victims_and_not_the_next() -> None:
    pool = SyncPool(owner=0)
    assert [pool.get(0) for _ in range(3)] == [False] * 3
    for _ in range(3):
        pool.put(0)
    assert pool.cleanup() == (0, 3)
    assert pool.get(0)  # a victim
    pool.put(0)  # is an ordinary idle object again
    assert pool.cleanup() == (2, 3)
    assert pool.cleanup() == (1, 1)
    assert not pool.get(0)


def test_nobody_gets_at_the_object_that_another_p_keeps_for_itself() -> None:
    pool = SyncPool(owner=0)
    assert not pool.get(0)
    assert not pool.get(0)
    pool.put(0)  # its own
    pool.put(0)  # everybody's
    assert [pool.get(1) for _ in range(2)] == [True, False]
    assert pool.get(0)
    pool.put(0)
    pool.cleanup()
    assert not pool.get(1)  # nor as a victim
    assert pool.get(0)


def test_a_lower_gogc_makes_a_pooling_program_allocate_more() -> None:
    often, seldom = allocated_per_burst(25), allocated_per_burst(400)
    assert often > 10 * 32 * KiB  # most buffers are made anew
    assert seldom < 0.5 * often


def test_the_ledger_holds_as_many_objects_as_the_pool_counts() -> None:
    """They are thinned by chance; their number must not walk away from the pool's."""
    steady = {**POOLING, "load": {"others": POOLING["load"]["others"]}}
    world = world_of(config_of(steady))
    (pool,), ledger = world.retention.pools.values(), world.memory.ledger
    for _ in range(50):
        pool.get(0)
    span, kind = world.memory.heap.alloc_spans(0, 4, 1, 32 * KiB, 1)[0], 0
    ledger.add(span, kind, pool.owner, np.array([50]))
    for _ in range(200):  # cycles that each drop one of fifty, and make a new one
        pool.put(0)
        for _ in range(2):
            empty_pools(world.retention, ledger, len(world.kinds))
            ledger.bury(world.runtime.streams["lifetimes"])
        if not pool.get(0):
            ledger.add(span, kind, pool.owner, np.array([1]))
        held = ledger.held_by(pool.owner, len(world.kinds)).sum()
        assert abs(held - 50) <= 5


def test_dropped_objects_are_garbage_and_idle_ones_are_not() -> None:
    idle = {
        **POOLING,
        "goroutines": {
            "request": {"steps": [{"borrow": "buffers"}, {"wait": "1ms"}]},
            "collector": {"steps": [{"wait": "10ms"}, {"collect": {}}]},
        },
        "load": {
            "clients": {"goroutine": "request", "count": 10, "parallel": 10},
            "collector": {"goroutine": "collector", "count": 3, "parallel": 1},
        },
    }
    world = world_of(config_of(idle, GOGC="off"))
    marked = {}
    for _ in instants(world, 1_000_000):
        marked[world.runtime.gc.cycles] = world.runtime.gc.cycle.marked_bytes
    assert marked[1] == 10 * 32 * KiB  # emptied into the victims
    assert marked[2] == 0
