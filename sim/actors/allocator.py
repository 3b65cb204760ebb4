"""Allocation in batches: what goroutines allocated is turned into spans, rows and prices.

Goroutines say how many slots of a mix they took; the heap learns of them in batches. What a batch
of refills cost becomes the price per slot of the next stretches; what it moved heap_live by becomes
the estimate with which the pacer is told of the next slots, and every batch corrects it exactly.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.actors.batch_times import BatchTimes
from sim.actors.kinds import KindColumns
from sim.actors.locks import Locks
from sim.actors.memory import Memory
from sim.actors.placement import Placement
from sim.actors.prices import Prices
from sim.actors.refills import SingleRefills
from sim.actors.retention import ROUNDING_SLACK, Retention
from sim.actors.scavenging import Scavenging
from sim.actors.sweeping import Sweeping
from sim.go.mheap import PAGE
from sim.runtime.memory import MemoryAccounts
from sim.runtime.state import GC, CgroupLimits, Settings
from sim.units import MAX_INT64, Bytes, KiB, MiB, Nanoseconds

BATCHES_PER_CYCLE: Final = 4
"""At least so many; what a batch allocates has one price, learnt from the one before. A judgement,
held against `model.resolution: refill` (docs/exactness.md); fewer moves when locks and sweeping are
paid."""
MIN_ROOM: Final[Bytes] = MiB // 4
"""Bytes of the first batch, before much is known of prices; it doubles from there. However near the
cgroup's limit is, it is not looked at more often. A judgement; smaller only costs time."""
MAX_ROOM: Final[Bytes] = 256 * MiB
"""Bytes of a batch; the growth of a heap that is never collected is seen in such steps. A
judgement; larger delays a kill."""
MIN_STRETCH: Final[Bytes] = 32 * KiB
"""Bytes; nearer to the trigger, the goal or the kill, a stretch is not cut any shorter. A
judgement; larger passes the trigger by more."""


class Allocator:
    """What is allocated and not yet written down, and writing it down."""

    def __init__(
        self,
        gc: GC,
        container: CgroupLimits,
        settings: Settings,
        memory: Memory,
        kinds: KindColumns,
        prices: Prices,
        times: BatchTimes,
        locks: Locks,
        placement: Placement,
        refills: SingleRefills | None,
        retention: Retention,
        sweeping: Sweeping,
        scavenging: Scavenging,
    ) -> None:
        self._gc, self._container = gc, container
        self._heap, self._ledger = memory.heap, memory.ledger
        self._kinds, self._prices, self._times = kinds, prices, times
        self._locks, self._placement = locks, placement
        self._retention, self._sweeping, self._scavenging = retention, sweeping, scavenging
        self._refills = refills
        """Takes slots at once, where every refill is an event."""
        self.accounts: MemoryAccounts
        """Where all memory is. Set by the build."""
        self._slots = [[0.0] * len(kinds.mixes) for _ in range(settings.gomaxprocs)]
        """Slots taken since the last batch, by P and mix."""
        self._live = self._scan = 0
        """Estimated heap_live and heap_scan of these, which the pacer has been told of, bytes."""
        self._room = 0.0
        """Estimated bytes that may be pending before the next batch."""
        self.owed_ns = 0
        """Scavenging that the next goroutine to allocate has to do, CPU-ns."""
        self._debt_ns = 0.0
        """Sweeping to keep pace that nobody has paid for yet, CPU-ns; negative: paid in advance."""
        self._debt_price = 0.0
        """What of it goes with a byte of heap_live, CPU-ns."""
        self.tiny_allocs = 0.0
        """Objects that the tiny allocator put beside others in a slot."""

    def count_allocation(self, p: int, mix: int, slots: float, ns: Nanoseconds) -> None:
        """Count slots that a P takes in the next so many ns.

        The pacer hears of them at once, the heap in the next batch.
        """
        self._slots[p][mix] += slots
        self._times.note(p, ns)
        if self._refills is None:
            live = int(slots * self._prices.live[mix])
            scan = int(slots * self._prices.scan[mix])
        else:
            live, scan = self._take_at_once(self._refills, p, mix)
        self._live += live
        self._scan += scan
        self._room -= live
        self._gc.pacer.update(live, scan)
        if self._room <= 0:
            self.flush_batch()

    def _take_at_once(self, refills: SingleRefills, p: int, mix: int) -> tuple[int, int]:
        """What is whole of the slots; bytes by which heap_live and heap_scan grow."""
        whole = int(self._slots[p][mix] + ROUNDING_SLACK)
        if not whole:
            return 0, 0
        self._slots[p][mix] -= whole
        grown = refills.take(p, mix, whole)
        if refills.has_large(mix):
            self._room = 0.0  # large objects come from the heap at once
        return grown

    def flush_batch(self) -> None:
        """Write everything pending into spans and the ledger, and learn what it cost."""
        columns = self._kinds
        self._retention.age_tenured()
        self._times.close()
        objects, bills = self._placement.place(self._slots)
        self._debt_ns += self._sweeping.pay_debt() - self._live * self._debt_price
        self.tiny_allocs += float(np.dot(columns.objects - 1, objects))
        self._locks.close_batch()
        heap_live = sum(int(bill.heap_live.sum()) for bill in bills)
        self._correct_pacer(heap_live, int(np.dot(columns.scan_bytes, objects)))
        self._ledger.close_batch()
        self._heed_memory_limit()
        self._container.look()
        self.reprice()

    def reprice(self) -> None:
        """Prices of the slots, and bytes until the next batch."""
        self._note_room()
        self._prices.update(self._debt_price, marking=self._gc.marking)

    def _note_room(self) -> None:
        """Bytes until the next batch, which pays for what has been swept to keep pace."""
        gc = self._gc
        cycle = max(min(gc.pacer.heap_goal(), 1 << 44) - gc.pacer.heap_marked, MiB)
        distance = cycle if gc.running else max(gc.trigger_at - gc.pacer.heap_live, 0)
        to_kill = max(self._container.left / 2, MIN_ROOM)
        known = max(self._heap.stats.allocated_bytes, MIN_ROOM)
        self._room = max(min(cycle / BATCHES_PER_CYCLE, distance, to_kill, known, MAX_ROOM), PAGE)
        self._debt_price = max(self._debt_ns, 0.0) / max(self._room, MIN_STRETCH)

    def settle_sweep_debt(self) -> Nanoseconds:
        """What has been swept to keep pace is paid for before the next cycle: in CPU time."""
        owed, self._debt_ns = max(0, round(self._debt_ns)), 0.0
        if owed:
            self.reprice()
        return owed

    def take_over_scavenging(self) -> Nanoseconds:
        """The scavenging that is owed, which the caller does."""
        owed, self.owed_ns = self.owed_ns, 0
        return owed

    def _heed_memory_limit(self) -> None:
        """Under a limit the trigger follows the use of memory, and too much of it is returned."""
        self.owed_ns += self._scavenging.return_growth()
        if self._gc.memory_limit >= MAX_INT64:
            return
        self.accounts.tell_pacer()
        self.owed_ns += self._scavenging.keep_below_limit(self.accounts)
        if not self._gc.running:
            self._gc.trigger_at = self._gc.pacer.trigger()[0]

    def _correct_pacer(self, heap_live: int, scan: int) -> None:
        """Replace the estimates by what the batch really did."""
        self._gc.pacer.update(heap_live - self._live, scan - self._scan)
        self._live = self._scan = 0
