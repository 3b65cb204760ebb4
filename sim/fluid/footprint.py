"""Memory of the process: what the limit looks at, what is returned to the OS, what kills.

The classes of memory are those of the detailed mode; how spans and free pages lie is not known:
the heap has as many pages as were ever needed at once, rounded up to chunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.go.mcentral import SPAN_SETS
from sim.go.scavenge import (
    QUANTUM,
    SCAVENGE_FRACTION,
    ScavengeGoals,
    gc_percent_goal,
    limit_overage,
    memory_limit_goal,
)
from sim.machine.profile import MachineProfile
from sim.units import Bytes, KiB, MiB, format_bytes, format_duration

if TYPE_CHECKING:
    from sim.fluid.engine import Flow

CHUNK: Final = 4 * MiB
ARENA: Final = 64 * MiB
ARENA_METADATA: Final = 68 * KiB
MSPAN: Final = 160
MCACHE: Final = 2304
PROFILE_TABLE: Final = 179_999 * 8


class Footprint:
    """Accounts of memory in bytes."""

    def __init__(
        self, machine: MachineProfile, procs: int, limit: Bytes, container: Bytes | None,
        *, scavenges: bool,
    ) -> None:  # fmt: skip
        self._machine, self._procs = machine, procs
        self._limit, self._container, self._scavenges = limit, container, scavenges
        self.mapped = 0.0
        self.released = 0.0
        self.objects = 0.0
        self.in_use = 0.0
        self.stacks = 0.0
        self.spans = 0.0
        self.classes_used = 0
        self.slots = 0.0
        self.left = float("inf")
        self.assist_ns = self.background_ns = 0.0
        self._goals = ScavengeGoals()
        self._seen_at = -1.0

    def see(self, flow: Flow) -> None:
        """Look at the heap as it is now, unless that has been done."""
        if flow.now == self._seen_at:
            return
        self._seen_at = flow.now
        flow.settle_all()
        model = flow.spans
        if any(flow.taken):
            slots = model.per_class(flow.taken)
            spans, used = model.in_use(slots), model.used + slots
        else:
            spans, used = model.spans, model.used
        self.spans, self.slots, self.in_use = model.totals(spans)
        self.classes_used = max(self.classes_used, int(np.count_nonzero(spans)))
        self.objects = float(used.dot(model.slot))
        self.stacks = flow.stacks.spans(flow.there)
        self._map()

    def map_for(self, in_use: Bytes) -> None:
        """Spans need so much memory now: pages are mapped, or those that were returned used."""
        self.in_use = in_use
        self._map()

    def _map(self) -> None:
        needed = self.in_use + self.stacks
        grown = max(-(-needed // CHUNK) * CHUNK - self.mapped, 0.0)
        self.mapped += grown
        self.released += grown  # nobody has touched it yet
        self.released = max(min(self.released, self.mapped - needed), 0.0)

    @property
    def free(self) -> float:
        """Free pages, not returned to the OS."""
        return self.mapped - self.in_use - self.stacks - self.released

    @property
    def usable(self) -> float:
        """Free pages that may stay: what exceeds the limit is returned, and touched anew."""
        others = self.total - self.released - self.free
        return max(min(self.free, self._limit - others), 0.0)

    @property
    def metadata(self) -> float:
        """mspans, mcaches, page tables and mark bits."""
        arenas = max(-(-self.mapped // ARENA) - 1, 0)
        bits = 16 * (self.slots / 64 + self.spans)
        return (
            self.spans * MSPAN + self._procs * MCACHE + arenas * ARENA_METADATA + bits
            + self.classes_used * SPAN_SETS + self._machine.footprint.metadata_bytes
        )  # fmt: skip

    @property
    def total(self) -> float:
        """/memory/classes/total."""
        return self.mapped + self.metadata + self._machine.footprint.other_bytes + PROFILE_TABLE

    @property
    def rss(self) -> float:
        """Resident memory of the process."""
        footprint = self._machine.footprint
        untouched = footprint.metadata_bytes
        return (
            self.in_use + self.stacks + self.free + self.metadata - untouched
            + footprint.text_bytes + footprint.runtime_bytes
        )  # fmt: skip

    def tell(self, flow: Flow) -> None:
        """Tell the pacer what the memory limit looks at."""
        use = flow.pacer.memory
        use.mapped_ready = int(self.total - self.released)
        use.heap_free = int(self.free)
        use.heap_alloc = int(self.objects)

    def look(self, flow: Flow) -> None:
        """Under a limit: return memory, move the trigger, or be killed."""
        self.see(flow)
        self.tell(flow)
        use = flow.pacer.memory
        if self._scavenges and not flow.parts.limiter.limiting:
            owed = limit_overage(0, use.mapped_ready, self._limit)
            if owed.nbytes:
                self._return(owed.nbytes, assist=True)
                self.tell(flow)
        if self._container is not None:
            self.left = self._container - self.rss
            if self.left < 0:
                flow.verdict = self._verdict(flow.now)

    def _return(self, nbytes: float, *, assist: bool) -> None:
        got = max(min(nbytes, self.free), 0.0)
        self.released += got
        ns = got / QUANTUM * self._machine.page.scavenge_ns
        if assist:
            self.assist_ns += ns
        else:
            self.background_ns += ns

    def pass_time(self, elapsed: float, flow: Flow) -> None:
        """The background scavenger has 1 % of the CPU, as long as there is too much memory."""
        goals = self._goals
        if not self._scavenges or (goals.gc_percent is None and goals.memory_limit is None):
            return
        self._map()
        retained = self.in_use + self.free
        over = 0.0
        if goals.gc_percent is not None:
            over = retained - goals.gc_percent
        if goals.memory_limit is not None:
            over = max(over, self.total - self.released - goals.memory_limit)
        if over <= 0:
            return
        able = SCAVENGE_FRACTION * self._procs * elapsed / self._machine.page.scavenge_ns * QUANTUM
        self._return(min(over, able), assist=False)

    def end_cycle(self, flow: Flow, goal: Bytes, last_goal: Bytes, in_use: Bytes) -> None:
        """What the heap may keep until the next cycle ends; spans had `in_use` before sweeping."""
        use = flow.pacer.memory
        self._goals = ScavengeGoals(
            gc_percent_goal(
                heap_goal=goal, last_heap_goal=last_goal, last_heap_in_use=in_use,
                heap_retained=int(self.in_use + self.free),
            ),
            memory_limit_goal(self._limit, use.mapped_ready),
        )  # fmt: skip

    def _verdict(self, now: float) -> str:
        assert self._container is not None
        parts = {
            "heap objects": self.objects, "unused in spans": self.in_use - self.objects,
            "free heap": self.free, "stacks": self.stacks,
        }  # fmt: skip
        told = sorted(parts.items(), key=lambda part: -part[1])
        return (
            f"killed after {format_duration(now)}: RSS of {self.rss / MiB:.1f}MiB exceeds the"
            f" {self._container / MiB:.1f}MiB of the cgroup: "
            + ", ".join(f"{name} {format_bytes(size)}" for name, size in told if size >= 1)
        )
