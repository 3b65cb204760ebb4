"""Write barriers: what a pointer write does while marking, and what that spares the collector."""

from __future__ import annotations

from typing import Final, Protocol

from sim.registry import Registry

barriers: Final = Registry("barrier")


class Barrier(Protocol):
    """Rules of a write barrier."""

    @property
    def shaded_pointers(self) -> int:
        """Pointers that one pointer write shades while marking; 0: no barrier.

        Without a barrier the program cannot run while the collector marks.
        """

    @property
    def rescans_stacks(self) -> bool:
        """Stacks stay grey and are scanned again with the world stopped."""
