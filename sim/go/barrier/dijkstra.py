"""The barrier of Go 1.5 to 1.7."""

from __future__ import annotations

from dataclasses import dataclass

from sim.go.barrier import barriers


@barriers.register("dijkstra")
@dataclass(frozen=True)
class Dijkstra:
    """Shades the new pointer; stacks have no barrier and are scanned again in the last pause.

    Sources: proposal 17503 (what it replaced); Dijkstra et al., On-the-fly
    garbage collection, 1978.
    """

    @property
    def shaded_pointers(self) -> int:
        """The new one."""
        return 1

    @property
    def rescans_stacks(self) -> bool:
        """All of them, in mark termination."""
        return True
