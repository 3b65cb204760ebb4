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
from sim.actors.state import Demand, G, P
from sim.actors.timeline import Timeline
from sim.engine.clock import Clock
from sim.record.facts import Request
from sim.runtime.state import GC, Process
from sim.units import Nanoseconds

_DONE: Final = object()


class Processor:
    """Runs one P."""

    def __init__(
        self,
        p: P,
        clock: Clock,
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
        """Run a goroutine until it ends, blocks, is preempted, or its time slice is over."""
        p, clock = self._p, self._clock
        self._take_up(g)
        body, since = g.body, clock.now
        assert body is not None
        while True:
            demand: Demand | object
            if g.remaining:
                demand, g.remaining = g.remaining, 0
            else:
                demand = next(body, _DONE)
            if isinstance(demand, int):
                begun = clock.now
                kept = yield from self._compute(g, demand)
                if g.assisting:
                    self._timeline.slice(p, begun, "assist", g.kind)
                if not kept:
                    break
            elif demand is None:
                break
            elif demand is _DONE:
                self._end(g)
                break
            elif isinstance(demand, simpy.Event):  # holds the P: for a lock, for a cycle to start
                frozen = clock.frozen_ns
                yield demand
                g.throttled += clock.frozen_ns - frozen
        g.running = False
        p.goroutine_ns += clock.now - since
        self._timeline.goroutine(g, p, since)

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

    def _compute(self, g: G, ns: Nanoseconds) -> Process[bool]:
        """Spend `ns` on the P; False where the goroutine lost the P over it."""
        p, clock, sched = self._p, self._clock, self._sched
        if sched.stopped:  # it held a lock when the stop was asked for
            give_back(g, ns)
            sched.give_way(g, p)
            return False
        begun, frozen = clock.now, clock.frozen_ns
        p.interruptible = True
        try:
            yield clock.work(ns)
        except simpy.Interrupt:
            stood_still = clock.frozen_ns - frozen
            give_back(g, ns - (clock.now - begun - stood_still))
            g.throttled += stood_still
            sched.give_way(g, p)
            return False
        p.interruptible = False
        g.throttled += clock.frozen_ns - frozen
        if clock.now >= p.slice.end:
            if self._gc.marking or sched.others_wait(p):
                sched.requeue(g, p)
                return False
            p.slice.begin(clock.now)
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
