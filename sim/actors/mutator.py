"""The program as the collector sees it: goroutines on Ps that are stopped and go on."""

from __future__ import annotations

from sim.actors.mark_worker import assign_mark_workers
from sim.actors.marking import book_idle_ps, idle_until, release_assists
from sim.actors.scheduling import STOP, interrupt, wake
from sim.actors.world import World
from sim.go.markwork import MarkWork
from sim.runtime.interfaces import Assists, Population
from sim.runtime.state import Process
from sim.runtime.stopping import time_to_restart, time_to_stop
from sim.units import Bytes, Nanoseconds


class GoroutinesOnPs:
    """See `sim.runtime.interfaces.Mutator`."""

    def __init__(self, world: World) -> None:
        self._world, self._sched, self._mark = world, world.sched, world.mark
        self._clock, self._costs = world.env, world.machine.stw

    def begin_cycle(self) -> None:
        """See `Mutator`."""
        self._mark.begin_cycle()
        for p in self._sched.ps:
            p.fractional_ns, p.dedicated = 0, False

    def stop(self, reason: str, g: object) -> Process[Nanoseconds]:
        """See `Mutator`: preempt every P and wait until all stand still."""
        world, sched = self._world, self._sched
        sched.stopped = True
        sched.stopped_since = self._clock.now
        for p in sched.ps:
            if p.interruptible:
                interrupt(p, STOP)
        stopping = 0
        if world.switches.stop_the_world:
            stopping = round(time_to_stop(self._busy(), self._costs, world.streams["stw"]))
            yield self._clock.work(stopping)
        return stopping

    def _busy(self) -> int:
        """Ps beside that which stops the world that have to be stopped, and woken afterwards."""
        return max(self._world.gomaxprocs - len(self._sched.idle) - 1, 0)

    def restart_ns(self) -> float:
        """See `Mutator`."""
        return time_to_restart(self._busy(), self._costs)

    def stand_still(self, ns: float) -> Process[None]:
        """See `Mutator`."""
        yield self._clock.work(round(ns))

    def start(self) -> Nanoseconds:
        """See `Mutator`."""
        sched = self._sched
        stopped = self._clock.now - sched.stopped_since
        book_idle_ps(self._world)
        for p in sched.ps:
            if p.doing == "parked":
                p.parked_at = self._clock.now
        sched.stopped = False
        sched.stopped_ns += stopped
        if self._world.gc.marking and sched.stop_keeps_ps:
            assign_mark_workers(self._world)
        sched.restarted.succeed()
        sched.restarted = self._clock.event()
        for _ in range(len(sched.idle)):
            wake(self._world)
        return stopped

    def book_idle(self) -> None:
        """See `Mutator`."""
        book_idle_ps(self._world)

    def begin_marking(self) -> None:
        """See `Mutator`."""
        self._mark.work = MarkWork(self._world.gc.scan_units)
        self._mark.done = self._clock.event()
        self._world.allocator.reprice()
        if self._mark.work.finished:
            self._mark.done.succeed()

    def mark(self) -> Process[None]:
        """See `Mutator`: workers and assists mark; when nothing is left, all Ps are asked."""
        yield self._mark.done
        yield self._clock.work(round(self._costs.ragged_barrier_ns))

    def end_marking(self) -> None:
        """See `Mutator`."""
        release_assists(self._world)

    def stacks(self) -> Bytes:
        """See `Mutator`."""
        return self._world.memory.stacks.allocated

    def stack_size(self) -> Bytes:
        """See `Mutator`."""
        return self._world.memory.stacks.starting_size

    def assists(self) -> Assists | None:
        """See `Mutator`."""
        mark = self._mark
        return Assists(mark.assists, mark.parks, mark.wait_ns)

    def idle_ns(self) -> Nanoseconds:
        """See `Mutator`."""
        until, idle = idle_until(self._world), 0
        for p in self._sched.ps:
            idle += p.idle_ns + (max(until - p.parked_at, 0) if p.doing == "parked" else 0)
        return idle

    def population(self) -> Population:
        """See `Mutator`."""
        sched = self._sched
        running = [p.doing for p in sched.ps].count("goroutine")
        runnable = len(sched.shared) + sched.queued.items
        return Population(
            sched.goroutines,
            sched.created,
            runnable,
            running,
            sched.goroutines - runnable - running,
        )
