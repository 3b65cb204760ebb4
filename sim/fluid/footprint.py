"""Memory that the heap has from the OS, and what of it is returned.

How spans and free pages lie is not known: the heap has as many pages as were ever needed at once,
rounded up to chunks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from sim.fluid.in_flight import InFlight, StackMemory
from sim.fluid.slots import SlotAccounts
from sim.fluid.spans import SpanModel
from sim.go.scavenge import QUANTUM, SCAVENGE_FRACTION, limit_overage
from sim.machine.profile import MachineProfile
from sim.runtime.interfaces import HeapUsage
from sim.runtime.memory import memory_classes
from sim.runtime.state import GC, Settings
from sim.units import MAX_INT64, Bytes, MiB

CHUNK: Final = 4 * MiB
"""The heap grows by multiples of it (runtime/mpagealloc.go: pallocChunkBytes)."""
MARK_WORD: Final = 64
"""Slots that a word of mark bits holds."""


class Footprint:
    """Accounts of memory in bytes. Only its methods write them."""

    def __init__(
        self,
        gc: GC,
        settings: Settings,
        machine: MachineProfile,
        model: SpanModel,
        slots: SlotAccounts,
        stacks: StackMemory,
    ) -> None:
        self._gc, self._machine, self._ps = gc, machine, settings.gomaxprocs
        self._scavenger = settings.switches.scavenger
        self._model, self._slots, self._stacks = model, slots, stacks
        self.tell_pacer: Callable[[], object] = lambda: None
        """Tells the pacer what the memory limit looks at. Set by the build."""
        self.mapped = 0.0
        """Heap that the OS was asked for, once; of it, free pages that are `released` to it."""
        self.released = 0.0
        self.objects: Bytes = 0
        """Slots of objects that are not known to be dead."""
        self.in_use = 0.0
        """Spans in use, without those of `stacks`."""
        self.stacks = 0.0
        self.spans = 0.0
        """Number of spans in use, of span classes that ever had one, and of slots in them."""
        self.classes_used = 0
        self.slots = 0.0
        self.assist_ns = self.background_ns = 0.0
        """CPU-ns of returning memory."""
        self.seen_at = -1.0
        """When the heap was last looked at, ns."""

    def see(self, now: float, in_flight: InFlight) -> None:
        """Look at the heap as it is now, with the goroutines in flight."""
        self.seen_at, model, taken = now, self._model, self._slots.taken
        spans = model.in_use(model.per_class(taken)) if any(taken) else model.spans
        self.spans, self.slots, self.in_use = model.totals(spans)
        self.classes_used = max(self.classes_used, int(np.count_nonzero(spans)))
        self.objects = self._slots.allocated[0] - self._slots.freed[0]
        self.in_use = max(self.in_use, float(self.objects))  # equal but for rounding
        self.stacks = float(self._stacks.spans(in_flight))
        self._map()

    def forget(self) -> None:
        """The heap has changed at this very instant: look at it anew."""
        self.seen_at = -1.0

    def map_for(self, in_use: float) -> None:
        """Spans need so much memory now: pages are mapped, or those that were returned used."""
        self.in_use = in_use
        self._map()

    def _map(self) -> None:
        needed = self.in_use + self.stacks
        grown = max(-(-needed // CHUNK) * CHUNK - self.mapped, 0.0)
        self.mapped += grown
        self.released += grown  # nobody has touched it yet
        self.released = max(min(self.released, self.mapped - needed), 0.0)

    @property
    def free(self) -> float:
        """Free pages, not returned to the OS."""
        return self.mapped - self.in_use - self.stacks - self.released

    def usage(self) -> HeapUsage:
        """Where the memory of the heap was when it was last looked at."""
        return HeapUsage(
            mapped=self.mapped,
            in_use=self.in_use,
            objects=self.objects,
            free=self.free,
            released=self.released,
            stacks=self.stacks,
            spans=self.spans,
            mark_words=self.slots / MARK_WORD + self.spans,
            classes_used=self.classes_used,
        )

    def _ready(self) -> int:
        """All memory of the runtime that is not returned (mstats.go: mappedReady)."""
        classes = memory_classes(self.usage(), self._ps, self._machine.footprint)
        return sum(classes) - classes.heap_released

    @property
    def usable(self) -> float:
        """Free pages that may stay: what exceeds the limit is returned, and touched anew."""
        if self._gc.memory_limit == MAX_INT64:
            return max(self.free, 0.0)
        others = self._ready() - self.free
        return max(min(self.free, self._gc.memory_limit - others), 0.0)

    def keep_below_limit(self) -> None:
        """Return memory before the limit is passed (runtime/mheap.go: allocSpan)."""
        use = self._gc.pacer.memory
        self.tell_pacer()
        if self._scavenger and not self._gc.limiter.limiting:
            owed = limit_overage(0, use.mapped_ready, self._gc.memory_limit)
            if owed.nbytes:
                self.assist_ns += self._return(owed.nbytes)
                self.tell_pacer()

    def _return(self, nbytes: float) -> float:
        """So much goes back to the OS, as far as it is free; returns the CPU-ns that it takes."""
        got = max(min(nbytes, self.free), 0.0)
        self.released += got
        return got / QUANTUM * self._machine.page.scavenge_ns

    def pass_time(self, elapsed: float) -> None:
        """The background scavenger has 1 % of the CPU, as long as there is too much memory."""
        goals = self._gc.scavenge_goals
        if not self._scavenger or (goals.gc_percent is None and goals.memory_limit is None):
            return
        self._map()
        retained = self.in_use + self.free
        over = 0.0
        if goals.gc_percent is not None:
            over = retained - goals.gc_percent
        if goals.memory_limit is not None:
            over = max(over, self._ready() - goals.memory_limit)
        if over <= 0:
            return
        able = SCAVENGE_FRACTION * self._ps * elapsed / self._machine.page.scavenge_ns * QUANTUM
        self.background_ns += self._return(min(over, able))
