"""A P: runs goroutines and mark workers, parks when there is nothing to do (runtime/proc.go)."""

from __future__ import annotations

from typing import Final

import simpy

from sim.actors.assist import hand_back_credit
from sim.actors.mark_worker import find_mark_worker, idle_worker, mark_while_idle
from sim.actors.marking import book_idle
from sim.actors.reporting import report_request, report_slice
from sim.actors.scheduling import finish, mark_ready
from sim.actors.state import Demand, G, P
from sim.actors.world import World
from sim.go.runq import GLOBAL_EVERY
from sim.runtime.state import Process

_DONE: Final = object()


def processor(p: P, world: World) -> Process[None]:
    """One P (runtime/proc.go: schedule, findRunnable)."""
    sched = world.sched
    while True:
        if sched.stopped:
            p.doing, since = "stopped", world.env.now
            yield sched.restarted
            report_slice(p, since, "stw", "", world)
            continue
        if world.gc.marking and (worker := find_mark_worker(p, world)) is not None:
            since = world.env.now
            p.slice.begin(since)
            yield from worker(p, world)
            report_slice(p, since, p.doing, "", world)
            continue
        g = find_runnable(p, world)
        if g is not None:
            yield from execute(g, p, world)
        elif mark_while_idle(world):
            since = world.env.now
            p.slice.begin(since)
            yield from idle_worker(p, world)
            report_slice(p, since, "idle", "", world)
        else:
            yield from park(p, world)


def find_runnable(p: P, world: World) -> G | None:
    """The next goroutine: now and then from the global queue, else local, global, stolen."""
    sched = world.sched
    if p.timers:
        run_timers(p, p, world)
    if p.slice.number % GLOBAL_EVERY == 0 and sched.shared:
        p.runq.inherit_time = False
        return sched.shared.popleft()
    g = p.runq.get()
    if g is None and sched.shared:
        g = p.runq.take_from_global(sched.shared, world.gomaxprocs)
    if g is None and (sched.queued.items or sched.late_timers):
        g = steal(p, world)
    return g


def steal(thief: P, world: World) -> G | None:
    """Half of the queue of the first other P that has one (runtime/proc.go: stealWork).

    Go tries them in random order; here it is their own, from a random one on.
    """
    sched = world.sched
    first = int(world.streams["steal"].random() * len(sched.ps))
    somewhere = sched.queued.waiting | sched.late_timers
    behind = somewhere >> first << first or somewhere
    victim = sched.ps[(behind & -behind).bit_length() - 1]
    run_timers(victim, thief, world)
    return thief.runq.get() or thief.runq.steal_half_from(victim.runq)


def run_timers(owner: P, p: P, world: World) -> None:
    """Timers of a P that have fired make their goroutines runnable on another, or on itself.

    A goroutine that a timer starts exists from now on: a load generator inside the program that is
    late does not see its lateness.
    """
    while owner.timers:
        g = owner.timers.pop(0)
        if g.started < 0:
            g.arrival = world.env.now
            mark_ready(g, world)
        p.runq.put_next(g, world.sched.shared)
    world.sched.late_timers &= ~(1 << owner.id)


def park(p: P, world: World) -> Process[None]:
    """Wait in the idle list until somebody makes work."""
    sched = world.sched
    p.doing, p.parked_at = "parked", world.env.now
    p.wake = world.env.alarm()
    sched.idle.append(p)
    sched.idle_since = p.parked_at
    p.slice.rest(p.parked_at)
    yield p.wake
    p.slice.resume(world.env.now)
    p.doing = "waking"
    book_idle(p, world)


def execute(g: G, p: P, world: World) -> Process[None]:
    """Run a goroutine until it ends, blocks, is preempted, or its time slice is over."""
    env = world.env
    settle_waiting(g, world)
    take_up(g, p, world)
    body, since = g.body, env.now
    assert body is not None
    while True:
        demand: Demand | object
        if g.remaining:
            demand, g.remaining = g.remaining, 0
        else:
            demand = next(body, _DONE)
        if isinstance(demand, int):
            begun = env.now
            kept = yield from compute(g, p, demand, world)
            if g.assisting:
                report_slice(p, begun, "assist", g.kind, world)
            if not kept:
                break
        elif demand is None:
            break
        elif demand is _DONE:
            hand_back_credit(g, world)
            finish(g, world)
            if g.load:
                report_request(g, world)
            break
        elif isinstance(demand, simpy.Event):  # holds the P: for a lock, for a cycle to start
            frozen = env.frozen_ns
            yield demand
            g.throttled += env.frozen_ns - frozen
    take_off(g, p, since, world)


def on_p(g: G, world: World) -> str:
    """What a P does that runs the goroutine, in the words of the timeline."""
    return "sweep" if g is world.sweeper else "scavenge" if g is world.scavenger else "goroutine"


def take_up(g: G, p: P, world: World) -> None:
    """The goroutine runs on the P, in a new time slice or in that of the one which woke it."""
    p.doing, g.p, g.running = "goroutine", p, True
    if p.runq.inherit_time:
        p.slice.go_on(world.env.now)
    else:
        p.slice.begin(world.env.now)
    if g.started < 0:
        g.started = world.env.now


def take_off(g: G, p: P, since: int, world: World) -> None:
    """The goroutine leaves the P, on which it has been since then."""
    g.running = False
    p.goroutine_ns += world.env.now - since
    if world.timeline:
        report_slice(p, since, on_p(g, world), g.kind, world)


def compute(g: G, p: P, ns: int, world: World) -> Process[bool]:
    """Spend `ns` on the P; False where the goroutine lost the P over it."""
    env = world.env
    if world.sched.stopped:  # it held a lock when the stop was asked for
        give_back(g, ns)
        give_way(g, p, world)
        return False
    begun, frozen = env.now, env.frozen_ns
    p.interruptible = True
    try:
        yield env.work(ns)
    except simpy.Interrupt:
        stood_still = env.frozen_ns - frozen
        give_back(g, ns - (env.now - begun - stood_still))
        g.throttled += stood_still
        give_way(g, p, world)
        return False
    p.interruptible = False
    g.throttled += env.frozen_ns - frozen
    if env.now >= p.slice.end and has_to_yield(p, world):
        requeue(g, p, world)
        return False
    return True


def give_back(g: G, ns: int) -> None:
    """What an interruption left of a stretch is done later, or in vain to wait for."""
    if g.spinning:
        g.on_cpu -= ns
    else:
        g.remaining = ns


def settle_waiting(g: G, world: World) -> None:
    """Book the time since the goroutine became ready as waiting for a P or for a stopped world."""
    stopped = world.sched.stopped_ns - g.stw_mark
    g.stw += stopped
    g.queue += world.env.now - g.ready_at - stopped


def has_to_yield(p: P, world: World) -> bool:
    """At the end of a time slice: give way to others, or start a new slice."""
    if world.sched.shared or len(p.runq) or world.gc.marking:
        return True
    p.slice.begin(world.env.now)
    return False


def give_way(g: G, p: P, world: World) -> None:
    """A goroutine is preempted for others, or for a stop, after which it goes on on its P."""
    if not (world.sched.stopped and world.sched.stop_keeps_ps):
        requeue(g, p, world)
        return
    p.interruptible = False
    mark_ready(g, world)
    p.runq.put_next(g, world.sched.shared)


def requeue(g: G, p: P, world: World) -> None:
    """A preempted goroutine goes to the global queue (runtime/proc.go: goschedImpl)."""
    p.interruptible = False
    mark_ready(g, world)
    world.sched.shared.append(g)
