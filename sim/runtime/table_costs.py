"""What of a heap's marking is following tables of pointers, lists and trees."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from sim.go.kinds import WORD
from sim.machine.price import MarkSteps, apart_ns
from sim.machine.profile import MarkCosts
from sim.workload.tables import Entries

SPAN_BYTES: Final = 8192  # of nodes: internal/runtime/gc/sizeclasses.go


class TableWork(NamedTuple):
    """Scanning tables of pointers, which is part of marking the heap."""

    nbytes: float
    """Scan work."""
    cpu_ns: float
    """By one marker alone."""


def table_work(
    steps: MarkSteps, costs: MarkCosts, slots: float, tabled: float, pointers: float
) -> TableWork:
    """What of a heap's marking is scanning the tables that lead to `tabled` of its live `slots`.

    A pointer is followed, and marks an object: as likely one without pointers, and one that lies
    apart, as any. The first in a span brings its mark bits from memory; with P pointers to S spans
    that is S (1 - exp(-P / S)) times.
    """
    if pointers <= 0:
        return TableWork(0.0, 0.0)
    of_all, part = pointers / max(slots, pointers), pointers / max(tabled, pointers)
    spans = max(steps.spans * tabled / max(slots, tabled), 1.0)
    return TableWork(
        WORD * pointers,
        pointers * (costs.pointer_ns + WORD * costs.byte_ns)
        + of_all * steps.noscan_objects * costs.noscan_object_ns
        + part * apart_ns(steps, costs)
        - spans * math.expm1(-pointers / spans) * costs.span_ns,
    )


class LinkWork(NamedTuple):
    """Following lists and trees, node by node."""

    share: float
    """Of the slots that live, what they lead to."""
    nbytes: float
    """Scan work of their nodes."""
    nodes_ns: float
    """CPU time of marking the nodes, beside what they lead to."""
    longest_ns: float
    """From the first entry of the longest list to its last, by one marker alone."""

    def times(self, factor: float) -> LinkWork:
        """Of structures that are so many times as large, in a heap that is as well."""
        return LinkWork(
            self.share, self.nbytes * factor, self.nodes_ns * factor, self.longest_ns * factor
        )


NO_LINKS: Final = LinkWork(0.0, 0.0, 0.0, 0.0)


def link_work(steps: MarkSteps, costs: MarkCosts, slots: float, entries: Entries) -> LinkWork:
    """Following the lists and trees that lead to some of the live `slots`.

    Nodes are allocated and let go of in order, and lie one after the other.
    """
    linked, nbytes = entries.linked, entries.node_bytes
    nodes = linked.pointers
    if nodes <= 0:
        return NO_LINKS
    nodes_ns = nodes * (costs.object_ns + costs.pointer_ns)
    nodes_ns += nbytes * (costs.byte_ns + costs.span_ns / SPAN_BYTES)
    led_ns = table_work(steps, costs, slots, *linked).cpu_ns
    return LinkWork(
        linked.slots / max(slots, linked.slots),
        nbytes,
        nodes_ns,
        (nodes_ns + led_ns) / nodes * entries.longest,
    )
