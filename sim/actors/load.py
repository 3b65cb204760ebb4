"""Load: who starts goroutines of the program, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import simpy
from numpy.typing import NDArray

from sim.actors.scheduling import spawn
from sim.world import Draw, G, Process, World


@dataclass(frozen=True)
class OpenLoad:
    """Requests at given instants, whatever the program does."""

    name: str
    kind: str
    times: Callable[[], Iterator[NDArray[Any]]]


@dataclass(frozen=True)
class ClosedLoad:
    """Workers that send the next request a think time after the last one has ended."""

    name: str
    kind: str
    workers: int
    think: Draw


@dataclass(frozen=True)
class BatchLoad:
    """A fixed number of goroutines, some of them at the same time."""

    name: str
    kind: str
    count: int
    parallel: int
    parallel_per_p: int


def run_open(load: OpenLoad, world: World) -> Process[None]:
    """Start a goroutine at every arrival."""
    env = world.env
    begin = env.now
    for block in load.times():
        for at in block.tolist():
            delay = begin + at - env.now
            if delay > 0:
                yield env.timeout(delay)
            start_request(load.name, load.kind, world)


def run_closed(load: ClosedLoad, world: World) -> Process[None]:
    """Start the workers; each is a loop of its own."""
    for _ in range(load.workers):
        world.env.process(run_worker(load, world))
    yield world.env.timeout(0)


def run_worker(load: ClosedLoad, world: World) -> Process[None]:
    """One worker of a closed load."""
    while True:
        pause = round(load.think())
        if pause > 0:
            yield world.env.timeout(pause)
        yield finished(load.name, load.kind, world)


def run_batch(load: BatchLoad, world: World) -> Process[None]:
    """Run the goroutines of a batch, and end when all of them have ended."""
    lanes = [
        world.env.process(run_lane(load, share, world))
        for share in _shares(load.count, min(lanes_of(load, world), load.count))
    ]
    yield simpy.AllOf(world.env, lanes)


def lanes_of(load: BatchLoad, world: World) -> int:
    """How many goroutines run at the same time."""
    return load.parallel_per_p * world.gomaxprocs or load.parallel


def run_lane(load: BatchLoad, count: int, world: World) -> Process[None]:
    """One after the other."""
    for _ in range(count):
        yield finished(load.name, load.kind, world)


def start_request(name: str, kind: str, world: World) -> G:
    """A goroutine that counts as a request of this load."""
    g = world.new_goroutine(kind)
    g.load = name
    g.arrival = world.env.now
    spawn(g, None, world)
    return g


def finished(name: str, kind: str, world: World) -> simpy.Event:
    """Start a request; the event fires when it has ended."""
    g = world.new_goroutine(kind)
    g.load, g.arrival, g.done = name, world.env.now, world.env.event()
    spawn(g, None, world)
    return g.done


def _shares(count: int, lanes: int) -> list[int]:
    return [count // lanes + (lane < count % lanes) for lane in range(lanes)]
