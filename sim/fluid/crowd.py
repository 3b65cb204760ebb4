"""Who is there at an instant: goroutines, their stacks, and what they keep, as expectations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from sim.fluid.scripts import Script
from sim.fluid.tasks import ClosedFlow, OpenFlow, Task
from sim.fluid.visits import note_burst
from sim.go.stack import FIXED_STACK, STACK_SPAN, fits, shrunk_stack, starting_stack_size
from sim.units import Bytes, KiB

Rng: TypeAlias = np.random.Generator

MANY: Final = 128
"""Goroutines in flight beyond which chance does not matter."""
SYSTEM: Final = 2
"""Goroutines of the runtime: sweeper and scavenger."""
SYSTEM_STACK: Final = 1 * KiB
THREAD: Final = 48 * KiB
"""Stacks of a thread: for the scheduler and for signals (runtime/proc.go: mpreinit)."""


@dataclass(slots=True)
class Crowd:
    """Goroutines in flight."""

    goroutines: float = SYSTEM
    stack_used: float = SYSTEM * SYSTEM_STACK
    running: float = 0.0
    held: dict[int, float] = field(default_factory=dict)
    """Slots kept by goroutines of flows, by mix."""
    bursts: dict[int, float] = field(default_factory=dict)
    """Of these, how many were allocated in one go."""
    lent: dict[str, tuple[float, float, float, float]] = field(default_factory=dict)
    """Objects of pools in use: mean, variance, the time in which their number changes, the most."""
    sizes: dict[tuple[int, int], float] = field(default_factory=dict)
    """Goroutines by bytes of stack used while they run, and at present."""


def crowd(tasks: Sequence[Task], rng: Rng, *, by_allocation: bool) -> Crowd:
    """Everybody, when tasks proceed as planned.

    At the instant at which an allocation starts a cycle, there is the visit that allocates beside
    as many others as ever.
    """
    found = Crowd()
    live = sum(task.speed * task.visit.prices.live for task in tasks) if by_allocation else 0.0
    for task in tasks:
        if isinstance(task, Script):
            _script(found, task)
        else:
            more = 0.0
            if live > 0 and isinstance(task, OpenFlow):
                more = task.speed * task.visit.prices.live / live
            _flow(found, task, more, rng)
    return found


def _script(found: Crowd, script: Script) -> None:
    speed = script.speed
    running = script.busy
    if script.visit.blocked and script.on_p:
        running = min(speed * script.visit.prices.ns, running)
    found.running += min(speed * script.visit.prices.ns, running)
    found.goroutines += script.crowd
    for size, count in ((script.stack, running), (script.idle_stack, script.crowd - running)):
        found.stack_used += count * size
        key = (script.stack, size)
        found.sizes[key] = found.sizes.get(key, 0.0) + count


def _flow(found: Crowd, task: Task, more: float, rng: Rng) -> None:
    visit = task.visit
    ns, weight = visit.prices.ns, max(visit.weight, 1e-9)
    speed = task.speed + more / (ns + visit.blocked)
    present = task.present() + more
    running = speed * ns
    blocked = speed * (visit.blocked + visit.child_blocked)
    waiting = max(present + speed * visit.child_blocked - running - blocked, 0.0)
    found.running += running
    found.goroutines += running + blocked + waiting
    stack = visit.stack_running / weight
    found.stack_used += running * stack + speed * visit.stack_blocked + waiting * visit.idle_stack
    for size, count in ((visit.stack, running), (visit.idle_stack, blocked + waiting)):
        key = (visit.stack, size)
        found.sizes[key] = found.sizes.get(key, 0.0) + count
    _hold(found, task, present, rng)
    for mix, burst in visit.bursts.items():
        note_burst(found.bursts, mix, burst)
    for mix, kept in visit.children_held.items():
        found.held[mix] = found.held.get(mix, 0.0) + speed * kept
    for pool, lend in visit.lends.items():
        together = visit.borrowers[pool]
        time = lend + ns
        lent = speed * time + task.backlog
        time /= together
        # Of those that are lent together, half are back when another half is not.
        spread = lent * (1 + (together - 1) / 2)
        most = math.inf
        if isinstance(task, ClosedFlow):
            most = task.workers * together
            unused = max(0.0, 1 - lent / task.workers)
            spread, time = lent * unused, time * unused
        found.lent[pool] = (lent, spread, time, most)


def _hold(found: Crowd, task: Task, present: float, rng: Rng) -> None:
    """What goroutines keep: each is somewhere on its way. Of many, the mean counts.

    Requests of different sizes are as uncertain as fewer of them that are larger.
    """
    visit = task.visit
    times = visit.times(visit.prices.ns / max(visit.weight, 1e-9))
    if present <= MANY:
        share = 1 + visit.scatter if isinstance(task, OpenFlow) else 1.0
        number = task.number(present / share, rng)
        at = rng.random(number) * times[-1]
    else:
        at, share = (np.arange(MANY) + 0.5) / MANY * times[-1], present / MANY
    for mix, held in visit.held_along().items():
        slots = float(np.interp(at, times, held).sum()) * share
        found.held[mix] = found.held.get(mix, 0.0) + slots


class StackMemory:
    """Sizes of stacks: they grow at once, and are halved by collections that find them too large.

    Sources: runtime/stack.go: newstack, shrinkstack, gcComputeStartingStackSize.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._starting = FIXED_STACK
        self._largest: dict[tuple[int, int], int] = {}

    @property
    def starting_size(self) -> Bytes:
        """Stacks of new goroutines."""
        return self._starting

    def size_for(self, used: Bytes) -> Bytes:
        """The stack of a new goroutine that uses so much of it."""
        size = self._starting
        while not fits(size, used):
            size *= 2
        return size

    def allocated(self, found: Crowd) -> Bytes:
        """Bytes of the stacks of goroutines."""
        return int(sum(n * self._size(key) for key, n in found.sizes.items()))

    def spans(self, found: Crowd) -> Bytes:
        """Memory of the spans that stacks are taken from."""
        total = self._threads * THREAD
        by_size: dict[int, float] = {}
        for key, count in found.sizes.items():
            by_size[self._size(key)] = by_size.get(self._size(key), 0.0) + count
        for size, count in by_size.items():
            total += max(size, STACK_SPAN) * -(-int(count + 0.5) * size // max(size, STACK_SPAN))
        return total

    def end_cycle(self, found: Crowd) -> None:
        """A cycle has scanned all stacks."""
        self._starting = starting_stack_size(int(found.stack_used), max(1, int(found.goroutines)))
        for key in found.sizes:
            self._largest[key] = shrunk_stack(self._size(key), key[1])

    def _size(self, key: tuple[int, int]) -> int:
        if key in self._largest:
            return self._largest[key]
        return self.size_for(key[0])
