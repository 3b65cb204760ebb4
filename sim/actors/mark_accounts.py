"""The accounts of mark work: its time, its credit, and noticing that it is all done."""

from __future__ import annotations

from sim.actors.idle import IdleTime
from sim.actors.scheduler import Scheduler
from sim.actors.state import G, MarkState
from sim.actors.timeline import Timeline
from sim.engine.clock import ProcessClock
from sim.go.assist import OVER_ASSIST_WORK
from sim.go.markwork import PIECE_NS, SCAN_ORDER
from sim.machine.price import crowded
from sim.runtime.state import GC
from sim.units import Bytes, Nanoseconds


class MarkAccounts:
    """What workers and assists claim, what it takes them, and who is paid for it."""

    def __init__(
        self,
        clock: ProcessClock,
        gc: GC,
        mark: MarkState,
        sched: Scheduler,
        idle: IdleTime,
        timeline: Timeline,
    ) -> None:
        self._clock, self._gc, self._mark = clock, gc, mark
        self._sched, self._idle, self._timeline = sched, idle, timeline
        self._ps = len(sched.ps)

    def available(self) -> bool:
        """Is there work for one more (runtime/mgc.go: gcMarkWorkAvailable)?

        What a list leads to is found one object after the other.
        """
        mark = self._mark
        if not mark.work.unclaimed:
            return False
        return mark.markers + 1 <= self._gc.course.at_a_time(self._taken())

    def claim(self, wanted: Bytes) -> Bytes:
        """Take up to `wanted` bytes of work; 0 when there is none for one more."""
        return self._mark.work.claim(wanted) if self.available() else 0

    def leave(self) -> None:
        """A marker goes away, and wakes one that found no work (mgcpacer.go: enlistWorker)."""
        if self._gc.course.at_a_time(self._taken()) < self._ps and self.available():
            self._sched.wake()

    def piece(self) -> Bytes:
        """How much to claim: small pieces when assists wait to be paid or the end is near.

        A root or a table is a piece of its own, at the end of which there is credit.
        """
        mark, taken = self._mark, self._taken()
        largest = OVER_ASSIST_WORK if mark.queue else int(PIECE_NS / self.rate())
        alike = int(self._gc.course.end(taken) - taken)
        least = round(self._gc.course.poll(taken))
        return max(min(mark.work.piece(self._ps, largest, least), alike), 1)

    def rate(self) -> float:
        """CPU-ns of one marker alone for the next byte of scan work."""
        return self._gc.course.rate(self._taken())

    def part(self, work: Bytes) -> Bytes:
        """Of an assist's work, what it takes at a time: roots and parts of tables are whole."""
        course, taken = self._gc.course, self._taken()
        alike, longest = int(course.end(taken) - taken), int(PIECE_NS / course.rate(taken))
        return max(min(work, alike, longest), course.grain(taken), 1)

    def poll(self, claimed: Bytes = 0) -> Bytes:
        """What a worker scans before it looks whether to go on, of what it has just claimed."""
        course, taken = self._gc.course, self._taken() - claimed
        return round(min(course.poll(taken), course.end(taken) - taken))

    def mark_ns(self, claimed: Bytes) -> Nanoseconds:
        """How long one marker takes for what it has just claimed, beside those that are at it."""
        gc, taken = self._gc, self._taken()
        others = min(self._mark.markers, self._ps - 1)
        ns = gc.course.ns(taken - claimed, taken)
        return max(1, round(ns * crowded(gc.crowding, others)))

    def _taken(self) -> Bytes:
        """Scan work that somebody has done or is doing."""
        return self._gc.scan_units - self._mark.work.unclaimed

    def book(self, kind: str, ns: Nanoseconds) -> None:
        """Add marking time of a kind (`assist`, `dedicated`, `fractional`, `idle`) to all books."""
        gc = self._gc
        gc.cycle.cpu[kind] += ns
        gc.cpu[kind] += ns
        gc.pacer.add_mark_time(kind, ns)
        if kind == "assist":
            gc.limiter.add_assist_time(ns)
        elif kind == "idle":
            gc.limiter.add_idle_time(ns)
        if gc.limiter.need_update(self._clock.now):
            self._idle.book_all()
            gc.limiter.update(self._clock.now)

    def finish_claim(self, claimed: Bytes, done: Bytes) -> None:
        """Return a claim: globals and stacks are scanned first, then the heap."""
        gc, mark = self._gc, self._mark
        mark.work.finish(claimed, done)
        left = done
        for part in SCAN_ORDER:
            some = min(left, gc.cycle.scan_left[part])
            if some:
                gc.cycle.scan_left[part] -= some
                gc.pacer.add_scan_work(part, some)
                left -= some
        self._timeline.marking(gc, mark)
        if gc.marking and mark.work.finished and not mark.done.triggered:
            mark.done.succeed()

    def flush_background_credit(self, work: Bytes) -> None:
        """Background workers pay parked assists in order; the rest is credit (gcFlushBgCredit)."""
        queue, pacer = self._mark.queue, self._gc.pacer
        if not queue:
            pacer.bg_scan_credit += work
            return
        paid = int(work * pacer.assist_bytes_per_work)
        while queue and paid > 0:
            g = queue.popleft()
            if paid + g.credit < 0:
                g.credit += paid
                queue.append(g)
                return
            paid += g.credit
            g.credit = 0
            self._release(g)
        pacer.bg_scan_credit += int(paid * pacer.assist_work_per_byte)

    def release_assists(self) -> None:
        """At the end of marking everybody goes free (gcWakeAllAssists)."""
        while self._mark.queue:
            self._release(self._mark.queue.popleft())

    def _release(self, g: G) -> None:
        """Make a parked assist runnable."""
        waited = self._clock.now - g.parked_at
        g.assist_wait += waited
        self._mark.wait_ns += waited
        self._sched.ready(g, None)
