"""In which order grey objects are scanned: one by one, or span by span (Green Tea)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from sim.go.marker.greentea import MAX_SLOT, MIN_SLOT
from sim.mechanisms.graph import Ref
from sim.mechanisms.heap import Slots


class Order(Protocol):
    """Grey objects that wait."""

    def push(self, ref: Ref, span: Slots[Ref]) -> None:
        """An object has turned grey."""

    def pop(self) -> tuple[Slots[Ref], Sequence[Ref]]:
        """What is scanned next: objects of one span."""

    def waiting(self) -> list[tuple[str, Ref | Slots[Ref]]]:
        """The queues from their heads: (queue, object or span)."""


class ClassicOrder:
    """The object that turned grey last comes first (runtime/mgcwork.go)."""

    def __init__(self) -> None:
        self.stack: list[tuple[Slots[Ref], Ref]] = []

    def push(self, ref: Ref, span: Slots[Ref]) -> None:
        """See `Order`."""
        self.stack.append((span, ref))

    def pop(self) -> tuple[Slots[Ref], Sequence[Ref]]:
        """See `Order`."""
        span, ref = self.stack.pop()
        return span, [ref]

    def waiting(self) -> list[tuple[str, Ref | Slots[Ref]]]:
        """See `Order`."""
        return [("grey objects", ref) for _, ref in reversed(self.stack)]


class GreenTeaOrder:
    """Spans of small objects wait, the first one first, while marks gather in them.

    Other objects go the classic way, before the spans (runtime/mgcmark_greenteagc.go:
    tryDeferToSpanScan, scanSpan; mgcmark.go: gcDrain).
    """

    def __init__(self) -> None:
        self.objects = ClassicOrder()
        self.spans: deque[Slots[Ref]] = deque()
        self.marks: dict[int, list[Ref]] = {}
        """By row: objects marked since their span was last scanned."""

    def push(self, ref: Ref, span: Slots[Ref]) -> None:
        """See `Order`."""
        if not MIN_SLOT <= span.size <= MAX_SLOT:
            self.objects.push(ref, span)
            return
        if span.row not in self.marks:
            self.marks[span.row] = []
            self.spans.append(span)
        self.marks[span.row].append(ref)

    def pop(self) -> tuple[Slots[Ref], Sequence[Ref]]:
        """See `Order`."""
        if self.objects.stack:
            return self.objects.pop()
        span = self.spans.popleft()
        return span, self.marks.pop(span.row)

    def waiting(self) -> list[tuple[str, Ref | Slots[Ref]]]:
        """See `Order`."""
        return [*self.objects.waiting(), *(("spans", span) for span in self.spans)]
