"""The shared lists of spans of one span class (runtime/mcentral.go)."""

from __future__ import annotations

from typing import Final

from sim.go.mspan import SpanSet

SPAN_SETS: Final = 4 * 256 * 8 + 4160
"""Bytes of the four sets of an mcentral that has been used: a spine each, which is never freed, and
a block for one of them; the others' go back to a pool (runtime/mspanset.go)."""


class Mcentral:
    """Spans of one class that no mcache holds: with or without free slots, swept or not.

    Go swaps the roles of the swept and the unswept sets when a sweep begins; by then every span of
    the old generation has been swept, so the swap moves all of them to the unswept sets.
    """

    __slots__ = ("full_swept", "full_unswept", "partial_swept", "partial_unswept", "span_class")

    def __init__(self, span_class: int) -> None:
        self.span_class = span_class
        self.partial_swept = SpanSet()
        self.partial_unswept = SpanSet()
        self.full_swept = SpanSet()
        self.full_unswept = SpanSet()

    def begin_sweep(self) -> None:
        """Swap the roles of the sets (runtime/mcentral.go: partialSwept, fullSwept)."""
        self.partial_swept, self.partial_unswept = self.partial_unswept, self.partial_swept
        self.full_swept, self.full_unswept = self.full_unswept, self.full_swept
        self.partial_swept.clear()
        self.full_swept.clear()
