"""First touches of memory that the OS has to provide."""

from __future__ import annotations

from typing import Final, overload

from sim.actors.world import Floats, Ints, World
from sim.units import KiB, MiB

OS_PAGE: Final = 4 * KiB
HUGE_PAGE: Final = 2 * MiB


@overload
def fault_ns(nbytes: int, world: World) -> float: ...
@overload
def fault_ns(nbytes: Ints | Floats, world: World) -> Floats: ...
def fault_ns(nbytes: int | Ints | Floats, world: World) -> float | Floats:
    """What the OS takes for the first touch of memory: page by page, or huge pages cleared."""
    machine = world.machine
    if world.memory.heap.pages.huge_pages is not None:
        each = machine.page.fault_ns + HUGE_PAGE * machine.alloc.byte_ns
        return nbytes / HUGE_PAGE * each
    return nbytes / OS_PAGE * machine.page.fault_ns
