"""First touches of memory that the OS has to provide."""

from __future__ import annotations

from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from sim.go.pagealloc import PageAlloc
from sim.machine.price import OS_PAGE
from sim.machine.profile import MachineProfile
from sim.units import MiB

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HUGE_PAGE: Final = 2 * MiB


class PageFaults:
    """What the OS takes for the first touch of memory: page by page, or huge pages cleared."""

    def __init__(self, pages: PageAlloc, machine: MachineProfile) -> None:
        self._page, self._fault_ns = OS_PAGE, machine.page.fault_ns
        if pages.huge_pages is not None:
            self._page = HUGE_PAGE
            self._fault_ns = machine.page.fault_ns + HUGE_PAGE * machine.alloc.byte_ns

    @overload
    def ns(self, nbytes: int) -> float: ...
    @overload
    def ns(self, nbytes: Ints | Floats) -> Floats: ...
    def ns(self, nbytes: int | Ints | Floats) -> float | Floats:
        """ns for so many bytes."""
        return nbytes / self._page * self._fault_ns
