"""Write barriers pointer by pointer: what a write to the heap shades while the collector marks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class WriteBarrier:
    """What one write of a pointer does, and what the collector does about stacks.

    Writes to stacks have no barrier; all the others follow from that.
    """

    shades_old: bool
    """The pointer that is overwritten (Yuasa 1990)."""
    shades_new: bool
    """The pointer that is written (Dijkstra et al. 1978)."""
    rescans_stacks: bool
    """Stacks are scanned again in the last pause."""
    scans_stacks_at_once: bool = False
    """All stacks are scanned in the first pause: marking sees the heap as it was then."""


BARRIERS: Final = {
    "none": WriteBarrier(shades_old=False, shades_new=False, rescans_stacks=False),
    "dijkstra": WriteBarrier(shades_old=False, shades_new=True, rescans_stacks=True),
    "dijkstra-without-rescan": WriteBarrier(
        shades_old=False, shades_new=True, rescans_stacks=False
    ),
    "yuasa": WriteBarrier(
        shades_old=True, shades_new=False, rescans_stacks=False, scans_stacks_at_once=True
    ),
    "yuasa-stack-by-stack": WriteBarrier(shades_old=True, shades_new=False, rescans_stacks=False),
    "hybrid": WriteBarrier(shades_old=True, shades_new=True, rescans_stacks=False),
}
"""By name. Go 1.5 to 1.7 had `dijkstra`, Go since 1.8 has `hybrid` (runtime/mbarrier.go)."""
