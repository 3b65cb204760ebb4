"""Proportional sweep: allocation pays for sweeping (runtime/mgcsweep.go: gcPaceSweeper)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PAGE: Final = 8192
MIN_DISTANCE: Final = 1 << 20  # runtime/mgc.go: sweepMinHeapDistance
BACKGROUND_BATCH: Final = 10  # runtime/mgcsweep.go: bgsweep, sweepBatchSize


@dataclass(slots=True)
class SweepPace:
    """Pages to sweep per byte of heap_live growth, so that the next cycle finds all swept."""

    pages_per_byte: float = 0.0
    heap_live_basis: int = 0

    def commit(self, *, done: bool, trigger: int, heap_live: int, pages_in_use: int) -> None:
        """Set the pace at the beginning of a sweep; `trigger` starts the next cycle."""
        distance = max(PAGE, trigger - heap_live - MIN_DISTANCE)
        self.pages_per_byte = 0.0 if done else pages_in_use / distance
        self.heap_live_basis = heap_live

    def target(self, heap_live: int, span_bytes: int) -> int:
        """Pages that must be swept before `span_bytes` more are allocated."""
        return int(self.pages_per_byte * (span_bytes + max(0, heap_live - self.heap_live_basis)))
