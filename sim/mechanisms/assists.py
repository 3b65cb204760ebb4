"""Assists: who allocates while the collector marks pays with scan work (runtime/mgcmark.go)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.go.assist import debt, earned
from sim.units import Bytes, format_bytes

if TYPE_CHECKING:
    from sim.mechanisms.cycle import SmallCollector
    from sim.mechanisms.goruntime import GoRuntime


class GoroutineCredit:
    """The credit of goroutines, in bytes that each may allocate before it has to help."""

    def __init__(self, runtime: GoRuntime, cycle: SmallCollector) -> None:
        self.runtime, self.cycle = runtime, cycle
        self.credit: dict[str, int] = {}
        """By goroutine; everybody starts a cycle with none."""

    def charge(self, actor: str, size: Bytes) -> None:
        """A goroutine allocates so many bytes."""
        self.credit[actor] = self.credit.get(actor, 0) - size

    def before_allocation(self, actor: str, size: Bytes) -> None:
        """Charge an allocation, and pay if that makes a debt (gcAssistAlloc)."""
        if not (self.cycle.marks and self.runtime.settings.assists):
            return
        self.charge(actor, size)
        if self.credit[actor] < 0 and self.runtime.pacer.assist_work_per_byte > 0:
            self._pay(actor)

    def _pay(self, actor: str) -> None:
        """Take what the background did in advance, and do the rest."""
        pacer = self.runtime.pacer
        owed = debt(self.credit[actor], pacer.assist_work_per_byte, pacer.assist_bytes_per_work)
        stolen = min(max(pacer.bg_scan_credit, 0), owed.scan_work)
        pacer.bg_scan_credit -= stolen
        before, done = self.runtime.now, 0
        while done < owed.scan_work - stolen and not self.cycle.marking.finished:
            scan = self.cycle.scan_next if self.cycle.marking.grey else self.cycle.scan_root
            done += scan(actor)
        pacer.add_mark_time("assist", round(self.runtime.now - before))
        whole = stolen + done >= owed.scan_work
        self.credit[actor] += (
            owed.bytes if whole else earned(stolen + done, pacer.assist_bytes_per_work)
        )
        text = (
            f"assists: owes {format_bytes(owed.scan_work)} of scan work, takes"
            f" {format_bytes(stolen)} from what the background did, scans {format_bytes(done)}"
        )
        self.runtime.tell(actor, "assist", text, "mgcmark.go: gcAssistAlloc")
