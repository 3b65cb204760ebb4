"""A P: runs goroutines and mark workers, rests when there is nothing to do (runtime/proc.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import simpy

from sim.actors.assist_credit import AssistCredit
from sim.actors.goroutines import Goroutines
from sim.actors.idle import IdleTime
from sim.actors.mark_workers import MarkWorkers
from sim.actors.scheduler import Scheduler
from sim.actors.state import Demand, G, P, SystemCall
from sim.actors.timeline import Timeline
from sim.engine.clock import ProcessClock
from sim.record.facts import Request
from sim.runtime.state import GC, Process
from sim.units import Nanoseconds

_DONE: Final = object()


class Processor:
    """Runs one P."""

    def __init__(
        self,
        p: P,
        clock: ProcessClock,
        gc: GC,
        sched: Scheduler,
        goroutines: Goroutines,
        workers: MarkWorkers,
        credit: AssistCredit,
        idle: IdleTime,
        timeline: Timeline,
        emit: Callable[[Any], None],
    ) -> None:
        self._p, self._clock, self._gc = p, clock, gc
        self._sched, self._goroutines, self._workers = sched, goroutines, workers
        self._credit, self._idle, self._timeline, self._emit = credit, idle, timeline, emit

    def run(self) -> Process[None]:
        """One thing after the other (runtime/proc.go: schedule, findRunnable)."""
        p, clock, gc, sched, workers = self._p, self._clock, self._gc, self._sched, self._workers
        while True:
            if sched.stopped:
                p.doing, since = "stopped", clock.now
                yield sched.restarted
                self._timeline.slice(p, since, "stw")
                continue
            if gc.marking and (worker := workers.find(p)) is not None:
                since = clock.now
                p.slice.begin(since)
                yield from worker(p)
                self._timeline.slice(p, since, p.doing)
                continue
            g = sched.find_runnable(p)
            if g is not None:
                yield from self._execute(g)
                if p.doing == "syscall":
                    yield from self._hand_off()
            elif workers.mark_while_idle():
                since = clock.now
                p.slice.begin(since)
                yield from workers.idle_worker(p)
                self._timeline.slice(p, since, "idle")
            else:
                yield from self._rest()

    def _rest(self) -> Process[None]:
        """Wait in the idle list until somebody makes work."""
        p, clock = self._p, self._clock
        p.doing, p.wake = "parked", clock.alarm()
        self._idle.begin(p)
        self._sched.rest(p)
        p.slice.rest(clock.now)
        yield p.wake
        p.slice.resume(clock.now)
        p.doing = "waking"
        self._idle.book(p)

    # -- a goroutine on the P ----------------------------------------------------------------

    def _execute(self, g: G) -> Process[None]:
        """Run a goroutine until it ends, blocks, is preempted, or its time slice is over.

        What it computes passes here and not in a generator of its own, which would be one for each
        stretch.
        """
        p, clock, sched = self._p, self._clock, self._sched
        self._take_up(g)
        body, since = g.body, clock.now
        assert body is not None
        while g.running:
            left: int = g.remaining
            demand: Demand | object = left or next(body, _DONE)
            g.remaining -= left
            if isinstance(demand, int):
                begun, frozen = clock.now, self._frozen_ns()
                if sched.stopped:  # it held a lock when the stop was asked for
                    self._lose(g, demand)
                    break
                p.interruptible = True
                try:
                    yield clock.work(demand)
                except simpy.Interrupt:
                    self._interrupted(g, demand, begun, frozen)
                    break
                p.interruptible = False
                g.throttled += self._frozen_ns() - frozen
                if g.assisting:
                    self._timeline.slice(p, begun, "assist", g.kind)
                if clock.now >= p.slice.end and not self._goes_on(g):
                    break
            elif isinstance(demand, simpy.Event):  # holds the P: for a lock, for a cycle to start
                frozen = self._frozen_ns()
                yield demand
                g.throttled += self._frozen_ns() - frozen
            elif isinstance(demand, SystemCall):
                yield from self._system_call(g, demand.ns)
            else:
                if demand is _DONE:
                    self._end(g)
                break
        g.running = False
        p.goroutine_ns += clock.now - since
        self._timeline.goroutine(g, p, since)

    def _frozen_ns(self) -> Nanoseconds:
        """How long the process has stood still; most never do, and the clock is not compiled."""
        return self._clock.frozen_ns if self._clock.froze else 0

    def _system_call(self, g: G, ns: Nanoseconds) -> Process[None]:
        """Block for so long; the goroutine may lose the P meanwhile (runtime/proc.go: retake).

        The first look of sysmon that finds it there writes it down, the next may take the P; so may
        one that ends a time slice.
        """
        p, clock, sched = self._p, self._clock, self._sched
        self._goroutines.block(g)
        begun, end, seen = clock.now, clock.now + ns, False
        p.doing, p.interruptible = "syscall", not sched.stopped
        try:
            while p.interruptible:
                yield clock.timeout(min(self._next_look(), end) - clock.now)
                if clock.now == end:
                    p.doing, p.interruptible = "goroutine", False
                    self._goroutines.go_on(g)
                    return
                if (seen or clock.now >= p.slice.end) and sched.is_wanted(p, clock.now - begun):
                    p.interruptible = False
                    sched.sysmon.retook(clock.now)
                seen = True
        except simpy.Interrupt:  # a stop of the world takes it at once
            pass
        g.running = False
        returns = clock.timeout(end - clock.now)
        returns.callbacks.append(lambda _: self._goroutines.return_without_p(g))

    def _hand_off(self) -> Process[None]:
        """Another thread takes over the P that a system call has lost (runtime/proc.go: handoffp).

        By then the call may be over, and its goroutine on another P.
        """
        p, sched = self._p, self._sched
        p.doing = "waking"
        if not sched.stopped and (self._gc.marking or sched.others_wait(p)):
            yield self._clock.work(sched.wake_ns)

    def _next_look(self) -> Nanoseconds:
        """When sysmon next looks whether a system call may keep the P."""
        now, slice_end = self._clock.now, self._p.slice.end
        look = self._sched.sysmon.next_look_at_calls(now)
        return min(look, slice_end) if slice_end > now else look

    def _take_up(self, g: G) -> None:
        """The goroutine runs on the P, in a new time slice or in that of the one which woke it.

        Until now it waited for a P, or for a stopped world.
        """
        p, now = self._p, self._clock.now
        stopped = self._sched.stopped_ns - g.stw_mark
        g.stw += stopped
        g.queue += now - g.ready_at - stopped
        p.doing, g.p, g.running = "goroutine", p, True
        if p.runq.inherit_time:
            p.slice.go_on(now)
        else:
            p.slice.begin(now)
        if g.started < 0:
            g.started = now

    def _end(self, g: G) -> None:
        """The goroutine has done all its steps."""
        self._credit.hand_back(g)
        self._goroutines.finish(g)
        if g.load:
            self._emit(request_of(g, self._clock.now))

    def _lose(self, g: G, ns: Nanoseconds) -> None:
        """The goroutine loses the P with so much of a stretch left."""
        give_back(g, ns)
        self._sched.give_way(g, self._p)

    def _interrupted(self, g: G, ns: Nanoseconds, begun: Nanoseconds, frozen: Nanoseconds) -> None:
        """It was taken off the P in the midst of a stretch of `ns`."""
        stood_still = self._frozen_ns() - frozen
        g.throttled += stood_still
        if g.assisting:
            self._timeline.slice(self._p, begun, "assist", g.kind)
        self._lose(g, ns - (self._clock.now - begun - stood_still))

    def _goes_on(self, g: G) -> bool:
        """Its time slice is over: whether it gets another one at once."""
        if self._gc.marking or self._sched.others_wait(self._p):
            self._sched.requeue(g, self._p)
            return False
        self._p.slice.begin(self._clock.now)
        return True


def give_back(g: G, ns: Nanoseconds) -> None:
    """What an interruption left of a stretch is done later, or in vain to wait for."""
    if g.spinning:
        g.on_cpu -= ns
    else:
        g.remaining = ns


def request_of(g: G, now: Nanoseconds) -> Request:
    """The row of a request that has ended."""
    return Request(
        g.load,
        g.kind,
        g.arrival,
        g.started,
        now,
        g.on_cpu,
        g.alloc,
        g.assist,
        g.assist_wait,
        g.queue,
        g.blocked,
        g.lock_wait,
        g.stw,
        g.gc_slowdown,
        g.throttled,
    )
