"""Goroutines take stacks, use more or less of them, and pay for copies (runtime/stack.go)."""

from __future__ import annotations

from sim.actors.faults import fault_ns
from sim.actors.world import G, World
from sim.go.stacks import Growth
from sim.units import Bytes


def take_stack(g: G, world: World) -> None:
    """A new goroutine gets a stack, which grows to what it uses."""
    stacks = world.memory.stacks
    before = stacks.span_bytes
    g.held, growth = stacks.start(g.stack)
    pay(g, growth, world)
    note(stacks.span_bytes - before, world)


def use_stack(g: G, used: int, world: World) -> None:
    """From now on the goroutine uses so much of its stack."""
    if g.held is None or g.held.used == used:
        return
    stacks = world.memory.stacks
    before = stacks.span_bytes
    g.held, growth = stacks.use(g.held, used)
    pay(g, growth, world)
    note(stacks.span_bytes - before, world)


def note(nbytes: Bytes, world: World) -> None:
    """So much memory was taken for stacks: it may be too much for the cgroup."""
    if not nbytes:
        return
    world.container.left -= nbytes
    if world.container.left < 0:
        world.container.look()


def pay(g: G, growth: Growth, world: World) -> None:
    """Copying a stack walks its frames, as scanning does; it is done when the goroutine runs."""
    if not (growth.copies or growth.faulted_bytes):
        return
    mark = world.machine.mark
    ns = growth.copies * mark.stack_ns + growth.copied_bytes * mark.stack_byte_ns
    ns += fault_ns(growth.faulted_bytes, world)
    g.remaining += round(ns)
    g.alloc += round(ns)
