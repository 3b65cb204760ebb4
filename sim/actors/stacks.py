"""Goroutines take stacks, use more or less of them, and pay for copies (runtime/stack.go)."""

from __future__ import annotations

from sim.actors.faults import PageFaults
from sim.actors.state import G
from sim.go.stacks import Growth, Stacks
from sim.machine.profile import MarkCosts
from sim.runtime.state import CgroupLimits
from sim.units import Bytes


class GoroutineStacks:
    """Stacks as goroutines use them."""

    def __init__(
        self, stacks: Stacks, container: CgroupLimits, faults: PageFaults, costs: MarkCosts
    ) -> None:
        self._stacks, self._container, self._faults = stacks, container, faults
        self._costs = costs

    def take(self, g: G) -> None:
        """A new goroutine gets a stack, which grows to what it uses."""
        before = self._stacks.span_bytes
        g.held, growth = self._stacks.start(g.stack)
        self._pay(g, growth)
        self._note(self._stacks.span_bytes - before)

    def use(self, g: G, used: Bytes) -> None:
        """From now on the goroutine uses so much of its stack."""
        if g.held is None or g.held.used == used:
            return
        before = self._stacks.span_bytes
        g.held, growth = self._stacks.use(g.held, used)
        self._pay(g, growth)
        self._note(self._stacks.span_bytes - before)

    def end(self, g: G) -> None:
        """The goroutine has ended."""
        assert g.held is not None
        self._stacks.end(g.held)

    def _note(self, nbytes: Bytes) -> None:
        """So much memory was taken for stacks: it may be too much for the cgroup."""
        if not nbytes:
            return
        self._container.left -= nbytes
        if self._container.left < 0:
            self._container.look()

    def _pay(self, g: G, growth: Growth) -> None:
        """Copying a stack walks its frames, as scanning does; it is done when it runs."""
        if not (growth.copies or growth.faulted_bytes):
            return
        ns = growth.copies * self._costs.stack_ns + growth.copied_bytes * self._costs.stack_byte_ns
        ns += self._faults.ns(growth.faulted_bytes)
        g.remaining += round(ns)
        g.alloc += round(ns)
