"""Finalizers: what keeps a dead object for one more cycle (runtime/mfinal.go)."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.mechanisms.graph import Ref

SET, QUEUED = "set", "queued"


@dataclass
class FinalizerTable:
    """Objects that have one, in the order in which they got it."""

    states: dict[Ref, str] = field(default_factory=dict)

    def keep(self, ref: Ref, *, marked: bool) -> bool:
        """Whether an object outlives the sweep: marked, or its finalizer is to run first.

        In Go the finalizer is queued when the object's span is swept; here all are queued when
        marking ends (runtime/mgcsweep.go: sweep).
        """
        if not marked and self.states.get(ref) == SET:
            self.states[ref] = QUEUED
        return marked or ref in self.states

    @property
    def queue(self) -> list[Ref]:
        """Objects whose finalizers wait to be run."""
        return [ref for ref, state in self.states.items() if state == QUEUED]

    def run(self) -> Ref:
        """The first of the queue, which has no finalizer any more."""
        ref = self.queue[0]
        del self.states[ref]
        return ref
