"""Mark assists: who allocates while marking pays with mark work (runtime/mgcmark.go)."""

from __future__ import annotations

from sim.actors.mark_accounts import MarkAccounts
from sim.actors.state import Body, G, MarkState
from sim.engine.clock import ProcessClock
from sim.go.assist import OVER_ASSIST_WORK, debt, earned
from sim.go.pacer import check_assist_ratio
from sim.runtime.state import GC, Settings
from sim.units import Bytes


class AssistCredit:
    """The credit of goroutines: charged, stolen, worked for, handed back."""

    def __init__(
        self,
        clock: ProcessClock,
        gc: GC,
        mark: MarkState,
        accounts: MarkAccounts,
        settings: Settings,
    ) -> None:
        self._clock, self._gc, self._mark, self._accounts = clock, gc, mark, accounts
        self._on, self._pacer_name = settings.switches.assists, settings.pacer_name

    def charge(self, g: G, slot_bytes: float) -> None:
        """Allocation while marking uses up credit (runtime/malloc_stubs.go: deductAssistCredit)."""
        if self._gc.marking and not g.system:
            g.credit -= int(slot_bytes)

    def owes_work(self, g: G, wanted: float) -> bool:
        """Must the goroutine mark before it allocates? Credit is got for all `wanted` bytes.

        While background credit lasts, it is stolen for the whole stretch at once, as the many small
        assists of the real allocator would do one after the other at no cost in time.
        """
        if g.system or not self._on:
            return False
        self._open(g)
        if g.credit < wanted:
            check_assist_ratio(self._gc.pacer, self._pacer_name)
            self.steal(g, int(wanted))
        return g.credit <= 0

    def _open(self, g: G) -> None:
        """Credit of an earlier cycle is void (runtime/mgc.go: gcResetMarkState)."""
        if g.epoch != self._mark.epoch:
            g.epoch = self._mark.epoch
            g.credit = 0

    def steal(self, g: G, wanted: Bytes) -> None:
        """Take background credit for `wanted` bytes, as far as it lasts for whole assists."""
        pacer = self._gc.pacer
        missing = debt(g.credit - wanted, pacer.assist_work_per_byte, pacer.assist_bytes_per_work)
        wanted_assists = -(-missing.scan_work // OVER_ASSIST_WORK)
        assists = min(wanted_assists, pacer.bg_scan_credit // OVER_ASSIST_WORK)
        if assists > 0:
            self._take(g, assists * OVER_ASSIST_WORK)

    def _take(self, g: G, work: Bytes) -> None:
        """So much background credit is the goroutine's from now on."""
        pacer = self._gc.pacer
        pacer.bg_scan_credit -= work
        g.credit += earned(work, pacer.assist_bytes_per_work)

    def assist(self, g: G) -> Body:
        """Mark, or wait for those who do, until there is credit to allocate (gcAssistAlloc).

        What background credit there is comes first; the rest of an assist, the goroutine does
        itself. However much it owes, it leaves work to the others (mgcmark.go: gcDrainN).
        """
        gc, pacer = self._gc, self._gc.pacer
        while g.credit <= 0 and gc.marking and not gc.limiter.limiting:
            owed = debt(g.credit - 1, pacer.assist_work_per_byte, pacer.assist_bytes_per_work)
            stolen = min(owed.scan_work, max(pacer.bg_scan_credit, 0))
            if stolen:
                self._take(g, stolen)
            left = owed.scan_work - stolen
            if not left:
                break
            while left > 0 and (claimed := self._accounts.claim(self._accounts.part(left))):
                yield from self.scan(g, claimed)
                left -= claimed
                if gc.limiter.limiting:
                    return
            if left > 0 and gc.marking and g.credit <= 0:
                yield from self._park(g)

    def scan(self, g: G, claimed: Bytes) -> Body:
        """Do mark work on the goroutine's P."""
        mark = self._mark
        ns = self._accounts.mark_ns(claimed)
        mark.assists += 1
        mark.markers += 1
        g.assist += ns
        g.assisting = True
        yield ns
        g.assisting = False
        mark.markers -= 1
        self._accounts.book("assist", ns)
        g.credit += earned(claimed, self._gc.pacer.assist_bytes_per_work)
        self._accounts.finish_claim(claimed, claimed)
        self._accounts.leave()

    def _park(self, g: G) -> Body:
        """Wait in the assist queue until background workers have paid (gcParkAssist)."""
        self._mark.queue.append(g)
        self._mark.parks += 1
        g.parked_at = self._clock.now
        yield None

    def hand_back(self, g: G) -> None:
        """What a goroutine that ends has not used is background credit again (goexit0)."""
        pacer = self._gc.pacer
        if self._gc.marking and g.epoch == self._mark.epoch and g.credit > 0:
            check_assist_ratio(pacer, self._pacer_name)
            pacer.bg_scan_credit += int(pacer.assist_work_per_byte * g.credit)
            g.credit = 0
