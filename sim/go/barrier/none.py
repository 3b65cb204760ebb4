"""No barrier, as up to Go 1.4."""

from __future__ import annotations

from dataclasses import dataclass

from sim.go.barrier import barriers


@barriers.register("none")
@dataclass(frozen=True)
class NoBarrier:
    """Marks with the world stopped, and sweeps while it runs: Go 1.3 and 1.4 (release notes)."""

    @property
    def shaded_pointers(self) -> int:
        """No pointer write does anything."""
        return 0

    @property
    def rescans_stacks(self) -> bool:
        """Nothing has run since they were scanned."""
        return False
