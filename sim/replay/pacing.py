"""Go's pacer in a fluid run, with what it sees of memory outside the heap."""

from __future__ import annotations

from typing import Final

from sim.go.pacer import NEVER, Pacer, Workers, go15, go19, go118, go119, go127, pacers
from sim.replay.mark_phase import Marked
from sim.replay.memory import Overheads
from sim.replay.setting import Setting
from sim.units import MAX_INT64, Bytes, Fraction, Nanoseconds

_BUILT_IN: Final = (go15, go19, go118, go119, go127)
"""Pacers are registered when their modules are imported."""
_LEAST_USEFUL: Final = 0.5
"""Share of the growth of a heap that objects have at least. A bound against dividing by nothing."""
_TUNED_GOGC: Final = (25, 500)
"""Bounds that tuners keep GOGC in."""


class Pacing:
    """Trigger, goal and assist ratio of one run; sizes in bytes."""

    def __init__(self, setting: Setting, roots: Bytes, overheads: Overheads, pacer: str) -> None:
        self._procs, self._roots, self._tuned_heap = setting.procs, roots, setting.tuned_heap
        limit = setting.memory_limit
        self._non_heap = 0 if limit is None else overheads.before_sweeping.within(limit)
        self._swept_non_heap = 0 if limit is None else overheads.within(limit)
        self._memory_limit = MAX_INT64 if limit is None else limit
        self._pacer: Pacer = pacers.get(pacer)()
        self._see_memory(0)
        self._configure(-1 if setting.gogc is None else setting.gogc)

    def useful_share(self, span_overhead: Fraction) -> Fraction:
        """Share of the heap's growth that becomes objects; the rest is tails and headers of spans.

        A cycle passes through all spans once, so their overhead falls to what it allocates.
        """
        goal = self._pacer.heap_goal()
        if goal == NEVER:
            return 1.0
        growth = max(1, goal - self._pacer.heap_marked)
        return max(_LEAST_USEFUL, 1 - span_overhead * goal / growth)

    def trigger(self) -> Bytes:
        """heap_live that starts the next cycle."""
        return self._pacer.trigger()[0]

    def start(self, now: Nanoseconds, heap_live: float) -> Workers:
        """A mark phase begins, with these workers; stacks and globals are scanned first."""
        self._grow_to(heap_live)
        self._pacer.start_cycle(now, self._procs, periodic=False)
        self._pacer.add_scan_work("globals", self._roots)
        self._scanned = 0
        return self._pacer.workers

    def work_per_byte(self, heap_live: float, scan_work: float) -> float:
        """Bytes of scan work owed per byte allocated."""
        self._scan_to(int(scan_work))
        self._grow_to(heap_live)
        return self._pacer.assist_work_per_byte

    def finish(self, now: Nanoseconds, mark: Marked, marked: float, scan_work: float) -> Bytes:
        """A mark phase ended; return the goal it had."""
        pacer = self._pacer
        self._scan_to(int(scan_work))
        pacer.add_mark_time("assist", int(mark.assist))
        pacer.add_mark_time("idle", int(mark.idle))
        self._grow_to(mark.heap_live)
        goal = pacer.heap_goal()
        pacer.end_cycle(now, self._procs)
        pacer.reset_live(int(marked))
        self._non_heap = self._swept_non_heap
        self._see_memory(pacer.heap_live)
        self._tune()
        # Sweeping has begun and is not done (runtime/mgc.go: gcMarkTermination).
        pacer.commit(sweep_done=False)
        return goal

    def _tune(self) -> None:
        if self._tuned_heap is not None:
            base = max(1, self._pacer.heap_marked + self._roots)
            percent = 100 * (self._tuned_heap - self._pacer.heap_marked) // base
            self._configure(min(max(percent, _TUNED_GOGC[0]), _TUNED_GOGC[1]))

    def _configure(self, percent: int) -> None:
        self._pacer.configure(percent, self._memory_limit, self._roots)

    def _scan_to(self, scan_work: int) -> None:
        self._pacer.add_scan_work("heap", scan_work - self._scanned)
        self._scanned = scan_work

    def _grow_to(self, heap_live: float) -> None:
        # All live memory counts as scannable: the log does not say how much holds pointers.
        grown = int(heap_live) - self._pacer.heap_live
        self._see_memory(int(heap_live))
        self._pacer.update(grown, grown)

    def _see_memory(self, heap_live: Bytes) -> None:
        memory = self._pacer.memory
        memory.heap_alloc = heap_live
        memory.mapped_ready = heap_live + self._non_heap
