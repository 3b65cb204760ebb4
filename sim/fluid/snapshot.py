"""What a cycle finds reachable, and the work of marking it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from sim.fluid.recount import Recount
from sim.fluid.retention import Retained
from sim.fluid.spans import Floats, SpanModel
from sim.go.marker import Marker
from sim.machine.price import crowding_ns, mark_cpu_ns
from sim.machine.profile import MarkCosts
from sim.runtime.table_costs import NO_LINKS, LinkWork, TableWork, link_work, table_work
from sim.workload.tables import Entries

RECOUNT_CHANGE: Final = 1 / 50
"""Work is counted anew when the heap has changed by this part of it; it scales till then. Chosen
below the 5 % that GC CPU is meant to agree to; larger is faster, and moves GC CPU by up to this
part."""


class MarkingWork(NamedTuple):
    """What marking the heap takes."""

    scan_bytes: float
    cpu_ns: float
    """By one marker alone."""
    crowding_ns: float
    """By how much longer it takes two of them."""
    tables: TableWork
    """What of it is scanning tables of pointers."""
    links: LinkWork
    """What is found by following lists and trees, and what that takes on top."""
    empty: Floats
    """Share of the spans of each class in which nothing lives."""


class Snapshots:
    """Takes snapshots of a heap; of one that hardly changes, the work is known but for scale."""

    def __init__(self, model: SpanModel, marker: Marker, costs: MarkCosts) -> None:
        self._model, self._marker, self._costs = model, marker, costs
        self._change = Recount(RECOUNT_CHANGE)
        self._work = MarkingWork(0.0, 0.0, 0.0, TableWork(0.0, 0.0), NO_LINKS, np.zeros(0))
        self._slots = 1.0

    def take(self, retained: Sequence[Retained], spans: Floats) -> tuple[list[float], MarkingWork]:
        """Reachable slots by mix, and the work of marking them in so many spans."""
        model = self._model
        by_mix = self.by_mix(retained, [holder.slots for holder in retained])
        total = sum(by_mix) + 1.0
        shares = [holder.slots / total for holder in retained]
        shares += [holder.scattered() for holder in retained]
        if self._change.matters((total, model.totals(spans)[0]), shares):
            self._work = self._count(retained, spans, model.per_kind(np.array(by_mix)))
            self._slots = total
        more, work = total / self._slots, self._work
        return by_mix, MarkingWork(
            work.scan_bytes * more,
            work.cpu_ns * more,
            work.crowding_ns * more,
            TableWork(work.tables.nbytes * more, work.tables.cpu_ns * more),
            work.links.times(more),
            work.empty,
        )

    def by_mix(self, retained: Sequence[Retained], slots: Iterable[float]) -> list[float]:
        """Sums over the retained of each mix."""
        sums = [0.0] * len(self._model.slot_bytes)
        for holder, some in zip(retained, slots, strict=True):
            sums[holder.mix] += some
        return sums

    def _count(self, retained: Sequence[Retained], spans: Floats, live: Floats) -> MarkingWork:
        in_spans, empty = self._model.occupied(retained, spans)
        apart = [holder.slots * holder.scattered() for holder in retained]
        scattered = self._model.per_kind(np.array(self.by_mix(retained, apart)))
        counts = self._marker.count(
            self._model.kinds,
            live,
            in_spans,
            scattered,
            vector_kernel=self._costs.vector_kernel > 0,
        )
        costs, entries, slots = self._costs, Entries(), float(live.sum())
        for holder in retained:
            if holder.table_share:
                entries = entries.plus(holder.structure, holder.slots, holder.table_share)
        return MarkingWork(
            counts.scan_bytes,
            mark_cpu_ns(counts, costs),
            crowding_ns(counts, costs),
            table_work(counts, costs, slots, *entries.tabled),
            link_work(counts, costs, slots, entries),
            empty,
        )
