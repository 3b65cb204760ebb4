"""The barrier since Go 1.8."""

from __future__ import annotations

from dataclasses import dataclass

from sim.go.barrier import barriers


@barriers.register("hybrid")
@dataclass(frozen=True)
class Hybrid:
    """Shades the old and the new pointer, so stacks stay black (proposal 17503, mbarrier.go)."""

    @property
    def shaded_pointers(self) -> int:
        """Both, through a buffer of 512 words a P (runtime/mwbbuf.go)."""
        return 2

    @property
    def rescans_stacks(self) -> bool:
        """Never again."""
        return False
