"""What a visit costs and moves, at the prices of slots that the spans have at present."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.fluid.in_flight import StackMemory
from sim.fluid.spans import Floats, SpanModel
from sim.fluid.visit import Visit
from sim.go.stack import fits
from sim.machine.price import OS_PAGE
from sim.machine.profile import MachineProfile

MIN_SLOTS: Final = 1
"""Slots of a class; fewer are none."""


class Pricing:
    """Prices of slots, and of visits that take them. Only its methods write them."""

    def __init__(
        self, machine: MachineProfile, spans: SpanModel, stacks: StackMemory, stretch: float
    ) -> None:
        self._machine, self._spans, self._stacks, self._stretch = machine, spans, stacks, stretch
        self._slowdown, self._write_ns, self._marking_ns = 1.0, 0.0, 0.0
        self._expected = np.zeros(len(spans.slot))
        """Slots by class that will be taken until the next cycle."""
        self._ns, self._live = spans.expect(self._expected, 0.0, limited=False)

    def price(self, visit: Visit) -> None:
        """Find out what a visit costs and moves now."""
        prices, spans = visit.prices, self._spans
        ns = visit.cpu * self._slowdown + visit.writes * self._write_ns
        ns += visit.starts * self._growth_ns(visit)
        ns += visit.touched / OS_PAGE * self._machine.page.fault_ns
        live = scan = slot_bytes = later = 0.0
        for use in visit.uses:
            ns += use.slots * (self._ns[use.mix] + self._marking_ns)
            nbytes = use.slots * self._live[use.mix]
            live += nbytes
            later += max(nbytes - self._stretch, 0.0)
            scan += use.slots * spans.scan_per_slot[use.mix]
            slot_bytes += use.slots * spans.slot_bytes[use.mix]
        prices.ns, prices.live, prices.scan = max(ns, 1.0), live, scan
        prices.slot_bytes, prices.later = slot_bytes, later

    def _growth_ns(self, visit: Visit) -> float:
        """A stack that is too small is copied to one of twice the size (runtime/stack.go)."""
        mark, size, ns = self._machine.mark, self._stacks.starting_size, 0.0
        while not fits(size, visit.stack):
            ns += mark.stack_ns + size * mark.stack_byte_ns
            size *= 2
        return ns

    def slow_down(self, slowdown: float, write_ns: float, slot_ns: float) -> None:
        """What computing, writing a pointer and allocating a slot cost more from now on."""
        self._slowdown, self._write_ns, self._marking_ns = slowdown, write_ns, slot_ns

    def expect(self, slots: Floats, room: float, *, limited: bool) -> None:
        """After a cycle: so many slots by class will be taken until the next."""
        self._expected = slots
        self._ns, self._live = self._spans.expect(slots, room, limited=limited)

    def unexpected(self, visit: Visit, visits: float, room: float) -> tuple[Floats, Floats]:
        """Slots by class of so many visits, as far as they fit into so many bytes of heap_live.

        Beside them, those of classes of which none were expected.
        """
        spans = self._spans
        by_mix = [0.0] * len(spans.slot_bytes)
        for use in visit.uses:
            by_mix[use.mix] += use.slots * visits
        slots = spans.per_class(by_mix)
        slots *= min(room / max(float(slots @ spans.live), 1.0), 1.0)
        return slots, slots * ((slots > MIN_SLOTS) & (self._expected < MIN_SLOTS))

    def expect_more(self, slots: Floats, taken: Floats, room: float, *, limited: bool) -> None:
        """In the midst of a cycle: so many are expected, beside those that have been taken."""
        self._expected = np.maximum(slots, self._expected)
        self._ns, self._live = self._spans.expect(self._expected, room, taken, limited=limited)
