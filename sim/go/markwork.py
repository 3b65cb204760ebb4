"""The mark work of one cycle, handed out in pieces (runtime/mgcwork.go, mgcmark.go: gcDrain)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sim.go.pacer import ScanPart
from sim.units import MS

DRAIN_CHECK: Final = 100_000  # runtime/mgcmark.go: drainCheckThreshold, units of scan work
FRACTIONAL_SLACK: Final = 1.2  # runtime/mgcmark.go: pollFractionalWorkerExit
PIECE_NS: Final = MS // 2
"""Longest piece of a marker; scan work and credit are told of at the end of a piece."""
SCAN_ORDER: Final[tuple[ScanPart, ...]] = ("globals", "stack", "heap")
"""What is scanned first (runtime/mgcmark.go: gcDrain)."""


@dataclass(slots=True)
class MarkWork:
    """Scan work in bytes: what nobody has begun yet, and what somebody is doing."""

    unclaimed: int
    in_flight: int = 0

    def claim(self, wanted: int) -> int:
        """Take up to `wanted` bytes of work; 0 when there is none."""
        claimed = min(wanted, self.unclaimed)
        self.unclaimed -= claimed
        self.in_flight += claimed
        return claimed

    def finish(self, claimed: int, done: int) -> None:
        """Hand in a claim of which `done` was done; the rest can be claimed again."""
        self.in_flight -= claimed
        self.unclaimed += claimed - done

    @property
    def finished(self) -> bool:
        """Nothing left and nobody busy: the condition for mark termination."""
        return self.unclaimed == 0 and self.in_flight == 0

    def piece(self, markers: int, largest: int, least: int) -> int:
        """A fair piece for one of several markers: large at first, small towards the end.

        Real workers exchange buffers of 253 pointers all the time; guided pieces give the same
        balance at the end with far fewer steps.
        """
        return max(least, min(largest, self.unclaimed // (8 * max(1, markers))))
