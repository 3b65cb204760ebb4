"""The straightforward way, for comparison: an allocation is an event, object by object, on SimPy.

Every P takes slots from a cached span, fetches spans of 8 KiB, and stops for a collection at the
trigger; objects live for an exponential time and are looked at one by one when marking. It knows
one size class, no assists and no sweeping: less than the simulator, and already slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import simpy

SLOT = 128
SLOTS = 8192 // SLOT


@dataclass
class Heap:
    """All objects by the instant at which they die."""

    dies_at: list[float] = field(default_factory=list)
    refills: int = 0
    cycles: int = 0
    live: int = 0
    trigger: int = 4 << 20


def processor(
    env: simpy.Environment, heap: Heap, per_second: float, mean_life: float, seed: int
) -> Iterator[simpy.Event]:
    """Allocate at a constant rate for ever."""
    rng = np.random.Generator(np.random.PCG64(seed))
    free = 0
    while True:
        if not free:
            heap.refills += 1
            free = SLOTS
            heap.live += 8192
            if heap.live > heap.trigger:
                collect(env, heap)
        free -= 1
        heap.dies_at.append(env.now + rng.exponential(mean_life))
        yield env.timeout(1 / per_second)


def collect(env: simpy.Environment, heap: Heap) -> None:
    """Keep what is alive; the next collection at twice of it."""
    heap.dies_at = [at for at in heap.dies_at if at > env.now]
    heap.live = len(heap.dies_at) * SLOT
    heap.trigger = max(2 * heap.live, 4 << 20)
    heap.cycles += 1


def simulate(gomaxprocs: int, bytes_per_second: float, live: float, seconds: float) -> Heap:
    """So many Ps allocate so much together; about `live` bytes are alive."""
    env, heap = simpy.Environment(), Heap()
    mean_life = live / bytes_per_second
    for p in range(gomaxprocs):
        rate = bytes_per_second / SLOT / gomaxprocs
        env.process(processor(env, heap, rate, mean_life, p))
    env.run(until=seconds)
    return heap
