"""Objects with finalizers: a cycle finds them unreachable, a later one frees them.

Finalizers are counted, as objects are. A mark phase finds the objects when it takes its snapshot,
sweeping keeps them and queues their finalizers, and when these have been called, the objects are
garbage like any other. Which of them have been called is drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.workload.ledger import Law, Ledger
from sim.workload.mixes import MixBook
from sim.workload.population import Ints, Rows
from sim.workload.retention import Holder

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Finalizers:
    """The finalizers of a program (runtime/mfinal.go, mheap.go: specialfinalizer)."""

    kinds: NDArray[np.bool_]
    """Kinds of objects that have one."""
    ns: Floats
    """CPU time of one, by kind."""
    owner: Ints
    """Keeps the objects in the ledger until their finalizers have been called, by kind."""
    unreachable: dict[int, Holder] = field(default_factory=dict)
    """Objects that the program has lost since the last snapshot, by mix."""
    found: Rows | None = None
    """Objects that the snapshot found unreachable, until marking ends."""
    due: int = 0
    """Finalizers that the last cycle has to queue, and `due_ns`: their CPU time."""
    due_ns: float = 0.0
    swept: int = 0
    """Of them queued so far, as their spans were swept."""
    pages: int = 0
    """Pages of the heap when its sweep began."""
    queued: int = 0
    """Since the start; `executed` likewise."""
    executed: int = 0
    waiting_ns: float = 0.0
    """CPU time of the queue."""
    specials: int = 0
    """Most objects that had finalizers at a snapshot."""
    longest: int = 0
    """Most finalizers that were in the queue."""

    @property
    def waiting(self) -> int:
        """Finalizers in the queue."""
        return self.queued - self.executed

    def watch(self, ledger: Ledger) -> None:
        """New owners for what gets lost from now on: nobody reaches what an ended owner holds."""
        for holder in self.unreachable.values():
            holder.owner = ledger.add_owner(Law.ENDS)
            ledger.end_owner(holder.owner)

    def lose(self, mix: int, slots: float, bursts: float) -> Holder:
        """The program has lost objects that are not written down yet."""
        holder = self.unreachable[mix]
        holder.pending += slots
        holder.bursts += bursts
        return holder

    def bury(self, ledger: Ledger, rng: np.random.Generator) -> None:
        """As `Ledger.bury`; but what has finalizers is found."""
        if not self.unreachable:
            ledger.bury(rng)
            return
        self.found = ledger.lost(self.kinds)
        ledger.bury(rng)
        self.watch(ledger)

    def roots(self, ledger: Ledger) -> Ints:
        """Objects by kind whose finalizers are roots of this mark phase: reachable, or found."""
        if self.found is None:
            return np.zeros_like(self.kinds, dtype=np.int64)
        alive = np.where(self.kinds, ledger.per_kind(len(self.kinds)), 0)
        roots: Ints = alive - self._in_queue(ledger) + self._found_by_kind()
        self.specials = max(self.specials, int(roots.sum()))
        return roots

    def revive(self, ledger: Ledger, spans: int, pages: int) -> Ints:
        """Marking has ended: slots by span that sweeping has to keep for the queue."""
        if self.found is None:
            return np.zeros(spans, dtype=np.int64)
        found, by_kind = self.found, self._found_by_kind()
        ledger.add(found.span, found.kind, self.owner[found.kind], found.objects)
        self.found, self.swept, self.pages = None, 0, pages
        self.due, self.due_ns = int(by_kind.sum()), float(np.dot(by_kind, self.ns))
        return np.bincount(found.span, weights=found.objects, minlength=spans).astype(np.int64)

    def sweep(self, share: float) -> None:
        """So much of the heap has been swept since marking ended."""
        more = int(self.due * share) - self.swept
        if more > 0:
            self.swept += more
            self.queued += more
            self.waiting_ns += self.due_ns * more / self.due
            self.longest = max(self.longest, self.waiting)

    def run(self, number: int, ledger: Ledger) -> None:
        """So many finalizers have been called: nobody reaches their objects any more."""
        for owner in self._owners():
            ledger.thin(owner, number / (self.waiting + self.due - self.swept))
        self.waiting_ns -= self.waiting_ns * number / self.waiting
        self.executed += number

    def _in_queue(self, ledger: Ledger) -> Ints:
        held = [ledger.held_by(owner, len(self.kinds)) for owner in self._owners()]
        total: Ints = np.sum(held, axis=0)
        return total

    def _owners(self) -> list[int]:
        owners: list[int] = np.unique(self.owner[self.kinds]).tolist()
        return owners

    def _found_by_kind(self) -> Ints:
        assert self.found is not None
        return np.bincount(
            self.found.kind, weights=self.found.objects, minlength=len(self.kinds)
        ).astype(np.int64)


def make_finalizers(book: MixBook, ledger: Ledger) -> Finalizers:
    """Those of a program of these mixes; none is due yet."""
    has, took = np.zeros(len(book.kinds), dtype=np.bool_), np.zeros(len(book.kinds))
    owner = np.zeros(len(book.kinds), dtype=np.int64)
    for mix, ns in book.finalizers.items():
        kinds = list(book.mixes[mix].kinds)
        has[kinds], took[kinds], owner[kinds] = True, ns, ledger.add_owner(Law.HAZARD)
    finalizers = Finalizers(has, took, owner)
    finalizers.unreachable = {mix: Holder() for mix in book.finalizers}
    finalizers.watch(ledger)
    return finalizers
