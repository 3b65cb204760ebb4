"""Goroutines compute, and allocate evenly on the way, in stretches up to what matters next."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.actors.allocator import MIN_STRETCH
from sim.actors.assist_credit import AssistCredit
from sim.actors.kinds import KindColumns
from sim.actors.mallocgc import MallocGC
from sim.actors.prices import Prices
from sim.actors.retention import Keep
from sim.actors.state import Body, G
from sim.engine.clock import ProcessClock
from sim.go.mheap import PAGE
from sim.runtime.state import GC, CgroupLimits, Settings
from sim.units import Nanoseconds

MIN_CREDIT: Final = 1 << 10
"""Bytes; Go charges object by object. Small ones are charged together up to so much: near the
memory limit, where a byte costs megabytes of marking, more would starve everybody else. A
judgement; smaller only costs time."""


class Computing:
    """The time of goroutines, and how far one gets in one go."""

    def __init__(
        self,
        clock: ProcessClock,
        gc: GC,
        container: CgroupLimits,
        settings: Settings,
        kinds: KindColumns,
        prices: Prices,
        credit: AssistCredit,
        malloc: MallocGC,
        on_the_way: np.random.Generator,
    ) -> None:
        self._clock, self._gc, self._container = clock, gc, container
        self._mixes, self._prices = kinds.mixes, prices
        self._credit, self._malloc = credit, malloc
        self._ps, self._assists = settings.gomaxprocs, settings.switches.assists
        self._on_the_way = on_the_way
        self._refills_one_by_one = settings.switches.resolution == "refill"

    def work(
        self,
        g: G,
        cpu: float,
        nbytes: float,
        mix: int,
        keep: Keep | None,
        writes_per_ns: float,
    ) -> Body:
        """Compute for so many ns, and allocate so many bytes of a mix."""
        gc, credit, malloc, prices = self._gc, self._credit, self._malloc, self._prices
        slots = nbytes * self._mixes[mix].slots_per_byte if mix >= 0 else 0.0
        while cpu > 0 or slots > 0:
            if gc.marking and slots and credit.owes_work(g, slots * self._mixes[mix].slot_bytes):
                yield from credit.assist(g)
            slowed = cpu * (gc.slowdown + writes_per_ns * gc.write_ns)
            malloc_ns = slots * prices.ns[mix] if slots else 0.0
            waiting = slots * prices.wait_ns[mix] if slots else 0.0
            share = self._stretch(g, slowed + malloc_ns + waiting, slots, mix)
            ns = book_stretch(g, cpu * share, slowed * share, malloc_ns * share, waiting * share)
            if slots:
                malloc.take(g, mix, slots * share, ns, keep)
                if malloc.has_to_wait():
                    refills = malloc.own_refills()
                    if self._refills_one_by_one:  # a span is used up on the way
                        before = int(ns * self._on_the_way.random())
                        yield before
                        ns -= before
                    yield from malloc.wait(g, refills)
            cpu, slots = cpu * (1 - share), slots * (1 - share)
            while ns > (left := g.p.slice.end - self._clock.now) > 0:  # type: ignore[union-attr]
                yield left  # a large object is zeroed longer than a slice
                ns -= left
            yield ns
            if gc.marking and g.credit < -MIN_STRETCH and credit.owes_work(g, 0):
                yield from credit.assist(g)  # for what a large object exceeded its credit by

    def _stretch(self, g: G, ns: float, slots: float, mix: int) -> float:
        """The share of the rest that can be done before slice, trigger or credit is up."""
        share = 1.0
        left = g.p.slice.end - self._clock.now  # type: ignore[union-attr]
        if ns > left > 0:
            share = left / ns
        if not slots:
            return share
        gc, slot_bytes = self._gc, self._mixes[mix].slot_bytes
        heap_live = slots * self._prices.live[mix]
        if self._refills_one_by_one:
            share = min(share, PAGE / heap_live)
        if not gc.running or gc.marking:  # the shorter, the nearer to the trigger or the goal
            end = gc.pacer.heap_goal() if gc.marking else gc.trigger_at
            room = min(abs(end - gc.pacer.heap_live) / (2 * self._ps), self._container.left)
            room = max(room, MIN_STRETCH)
            share = min(share, room / heap_live)
        if gc.marking and self._assists and not gc.limiter.limiting:
            share = min(share, max(g.credit, MIN_CREDIT) / (slots * slot_bytes))
        if slot_bytes > MIN_STRETCH:  # an object comes at once, however large
            share = max(share, min(1.0, 1.0 / slots))
        return share


def book_stretch(g: G, cpu: float, slowed: float, malloc: float, waiting: float) -> Nanoseconds:
    """Book where the time of a stretch goes; returns it in whole ns."""
    ns = round(slowed + malloc + waiting) or 1
    on_cpu, slower, lock_wait = round(cpu), round(slowed - cpu), round(waiting)
    g.on_cpu += on_cpu
    g.gc_slowdown += slower
    g.lock_wait += lock_wait
    g.alloc += ns - on_cpu - slower - lock_wait
    return ns
