"""The barriers of Go's history."""

from __future__ import annotations

from dataclasses import dataclass

from sim.go.barrier import barriers


@barriers.register("hybrid")
@dataclass(frozen=True)
class Hybrid:
    """Since Go 1.8: shade the old and the new pointer (proposal 17503; runtime/mbarrier.go)."""

    def buffered_words(self) -> int:
        """Old and new value, in a buffer of 512 words (runtime/mwbbuf.go)."""
        return 2

    def rescans_stacks(self) -> bool:
        """Stacks stay black."""
        return False


@barriers.register("dijkstra")
@dataclass(frozen=True)
class Dijkstra:
    """Go 1.5 to 1.7: shade the new pointer only; stacks are grey until rescanned in the pause."""

    def buffered_words(self) -> int:
        """Shaded at once, without a buffer."""
        return 0

    def rescans_stacks(self) -> bool:
        """All stacks, in mark termination."""
        return True
