"""The program as the collector sees it: goroutines on Ps that are stopped and go on."""

from __future__ import annotations

import numpy as np

from sim.actors.allocator import Allocator
from sim.actors.goroutines import Goroutines
from sim.actors.idle import IdleTime
from sim.actors.mark_accounts import MarkAccounts
from sim.actors.mark_workers import MarkWorkers
from sim.actors.scheduler import Scheduler
from sim.actors.state import MarkState
from sim.engine.clock import ProcessClock
from sim.go.markwork import MarkWork
from sim.go.stacks import Stacks
from sim.machine.profile import StopCosts
from sim.runtime.interfaces import AssistCounts, GoroutineCounts
from sim.runtime.state import GC, Process
from sim.runtime.stopping import time_to_restart, time_to_stop, woken_to_mark
from sim.units import Bytes, Nanoseconds


class GoroutinesOnPs:
    """See `sim.runtime.interfaces.Mutator`."""

    def __init__(
        self,
        clock: ProcessClock,
        gc: GC,
        sched: Scheduler,
        goroutines: Goroutines,
        mark: MarkState,
        accounts: MarkAccounts,
        workers: MarkWorkers,
        idle: IdleTime,
        allocator: Allocator,
        stacks: Stacks,
        costs: StopCosts,
        rng: np.random.Generator,
        *,
        stops: bool,
    ) -> None:
        self._clock, self._gc, self._sched, self._goroutines = clock, gc, sched, goroutines
        self._mark, self._accounts, self._workers = mark, accounts, workers
        self._idle, self._allocator, self._stacks = idle, allocator, stacks
        self._costs, self._rng, self._stops = costs, rng, stops

    def begin_cycle(self) -> None:
        """See `Mutator`."""
        self._mark.begin_cycle()
        self._workers.begin_cycle()

    def stop(self, reason: str, g: object) -> Process[Nanoseconds]:
        """See `Mutator`: preempt every P and wait until all stand still."""
        self._sched.stop()
        stopping = 0
        if self._stops:
            stopping = round(time_to_stop(self._busy(), self._costs, self._rng))
            yield self._clock.work(stopping)
        return stopping

    def _busy(self) -> int:
        """Ps beside that which stops the world that have to be stopped, and woken afterwards."""
        return max(self._sched.busy() - 1, 0)

    def restart_ns(self) -> float:
        """See `Mutator`."""
        gc, others = self._gc, self._busy()
        if self._sched.stop_keeps_ps:
            idle = len(self._sched.ps) - 1 - others
            others += woken_to_mark(idle, gc.dedicated_needed, gc.fraction)
        return time_to_restart(others, self._costs)

    def stand_still(self, ns: float) -> Process[None]:
        """See `Mutator`."""
        yield self._clock.work(round(ns))

    def start(self) -> Nanoseconds:
        """See `Mutator`."""
        self._idle.end_stop()
        if self._gc.marking and self._sched.stop_keeps_ps:
            self._workers.assign()
        return self._sched.start()

    def book_idle(self) -> None:
        """See `Mutator`."""
        self._idle.book_all()

    def begin_marking(self) -> None:
        """See `Mutator`."""
        mark = self._mark
        mark.work, mark.done = MarkWork(self._gc.scan_units), self._clock.event()
        self._allocator.reprice()
        if mark.work.finished:
            mark.done.succeed()

    def mark(self) -> Process[None]:
        """See `Mutator`: workers and assists mark; when nothing is left, all Ps are asked."""
        yield self._mark.done
        yield self._clock.work(round(self._costs.ragged_barrier_ns))

    def end_marking(self) -> None:
        """See `Mutator`."""
        self._accounts.release_assists()

    def stacks(self) -> Bytes:
        """See `Mutator`."""
        return self._stacks.allocated

    def stack_size(self) -> Bytes:
        """See `Mutator`."""
        return self._stacks.starting_size

    def assists(self) -> AssistCounts | None:
        """See `Mutator`."""
        mark = self._mark
        return AssistCounts(mark.assists, mark.parks, mark.wait_ns)

    def idle_ns(self) -> Nanoseconds:
        """See `Mutator`."""
        return self._idle.total()

    def population(self) -> GoroutineCounts:
        """See `Mutator`."""
        sched, goroutines = self._sched, self._goroutines
        running = [p.doing for p in sched.ps].count("goroutine")
        runnable = len(sched.shared) + sched.queued.items
        return GoroutineCounts(
            goroutines.count,
            goroutines.created,
            runnable,
            running,
            goroutines.count - runnable - running,
        )
