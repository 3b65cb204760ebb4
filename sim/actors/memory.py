"""The heap of Go and the ledger of what is reachable in it. Each part is its own writer."""

from __future__ import annotations

from dataclasses import dataclass

from sim.go.mcache import Mcaches
from sim.go.mheap import MHeap
from sim.go.stacks import Stacks
from sim.workload.finalizers import Finalizers
from sim.workload.ledger import Ledger


@dataclass(frozen=True)
class Memory:
    """What lies in memory."""

    heap: MHeap
    """Spans and pages."""
    caches: Mcaches
    stacks: Stacks
    ledger: Ledger
    """Who owns how many objects of which kind in which span."""
    finalizers: Finalizers
