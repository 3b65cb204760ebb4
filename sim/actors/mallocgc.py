"""What an allocation makes its goroutine do beside taking slots (runtime/malloc.go: mallocgc)."""

from __future__ import annotations

from sim.actors.allocator import Allocator
from sim.actors.assist_credit import AssistCredit
from sim.actors.kinds import KindColumns
from sim.actors.locks import Locks, RefillWork
from sim.actors.refills import SingleRefills
from sim.actors.retention import Keep
from sim.actors.scavenging import Scavenging
from sim.actors.scheduler import Scheduler
from sim.actors.state import Body, G
from sim.engine.clock import ProcessClock
from sim.runtime.state import GC
from sim.units import Nanoseconds


class MallocGC:
    """Charge it, say who keeps it, pay for the heap, start a cycle where heap_live asks for one."""

    def __init__(
        self,
        clock: ProcessClock,
        gc: GC,
        sched: Scheduler,
        kinds: KindColumns,
        credit: AssistCredit,
        allocator: Allocator,
        locks: Locks,
        scavenging: Scavenging,
        refills: SingleRefills | None,
    ) -> None:
        self._clock, self._gc, self._sched = clock, gc, sched
        self._mixes, self._credit, self._allocator = kinds.mixes, credit, allocator
        self._locks, self._scavenging = locks, scavenging
        self._refills = refills
        """Where every refill is an event."""

    def take(self, g: G, mix: int, slots: float, ns: Nanoseconds, keep: Keep | None) -> None:
        """Allocate in the next so many ns: charge it, and say who keeps it."""
        self._credit.charge(g, slots * self._mixes[mix].slot_bytes)
        p = g.p
        assert p is not None
        if keep is None:
            p.holder = None
        else:
            keep(g, slots)
        self._allocator.count_allocation(p.id, mix, slots, ns)

    def has_to_wait(self) -> bool:
        """Is there anything to wait for after an allocation?"""
        gc = self._gc
        return bool(
            self._allocator.owed_ns
            or (gc.pacer.heap_live >= gc.trigger_at and not gc.running)
            or (self._refills is not None and self._refills.waiting)
        )

    def own_refills(self) -> list[RefillWork]:
        """The refills that the goroutine which has just allocated has to do, each an event."""
        return self._refills.take_over() if self._refills else []

    def wait(self, g: G, refills: list[RefillWork]) -> Body:
        """Queue for locks, return memory to the OS, start a cycle where heap_live asks for one."""
        allocator, gc = self._allocator, self._gc
        for work in refills:
            yield from self._locks.go_through(g, work)
        if allocator.owed_ns:
            owed = allocator.take_over_scavenging()
            g.alloc += owed
            yield owed
            self._scavenging.cpu_ns["assist"] += owed
        if gc.pacer.heap_live >= gc.trigger_at and not gc.running:
            yield from self._start_gc(g)

    def _start_gc(self, g: G) -> Body:
        """Start a cycle: sweep what is left, stop the world, go on when it runs again (gcStart)."""
        clock, sched = self._clock, self._sched
        begun, stopped = clock.process_time, sched.stopped_ns
        yield self._gc.request("heap", g)
        stopped = min(sched.stopped_ns - stopped, clock.process_time - begun)
        g.stw += stopped
        g.alloc += clock.process_time - begun - stopped
