"""Returning free memory to the OS, in the background and when the limit asks (mgcscavenge.go)."""

from __future__ import annotations

from sim.go.mheap import PAGE, MHeap
from sim.go.scavenge import QUANTUM, BackgroundScavenger, growth_overage, limit_overage
from sim.runtime.memory import MemoryAccounts
from sim.runtime.state import GC, Settings
from sim.units import Bytes, Nanoseconds


class Scavenging:
    """What the runtime returns, and the CPU time of it."""

    def __init__(self, heap: MHeap, gc: GC, settings: Settings, quantum_ns: float) -> None:
        self._heap, self._gc = heap, gc
        self.on = settings.switches.scavenger
        self._quantum_ns = quantum_ns
        """CPU time of returning 64 KiB, ns."""
        self._pages_before = 0
        """Pages of the heap after the last batch."""
        self.pace = BackgroundScavenger()
        self.cpu_ns = dict.fromkeys(("assist", "background"), 0)
        """CPU time since the start, by who did it, ns. Written by those who spend it."""

    def scavenge(self, nbytes: Bytes, *, force: bool = False) -> tuple[Bytes, Nanoseconds]:
        """Return so much to the OS, from high addresses down; (bytes returned, CPU time)."""
        got = self._heap.pages.scavenge(nbytes, force)
        return got, round(got / QUANTUM * self._quantum_ns)

    def goals_reached(self, accounts: MemoryAccounts) -> bool:
        """May the background scavenger stop?"""
        goals, use = self._gc.scavenge_goals, self._gc.pacer.memory
        if goals.memory_limit is not None:
            accounts.tell_pacer()
        return goals.reached(self._retained(), use.mapped_ready)

    def _retained(self) -> Bytes:
        """Heap memory of the process: in use, or free and not returned."""
        pages = self._heap.pages
        free = pages.free_pages * PAGE - pages.scavenged_pages * PAGE
        return self._heap.stats.in_use_bytes + free

    def keep_below_limit(self, accounts: MemoryAccounts) -> Nanoseconds:
        """Return memory before the limit is passed (mheap.go: allocSpan); the CPU time it takes."""
        if not self.on or self._gc.limiter.limiting:
            return 0
        owed = limit_overage(0, self._gc.pacer.memory.mapped_ready, self._gc.memory_limit)
        if not owed.nbytes:
            return 0
        ns = self._as_assist(owed.nbytes, force=owed.force)
        accounts.tell_pacer()
        return ns

    def return_growth(self) -> Nanoseconds:
        """Return as much as the heap has grown by, if it retains too much; the CPU time."""
        pages = self._heap.pages
        growth = (pages.total_pages - self._pages_before) * PAGE
        self._pages_before = pages.total_pages
        if not growth or not self.on:
            return 0
        goal = self._gc.scavenge_goals.gc_percent
        # What grew is in use by now, and counted in what the heap retains.
        owed = growth_overage(growth, self._retained() - growth, goal)
        return self._as_assist(owed) if owed else 0

    def _as_assist(self, nbytes: Bytes, *, force: bool = False) -> Nanoseconds:
        """Scavenging on behalf of an allocation: the limiter counts it as an assist."""
        _, ns = self.scavenge(nbytes, force=force)
        self._gc.limiter.add_assist_time(ns)
        return ns
