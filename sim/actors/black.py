"""Slots that are allocated black while marking (runtime/mgcmark.go: gcmarknewobject)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.go.mspan import SpanTable
from sim.units import Bytes

Ints = NDArray[np.int64]


class BlackSlots:
    """Slots that count as marked because they were allocated in this cycle, by span."""

    def __init__(self, spans: SpanTable) -> None:
        self._spans = spans
        self._slots: Ints = np.zeros(0, dtype=np.int64)

    def clear(self) -> None:
        """A cycle begins."""
        self._slots = np.zeros(self._spans.capacity, dtype=np.int64)

    def add(self, spans: Ints, slots: Ints) -> None:
        """So many slots of these spans, each of which is named once, are allocated black."""
        missing = self._spans.capacity - len(self._slots)
        if missing > 0:
            self._slots = np.concatenate((self._slots, np.zeros(missing, dtype=np.int64)))
        self._slots[spans] += slots

    def per_span(self) -> Ints:
        """The slots of every span."""
        missing = self._spans.capacity - len(self._slots)
        return np.concatenate((self._slots, np.zeros(missing, dtype=np.int64)))

    def nbytes(self) -> Bytes:
        """Their bytes."""
        return int(np.dot(self._slots, self._spans.slot_bytes[: len(self._slots)]))
