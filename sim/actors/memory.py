"""The heap of Go and the ledger of what is reachable in it. Each part is its own writer."""

from __future__ import annotations

from dataclasses import dataclass

from sim.go.hugepages import HugePages
from sim.go.mcache import Mcaches
from sim.go.mheap import MHeap
from sim.go.pagealloc import PageAlloc
from sim.go.sizeclass import SizeClassTable
from sim.go.stacks import EXTRA_THREADS, Stacks
from sim.workload.finalizers import Finalizers, make_finalizers
from sim.workload.ledger import Ledger
from sim.workload.mixes import MixBook


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


def make_memory(sizes: SizeClassTable, mixes: MixBook, ps: int, *, huge_pages: bool) -> Memory:
    """An empty heap, for a program of these mixes on so many Ps."""
    pages = PageAlloc(huge_pages=HugePages() if huge_pages else None)
    heap, ledger = MHeap(sizes, pages), Ledger()
    stacks = Stacks(heap, ps + EXTRA_THREADS)
    return Memory(heap, Mcaches(heap, ps), stacks, ledger, make_finalizers(mixes, ledger))
