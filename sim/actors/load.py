"""Load: who starts goroutines of the program, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import simpy
from numpy.typing import NDArray

from sim.actors.scheduling import spawn, spawn_by_timer
from sim.actors.state import Draw, G, P
from sim.actors.world import World
from sim.runtime.state import Process


@dataclass(frozen=True)
class OpenLoad:
    """Requests at given instants, whatever the program does."""

    name: str
    kind: str
    times: Callable[[], Iterator[NDArray[Any]]]
    by_timer: bool


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
    begin, last = env.now, None
    for block in load.times():
        for at in block.tolist():
            delay = begin + at - env.now
            if delay > 0:
                yield env.timeout(delay)
            g = new_request(load.name, load.kind, world)
            if load.by_timer:
                spawn_by_timer(g, (last and last.p) or world.sched.ps[0], world)
                last = g
            else:
                spawn(g, None, world)


def run_closed(load: ClosedLoad, world: World) -> Process[None]:
    """Start the workers; each goes on for ever."""
    for _ in range(load.workers):
        send_next(load, None, world)
    yield world.env.timeout(0)


def send_next(load: ClosedLoad, p: P | None, world: World) -> None:
    """After a think time a worker sends its next request; without one, at once and on its P."""
    pause = round(load.think())
    if pause > 0:
        timer = world.env.timeout(pause)
        timer.callbacks.append(lambda _: send(load, None, world))
    else:
        send(load, p, world)


def send(load: ClosedLoad, p: P | None, world: World) -> None:
    """One request of a worker."""
    g = start_request(load.name, load.kind, world, p)
    g.on_end = lambda last: send_next(load, last, world)


def run_batch(load: BatchLoad, world: World) -> Process[None]:
    """Run the goroutines of a batch, and end when all of them have ended."""
    lanes = min(load.parallel_per_p * world.gomaxprocs or load.parallel, load.count)
    yield simpy.AllOf(world.env, [run_lane(load, n, world) for n in _shares(load.count, lanes)])


def run_lane(load: BatchLoad, count: int, world: World) -> simpy.Event:
    """One after the other, on the P of the one before; the event fires when all have ended."""
    left, ended = count, world.env.event()

    def start_next(p: P | None) -> None:
        nonlocal left
        if left == 0:
            ended.succeed()
            return
        left -= 1
        start_request(load.name, load.kind, world, p).on_end = start_next

    start_next(None)
    return ended


def start_request(name: str, kind: str, world: World, p: P | None = None) -> G:
    """Start a request of this load."""
    g = new_request(name, kind, world)
    spawn(g, p, world)
    return g


def new_request(name: str, kind: str, world: World) -> G:
    """A goroutine that has arrived just now."""
    g = world.new_goroutine(kind)
    g.load = name
    g.arrival = world.env.now
    return g


def _shares(count: int, lanes: int) -> list[int]:
    return [count // lanes + (lane < count % lanes) for lane in range(lanes)]
