"""Who runs next, where: run queues, idle Ps, waking, preempting, stopping (runtime/proc.go)."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.actors.state import G, MarkState, P
from sim.engine.clock import ProcessClock
from sim.go.runq import GLOBAL_EVERY, GlobalQueue, LocalQueue, Tally
from sim.go.sysmon import Sysmon, TimeSlice
from sim.machine.profile import SchedulerCosts
from sim.units import MS, Nanoseconds

STOP: Final = "stop the world"
YIELD: Final = "other work has come"
SYSCALL_MAX: Final[Nanoseconds] = 10 * MS
"""A P that nobody wants is taken from a system call that has lasted for so long (retake)."""
POLL: Final[Nanoseconds] = MS
"""The network poller waits for so long, or a multiple of it."""


class Scheduler:
    """Run queues, idle Ps, and whether the world is stopped; only its methods change them."""

    def __init__(
        self,
        clock: ProcessClock,
        gomaxprocs: int,
        costs: SchedulerCosts,
        mark: MarkState,
        sweeper: G,
        rng: np.random.Generator,
        *,
        stop_keeps_ps: bool,
    ) -> None:
        self._clock, self._mark, self._sweeper, self._rng = clock, mark, sweeper, rng
        self.wake_ns: Nanoseconds = round(costs.wake_ns)
        """Until a thread that sleeps runs on a P."""
        self.sysmon = Sysmon()
        self.queued = Tally()
        """Goroutines in the queues of all Ps."""
        self.ps = [
            P(i, LocalQueue(self.queued, i), TimeSlice(self.sysmon)) for i in range(gomaxprocs)
        ]
        self.shared: GlobalQueue[G] = GlobalQueue()
        """The global run queue."""
        self.idle: list[P] = []
        """Ps that have nothing to do, the last one wakes first."""
        self._idle_since = 0
        """When a P last began to idle, and a thread to wait in the network poller, ns."""
        self.late_timers = 0
        """Bit i: the i-th P has timers that have fired and that no P has looked at yet."""
        self.stop_keeps_ps = stop_keeps_ps
        """Since Go 1.26 goroutines go on on their Ps after a stop, and mark workers take those that
        idle first (runtime/proc.go: goschedImpl, procresize)."""
        self.stopped = False
        self.stopped_since = 0
        """When the last stop was asked for, ns."""
        self.stopped_ns = 0
        """Time the world has been stopped since the start, without a stop that goes on, ns."""
        self.restarted = clock.event()
        """Fires when the world goes on."""

    # -- becoming ready ----------------------------------------------------------------------

    def mark_ready(self, g: G) -> None:
        """From now on the goroutine waits for a P."""
        now = self._clock.now
        g.ready_at = now
        g.stw_mark = self.stopped_ns + (now - self.stopped_since if self.stopped else 0)

    def ready(self, g: G, p: P | None) -> None:
        """Make a goroutine runnable on a P, as the next to run there, and wake an idle P for it.

        Without a P (the network) it goes to the P that wakes up, or to the global queue, which idle
        mark workers look at as well (runtime/proc.go: pollWork).
        """
        self.mark_ready(g)
        if p is not None:
            p.runq.put_next(g, self.shared)
        elif self.idle:
            self.idle[-1].runq.put(g, self.shared)
        else:
            self.shared.append(g)
            self._ask_for_a_p()
        self.wake()

    def ready_on_its_thread(self, g: G) -> None:
        """Its thread runs already, and takes an idle P, or goes to sleep (exitsyscallTryGetP)."""
        self.mark_ready(g)
        if not self.idle:
            self.shared.append(g)
            self._ask_for_a_p()
            return
        p = self.idle.pop()
        p.runq.put_next(g, self.shared)
        assert p.wake is not None
        p.wake.ring(0)

    def ready_by_timer(self, g: G, p: P) -> None:
        """A timer of a P has fired: it waits until that P schedules, or another one steals it.

        Neither running goroutines nor mark workers look at timers (runtime/proc.go: checkTimers is
        called by schedule and stealWork, but not by pollWork). For an idle P a thread waits in the
        network poller, for whole milliseconds (runtime/netpoll_epoll.go: netpoll).
        """
        self.mark_ready(g)
        p.timers.append(g)
        self.late_timers |= 1 << p.id
        if self.idle:
            due = self._clock.timeout(-(self._clock.now - self._idle_since) % POLL)
            due.callbacks.append(lambda _: self._look_at_timers(p))

    def _look_at_timers(self, p: P) -> None:
        """The thread in the network poller wakes up: if nobody has run the timers, a P does."""
        if p.timers:
            self.wake()

    def _ask_for_a_p(self) -> None:
        """The background sweeper or an idle mark worker notices work in the global queue.

        They look after every ten spans (goschedIfBusy), and at every poll (pollWork).
        """
        sweeper = self._sweeper
        if sweeper.running and sweeper.p is not None and sweeper.p.interruptible:
            interrupt(sweeper.p, YIELD)
        elif self._mark.idle_workers:
            for p in self.ps:
                if p.doing == "idle" and p.interruptible:
                    interrupt(p, YIELD)
                    return

    # -- idle Ps -----------------------------------------------------------------------------

    def rest(self, p: P) -> None:
        """A P has nothing to do from now on (runtime/proc.go: pidleput)."""
        self.idle.append(p)
        self._idle_since = self._clock.now

    def busy(self) -> int:
        """How many Ps run something: neither idle nor in a system call."""
        calling = [p.doing for p in self.ps].count("syscall")
        return len(self.ps) - len(self.idle) - calling

    def wake(self) -> None:
        """Wake an idle P, if there is one (runtime/proc.go: wakep)."""
        idle = self.idle
        if len(idle) == len(self.ps):
            self.sysmon.wake(self._idle_since, self._clock.now)
        if idle:
            alarm = idle.pop().wake
            assert alarm is not None
            alarm.ring(self.wake_ns)

    # -- choosing ----------------------------------------------------------------------------

    def find_runnable(self, p: P) -> G | None:
        """The next goroutine: now and then from the global queue, else local, global, stolen."""
        shared = self.shared
        if p.timers:
            self._run_timers(p, p)
        if p.slice.number % GLOBAL_EVERY == 0 and shared:
            p.runq.inherit_time = False
            return shared.popleft()
        g = p.runq.get()
        if g is None and shared:
            g = p.runq.take_from_global(shared, len(self.ps))
        if g is None and (self.queued.items or self.late_timers):
            g = self._steal(p)
        return g

    def _steal(self, thief: P) -> G | None:
        """Half of the queue of the first other P that has one (runtime/proc.go: stealWork).

        Go tries them in random order; here it is their own, from a random one on.
        """
        first = int(self._rng.random() * len(self.ps))
        somewhere = self.queued.waiting | self.late_timers
        behind = somewhere >> first << first or somewhere
        victim = self.ps[(behind & -behind).bit_length() - 1]
        self._run_timers(victim, thief)
        return thief.runq.get() or thief.runq.steal_half_from(victim.runq)

    def _run_timers(self, owner: P, p: P) -> None:
        """Timers of a P that have fired make their goroutines runnable on another, or on itself.

        A goroutine that a timer starts exists from now on: a load generator inside the program that
        is late does not see its lateness.
        """
        while owner.timers:
            g = owner.timers.pop(0)
            if g.started < 0:
                g.arrival = self._clock.now
                self.mark_ready(g)
            p.runq.put_next(g, self.shared)
        self.late_timers &= ~(1 << owner.id)

    def others_wait(self, p: P) -> bool:
        """Are goroutines waiting that the P would run (runtime/proc.go: pollWork)?"""
        return bool(self.shared) or len(p.runq) > 0

    def is_wanted(self, p: P, called_ns: Nanoseconds) -> bool:
        """Does sysmon take a P away from a system call that has lasted for so long (retake)?

        Not at once where its queue is empty, and others idle or look for work already.
        """
        if len(p.runq) or called_ns >= SYSCALL_MAX:
            return True
        return not self.idle and all(other.doing != "waking" for other in self.ps)

    # -- giving way --------------------------------------------------------------------------

    def give_way(self, g: G, p: P) -> None:
        """A goroutine is preempted for others, or for a stop, after which it goes on on its P."""
        if not (self.stopped and self.stop_keeps_ps):
            self.requeue(g, p)
            return
        p.interruptible = False
        self.mark_ready(g)
        p.runq.put_next(g, self.shared)

    def requeue(self, g: G, p: P) -> None:
        """A preempted goroutine goes to the global queue (runtime/proc.go: goschedImpl)."""
        p.interruptible = False
        self.mark_ready(g)
        self.shared.append(g)

    def hand_off(self, p: P) -> None:
        """Goroutines of a P that marks go to others (runtime/mgc.go: gcBgMarkWorker)."""
        while g := p.runq.get():
            self.shared.append(g)

    # -- stopping the world ------------------------------------------------------------------

    def stop(self) -> None:
        """Preempt what every P does (runtime/proc.go: stopTheWorldWithSema)."""
        self.stopped, self.stopped_since = True, self._clock.now
        for p in self.ps:
            if p.interruptible:
                interrupt(p, STOP)

    def start(self) -> Nanoseconds:
        """All Ps go on (runtime/proc.go: startTheWorldWithSema); for how long they stood still."""
        stopped = self._clock.now - self.stopped_since
        self.stopped = False
        self.stopped_ns += stopped
        self.restarted.succeed()
        self.restarted = self._clock.event()
        for _ in range(len(self.idle)):
            self.wake()
        return stopped


def interrupt(p: P, why: str) -> None:
    """Preempt what the P is doing."""
    p.interruptible = False
    assert p.process is not None
    p.process.interrupt(why)
