"""What each P does when, and how far marking is: rows of the tables `slices` and `marking`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from sim.actors.black import BlackSlots
from sim.actors.state import G, MarkState, P
from sim.engine.clock import ProcessClock
from sim.go.mheap import MHeap
from sim.record.facts import MarkProgress, Slice
from sim.runtime.state import GC
from sim.units import Nanoseconds

SYSTEM: Final = {"bgsweep": "sweep", "bgscavenge": "scavenge"}
"""What a P does that runs these goroutines of the runtime, in the words of the timeline."""


class Timeline:
    """Written where somebody wants it; else nothing happens here."""

    def __init__(
        self,
        clock: ProcessClock,
        emit: Callable[[Any], None],
        heap: MHeap,
        black: BlackSlots,
        *,
        wanted: bool,
    ) -> None:
        self._clock, self._emit, self._heap, self._black = clock, emit, heap, black
        self._wanted = wanted

    def slice(self, p: P, since: Nanoseconds, kind: str, name: str = "") -> None:
        """A P has done one thing until now."""
        if self._wanted and self._clock.now > since:
            self._emit(Slice(p.id, since, self._clock.now, kind, name))

    def goroutine(self, g: G, p: P, since: Nanoseconds) -> None:
        """A goroutine has been on a P until now."""
        if self._wanted:
            self.slice(
                p, since, SYSTEM.get(g.kind, "goroutine") if g.system else "goroutine", g.kind
            )

    def marking(self, gc: GC, mark: MarkState) -> None:
        """Mark work was returned: objects by colour, and who waits for credit."""
        if not (self._wanted and gc.marking and gc.scan_units):
            return
        per_unit = gc.cycle.reachable_bytes / gc.scan_units
        done = gc.scan_units - mark.work.unclaimed - mark.work.in_flight
        new = self._black.nbytes()
        grey, scanned = (round(per_unit * units) for units in (mark.work.in_flight, done))
        objects = self._heap.stats.allocated_bytes - self._heap.stats.freed_bytes
        self._emit(
            MarkProgress(
                self._clock.now,
                gc.cycle.number,
                max(objects - grey - scanned - new, 0),
                grey,
                scanned + new,
                new,
                mark.work.unclaimed,
                max(gc.pacer.bg_scan_credit, 0),
                len(mark.queue),
                sum(-g.credit for g in mark.queue),
            )
        )
