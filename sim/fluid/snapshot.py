"""What a cycle finds reachable, and the work of marking it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from sim.fluid.keepers import Keeper
from sim.fluid.spans import Floats, SpanModel
from sim.go.marker import Marker
from sim.machine.price import mark_cpu_ns
from sim.machine.profile import MarkCosts

FINE: Final = 50
"""Work is counted anew when the heap has changed by one part of so many; it scales till then."""


class Work(NamedTuple):
    """What marking the heap takes."""

    scan_bytes: float
    cpu_ns: float
    empty: Floats
    """Share of the spans of each class in which nothing lives."""


class Snapshots:
    """Takes snapshots of a heap; of one that hardly changes, the work is known already."""

    def __init__(self, model: SpanModel, marker: Marker, costs: MarkCosts) -> None:
        self._model, self._marker, self._costs = model, marker, costs
        self._key: tuple[int, ...] = ()
        self._work = Work(0.0, 0.0, np.zeros(0))
        self._slots = 1.0

    def take(self, keepers: Sequence[Keeper], spans: Floats) -> tuple[Floats, Work]:
        """Reachable slots by class, and the work of marking them in so many spans."""
        model = self._model
        by_mix = np.zeros(len(model.slot_bytes))
        for keeper in keepers:
            by_mix[keeper.mix] += keeper.slots
        live = model.per_kind(by_mix)
        total = float(np.add.reduce(by_mix)) + 1.0
        key = self._key_of(keepers, total, float(np.add.reduce(spans)))
        if key != self._key:
            self._key, self._work, self._slots = key, self._count(keepers, spans, live), total
        more, work = total / self._slots, self._work
        return model.per_class(live), Work(work.scan_bytes * more, work.cpu_ns * more, work.empty)

    def _key_of(self, keepers: Sequence[Keeper], total: float, spans: float) -> tuple[int, ...]:
        sizes = (math.log(total), math.log(spans + 1.0))
        parts = (keeper.slots / total for keeper in keepers)
        scattered = (keeper.scattered() for keeper in keepers)
        return tuple(int(FINE * part) for part in (*sizes, *parts, *scattered))

    def _count(self, keepers: Sequence[Keeper], spans: Floats, live: Floats) -> Work:
        in_spans, empty = self._model.occupied(keepers, spans)
        by_mix = np.zeros(len(self._model.slot_bytes))
        for keeper in keepers:
            by_mix[keeper.mix] += keeper.slots * keeper.scattered()
        scattered = self._model.per_kind(by_mix)
        counts = self._marker.count(
            self._model.kinds, live, in_spans, scattered,  # type: ignore[arg-type]
            vector_kernel=self._costs.vector_kernel > 0,
        )  # fmt: skip
        return Work(counts.scan_bytes, mark_cpu_ns(counts, self._costs), empty)
