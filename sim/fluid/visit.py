"""A visit: what one goroutine of a load does from start to end, its children included, as sums."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.fluid.retention import Retained
from sim.units import Bytes

Floats = NDArray[np.float64]

UNKNOWN: Final = -1.0
"""ns until the goroutine ends whose steps are being compiled."""


@dataclass(slots=True)
class Use:
    """Slots of a mix that a visit takes, and who keeps them; None: nobody, or only the visit."""

    mix: int
    slots: float
    holder: Retained | None
    held: bool = False
    """Kept until the goroutine ends."""


@dataclass(slots=True)
class VisitPrices:
    """What a visit costs and moves at present: CPU-ns, and bytes."""

    ns: float = 1.0
    live: float = 0.0
    scan: float = 0.0
    slot_bytes: float = 0.0
    later: float = 0.0
    """Bytes of heap_live beyond the first stretch of each step."""


@dataclass(slots=True)
class Visit:
    """Sums over a goroutine and its children. Times in ns, without collections and queueing."""

    stack: Bytes = 1024
    idle_stack: Bytes = 1024
    cpu: float = 0.0
    """Computing, without allocation."""
    weight: float = 0.0
    """Time on Ps, roughly, to weight what is kept meanwhile."""
    weight_variance: float = 0.0
    """Variance of `weight` between visits."""
    writes: float = 0.0
    """Pointer writes into the heap."""
    blocked: float = 0.0
    """Time in which the goroutine itself waits."""
    runs: float = 1.0
    """How often goroutines become runnable."""
    starts: float = 1.0
    """Goroutines started."""
    touched: float = 0.0
    """Bytes of new stacks that the OS has to provide."""
    stack_blocked: float = 0.0
    """Byte-ns of stacks in use while blocked; `stack_running` while running, by weight."""
    stack_running: float = 0.0
    child_blocked: float = 0.0
    """Goroutine-ns that children are blocked."""
    asked: float = 0.0
    """Bytes asked for, and their variance between visits."""
    asked_variance: float = 0.0
    scatter: float = 0.0
    """The same in squares of its mean."""
    uses: list[Use] = field(default_factory=list)
    own: float = 0.0
    """The part of `weight` that is not the children's."""
    held: dict[int, float] = field(default_factory=dict)
    """Slots that the goroutine keeps at this point, by mix."""
    children_held: dict[int, float] = field(default_factory=dict)
    """Slot-ns that children keep, by mix."""
    bursts: dict[int, float] = field(default_factory=dict)
    """Slots of what is kept that are allocated in one go, by mix."""
    timeline: list[tuple[float, float, dict[int, float]]] = field(default_factory=list)
    """What the goroutine itself keeps, and the time since its start: running by weight, blocked."""
    lends: dict[str, float] = field(default_factory=dict)
    """ns for which objects of a pool are lent while their goroutines are blocked."""
    borrowers: dict[str, int] = field(default_factory=dict)
    """Goroutines, started together, that borrow of a pool."""
    allocating_runs: float = 0.0
    """Runs, from becoming runnable to blocking or ending, in which something is allocated."""
    kept_credit: dict[tuple[float, float], float] = field(default_factory=dict)
    """Those that end in a wait, by ns of the wait before them and until the goroutine ends.

    There is no wait before a goroutine's first run. What a run does not use of its assist credit,
    the goroutine keeps while it waits; when it ends, it hands it back.
    """
    spots: list[tuple[float, float]] = field(default_factory=list)
    """Where on its way the goroutine allocates, in `own`, and how many bytes."""
    prices: VisitPrices = field(default_factory=VisitPrices)
    _waited: float = math.inf
    """ns of the wait before the run that is compiled."""
    allocates: bool = False
    """Whether the run that is compiled allocates."""
    _own: Floats = field(default_factory=lambda: np.empty(0))
    _waits: Floats = field(default_factory=lambda: np.empty(0))
    _held: dict[int, Floats] = field(default_factory=dict)

    def note(self) -> None:
        """Continue the timeline."""
        self.timeline.append((self.own, self.blocked, dict(self.held)))

    def end_run(self, waits: float | None) -> None:
        """The goroutine waits for so many ns, or ends."""
        if self.allocates:
            self.allocating_runs += 1
            if waits is not None:
                key = (self._waited, UNKNOWN)
                self.kept_credit[key] = self.kept_credit.get(key, 0.0) + 1
        self.allocates = False
        self._waited = waits or 0.0

    def end(self) -> None:
        """The goroutine ends, and what had to be known of its end is known."""
        self.end_run(None)
        own = {key: n for key, n in self.kept_credit.items() if key[1] == UNKNOWN}
        runs = sum(own.values())
        for (before, _), n in own.items():
            del self.kept_credit[before, UNKNOWN]
            # As many of its waits follow each of these runs, on average.
            key = (before, self.blocked * (runs + 1) / (2 * runs))
            self.kept_credit[key] = self.kept_credit.get(key, 0.0) + n

    def times(self, ns_per_weight: float) -> Floats:
        """Instants of the timeline, from 0 on."""
        if not len(self._own):
            self._own = np.array([0.0, *(own for own, _, _ in self.timeline)])
            self._waits = np.array([0.0, *(blocked for _, blocked, _ in self.timeline)])
        instants: Floats = self._own * ns_per_weight + self._waits
        return instants

    @property
    def rest_share(self) -> float:
        """The part of its own time on Ps that follows a byte which it allocates, on average."""
        asked = sum(nbytes for _, nbytes in self.spots)
        if not asked:
            return 0.0
        return 1 - sum(at * nbytes for at, nbytes in self.spots) / (asked * self.own)

    @property
    def own_along(self) -> Floats:
        """Own time on Ps, in weight, at the instants of the timeline."""
        self.times(1.0)
        return self._own

    def runs_along(self) -> list[tuple[float, float]]:
        """From where to where on the way each run goes, between waits."""
        own = self.own_along
        ends = own[np.flatnonzero(np.diff(self._waits))].tolist()
        return list(zip([0.0, *ends], [*ends, float(own[-1])], strict=True))

    @property
    def weight_scatter(self) -> float:
        """Variance of the time on Ps between visits, in squares of its mean."""
        return self.weight_variance / max(self.weight, 1e-9) ** 2

    def held_along(self) -> dict[int, Floats]:
        """What is kept at these instants, by mix."""
        if not self._held:
            mixes = sorted({mix for _, _, held in self.timeline for mix in held})
            self._held = {
                mix: np.array([0.0, *(held.get(mix, 0.0) for _, _, held in self.timeline)])
                for mix in mixes
            }
        return self._held


def note_burst(bursts: dict[int, float], mix: int, slots: float) -> None:
    """So many slots of a mix are allocated in one go: the longest counts."""
    bursts[mix] = max(bursts.get(mix, 0.0), slots)
