"""Who is there at an instant: goroutines, their stacks, and what they keep, as expectations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np

from sim.fluid.cohorts import Cohort
from sim.fluid.loads import ClosedFlow, OpenFlow
from sim.fluid.sources import VisitSource
from sim.fluid.visit import note_burst
from sim.go.stack import FIXED_STACK, STACK_SPAN, fits, shrunk_stack, starting_stack_size
from sim.units import Bytes, KiB

Rng: TypeAlias = np.random.Generator

LARGEST_DRAW: Final = 128
"""Goroutines in flight beyond which chance does not matter: a Poisson number of them scatters by 9
% and less. Moves the scatter of stacks."""
SYSTEM: Final = 2
"""Goroutines of the runtime: sweeper and scavenger."""
SYSTEM_STACK: Final = 1 * KiB
"""Bytes of stack that each of these uses."""
THREAD: Final = 48 * KiB
"""Stacks of a thread: for the scheduler and for signals (runtime/proc.go: mpreinit)."""


@dataclass(slots=True)
class InFlight:
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


def in_flight(sources: Sequence[VisitSource], rng: Rng, *, by_allocation: bool) -> InFlight:
    """Everybody, when sources proceed as planned.

    At the instant at which an allocation starts a cycle, there is the visit that allocates beside
    as many others as ever.
    """
    found = InFlight()
    live = 0.0
    if by_allocation:
        live = sum(source.speed * source.visit.prices.live for source in sources)
    for source in sources:
        if isinstance(source, Cohort):
            _cohort(found, source)
        else:
            more = 0.0
            if live > 0 and isinstance(source, OpenFlow):
                more = source.speed * source.visit.prices.live / live
            _flow(found, source, more, rng)
    return found


def _cohort(found: InFlight, cohort: Cohort) -> None:
    speed = cohort.speed
    running = cohort.busy
    if cohort.visit.blocked and cohort.on_p:
        running = min(speed * cohort.visit.prices.ns, running)
    found.running += min(speed * cohort.visit.prices.ns, running)
    found.goroutines += cohort.members
    for size, count in ((cohort.stack, running), (cohort.idle_stack, cohort.members - running)):
        found.stack_used += count * size
        key = (cohort.stack, size)
        found.sizes[key] = found.sizes.get(key, 0.0) + count


def _flow(found: InFlight, source: VisitSource, more: float, rng: Rng) -> None:
    visit = source.visit
    ns, weight = visit.prices.ns, max(visit.weight, 1e-9)
    speed = source.speed + more / (ns + visit.blocked)
    present = source.present() + more
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
    _hold(found, source, present, rng)
    for mix, burst in visit.bursts.items():
        note_burst(found.bursts, mix, burst)
    for mix, kept in visit.children_held.items():
        found.held[mix] = found.held.get(mix, 0.0) + speed * kept
    for pool, lend in visit.lends.items():
        together = visit.borrowers[pool]
        time = lend + ns
        # Who waits for its first P has not borrowed yet.
        lent = speed * time
        if source.waiting:
            lent += float(source.late()[1:].sum())
        time /= together
        # Of those that are lent together, half are back when another half is not.
        spread = lent * (1 + (together - 1) / 2)
        most = math.inf
        if isinstance(source, ClosedFlow):
            most = source.workers * together
            unused = max(0.0, 1 - lent / source.workers)
            spread, time = lent * unused, time * unused
        found.lent[pool] = (lent, spread, time, most)


def _hold(found: InFlight, source: VisitSource, present: float, rng: Rng) -> None:
    """What goroutines keep: each is somewhere on its way. Of many, the mean counts.

    Requests of different sizes are as uncertain as fewer of them that are larger. Whoever waits for
    a P keeps what it had when its last wait was over, and before its first run nothing.
    """
    visit = source.visit
    times = visit.times(visit.prices.ns / max(visit.weight, 1e-9))
    late = source.late() if source.waiting else np.zeros(0)
    under_way = max(present - source.waiting, 0.0)
    if under_way <= LARGEST_DRAW:
        share = 1 + visit.scatter if isinstance(source, OpenFlow) else 1.0
        number = source.number(under_way / share, rng)
        at = rng.random(number) * times[-1]
    else:
        at = (np.arange(LARGEST_DRAW) + 0.5) / LARGEST_DRAW * times[-1]
        share = under_way / LARGEST_DRAW
    for mix, held in visit.held_along().items():
        slots = float(np.interp(at, times, held).sum()) * share
        if len(late):
            slots += float(late @ np.interp(source.queue.turns.begins, visit.own_along, held))
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

    def allocated(self, found: InFlight) -> Bytes:
        """Bytes of the stacks of goroutines."""
        return int(sum(n * self._size(key) for key, n in found.sizes.items()))

    def spans(self, found: InFlight) -> Bytes:
        """Memory of the spans that stacks are taken from."""
        total = self._threads * THREAD
        by_size: dict[int, float] = {}
        for key, count in found.sizes.items():
            by_size[self._size(key)] = by_size.get(self._size(key), 0.0) + count
        for size, count in by_size.items():
            total += max(size, STACK_SPAN) * -(-int(count + 0.5) * size // max(size, STACK_SPAN))
        return total

    def end_cycle(self, found: InFlight) -> None:
        """A cycle has scanned all stacks."""
        self._starting = starting_stack_size(int(found.stack_used), max(1, int(found.goroutines)))
        for key in found.sizes:
            self._largest[key] = shrunk_stack(self._size(key), key[1])

    def _size(self, key: tuple[int, int]) -> int:
        if key in self._largest:
            return self._largest[key]
        return self.size_for(key[0])
