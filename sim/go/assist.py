"""How much a goroutine owes when it allocates while marking (runtime/mgcmark.go: gcAssistAlloc)."""

from __future__ import annotations

from typing import Final, NamedTuple

OVER_ASSIST_WORK: Final = 64 << 10  # runtime/mgcpacer.go: gcOverAssistWork


class Debt(NamedTuple):
    """What an assist has to do, and the allocation that it pays for."""

    scan_work: int
    bytes: int


def debt(credit: int, work_per_byte: float, bytes_per_work: float) -> Debt:
    """The debt of a goroutine with negative credit: at least 64 KiB of scan work at a time."""
    work = int(work_per_byte * -credit)
    if work < OVER_ASSIST_WORK:
        return Debt(OVER_ASSIST_WORK, int(bytes_per_work * OVER_ASSIST_WORK))
    return Debt(work, -credit)


def earned(done: int, bytes_per_work: float) -> int:
    """Credit in bytes for scan work done or stolen; one byte more, so that it never rounds to 0."""
    return 1 + int(bytes_per_work * done)
