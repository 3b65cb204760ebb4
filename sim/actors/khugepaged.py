"""The kernel's thread that makes huge pages whole again (Linux: mm/khugepaged.c)."""

from __future__ import annotations

from typing import Final

from sim.engine.clock import ProcessClock
from sim.go.hugepages import HugePages
from sim.runtime.state import Process
from sim.units import SECOND, Nanoseconds

PERIOD: Final[Nanoseconds] = 10 * SECOND
"""scan_sleep_millisecs."""
SCANNED: Final = 8
"""Huge pages in a period: pages_to_scan = 4096 of 4 KiB."""


def khugepaged(huge_pages: HugePages, clock: ProcessClock) -> Process[None]:
    """Look at a few huge pages now and then, all over the heap in turn."""
    while True:
        yield clock.timeout(PERIOD)
        huge_pages.collapse(SCANNED)
