"""Write barriers: what a pointer write does while marking, and whether stacks are scanned again."""

from __future__ import annotations

from typing import Final, Protocol

from sim.registry import Registry

barriers: Final = Registry("barrier")


class Barrier(Protocol):
    """Rules of a write barrier."""

    def buffered_words(self) -> int:
        """Words that one pointer write puts into the P's barrier buffer; 0 shades at once."""

    def rescans_stacks(self) -> bool:
        """Stacks are scanned a second time with the world stopped."""
