"""Measuring runs: CPU time of a process of their own, so that runs do not disturb each other.

CPU seconds instead of wall seconds: other programs on the machine count little.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import simpy
from per_object import SLOT
from per_object import simulate as per_object

from sim.config.run import RunConfig
from sim.simulation import simulate

OBJECT_SECONDS = 0.1
"""Simulated time of the loop over objects."""


class Cost(NamedTuple):
    """What a run took, from the first request on: stores are full by then."""

    per_second: float
    """CPU seconds per simulated second."""
    whole: float
    """CPU seconds of the whole run."""
    events: int
    requests: int
    cycles: int
    peak_mib: float
    """Resident memory of the process."""


def cost(config: RunConfig) -> Cost:
    """Simulate in a process of its own."""
    return in_process(_cost, config)


def in_process(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, args)


def _cost(config: RunConfig) -> Cost:
    seen: list[tuple[float, float]] = [(0.0, time.process_time())]
    result = simulate(config, progress=lambda done: seen.append((done, time.process_time())))
    arrivals = result.requests["arrival_ns"]
    begun = float(arrivals.min()) / result.end_ns if len(arrivals) else 0.0
    served = [point for point in seen if point[0] >= begun]
    (first, cpu), (last, end) = served[0], served[-1]
    return Cost(
        per_second=(end - cpu) / ((last - first) * result.end_ns / 1e9),
        whole=end - seen[0][1],
        events=int(result.run["events"]),
        requests=len(result.requests),
        cycles=len(result.cycles),
        peak_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def bare_events_per_second(events: int = 200_000) -> float:
    """What SimPy does with a process that only waits."""

    def ticker(env: simpy.Environment) -> Iterator[simpy.Event]:
        while True:
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(ticker(env))
    begun = time.process_time()
    env.run(until=events)
    return events / (time.process_time() - begun)


def objects_per_second(gomaxprocs: int, allocation: float) -> float:
    """CPU seconds per simulated second of the loop over objects, with objects of 128 bytes.

    It allocates a 16th of `allocation` bytes per second, and all of its cost is per object.
    """
    share = 16
    begun = time.process_time()
    per_object(gomaxprocs, allocation / share, 2**20 * SLOT / share, OBJECT_SECONDS)
    return (time.process_time() - begun) / OBJECT_SECONDS * share
