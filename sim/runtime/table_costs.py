"""What of a heap's marking is scanning tables of pointers."""

from __future__ import annotations

import math
from typing import NamedTuple

from sim.go.kinds import WORD
from sim.machine.price import MarkSteps, apart_ns
from sim.machine.profile import MarkCosts


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
