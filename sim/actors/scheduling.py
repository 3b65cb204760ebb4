"""Making goroutines runnable, blocked and finished; waking and preempting Ps (runtime/proc.go)."""

from __future__ import annotations

from typing import Final

from sim.actors.overload import check_overload
from sim.actors.state import G, P
from sim.actors.world import World
from sim.units import MS

STOP: Final = "stop the world"
YIELD: Final = "other work has come"
POLL: Final = MS
"""The network poller waits for so long, or a multiple of it."""


def mark_ready(g: G, world: World) -> None:
    """From now on the goroutine waits for a P."""
    sched, now = world.sched, world.env.now
    g.ready_at = now
    g.stw_mark = sched.stopped_ns + (now - sched.stopped_since if sched.stopped else 0)


def ready(g: G, p: P | None, world: World) -> None:
    """Make a goroutine runnable on a P, as the next to run there, and wake an idle P for it.

    Without a P (the network) it goes to the P that wakes up, or to the global queue, which idle
    mark workers look at as well (runtime/proc.go: pollWork).
    """
    mark_ready(g, world)
    sched = world.sched
    if p is not None:
        p.runq.put_next(g, sched.shared)
    elif sched.idle:
        sched.idle[-1].runq.put(g, sched.shared)
    else:
        sched.shared.append(g)
        ask_for_a_p(world)
    wake(world)


def ready_by_timer(g: G, p: P, world: World) -> None:
    """A timer of a P has fired: it waits until that P schedules, or another one steals it.

    Neither running goroutines nor mark workers look at timers (runtime/proc.go: checkTimers is
    called by schedule and stealWork, but not by pollWork). For an idle P a thread waits in the
    network poller, for whole milliseconds (runtime/netpoll_epoll.go: netpoll).
    """
    mark_ready(g, world)
    p.timers.append(g)
    sched, env = world.sched, world.env
    sched.late_timers |= 1 << p.id
    if sched.idle:
        due = env.timeout(-(env.now - sched.idle_since) % POLL)
        due.callbacks.append(lambda _: look_at_timers(p, world))


def look_at_timers(p: P, world: World) -> None:
    """The thread in the network poller wakes up: if nobody has run the timers, a P does."""
    if p.timers:
        wake(world)


def wake(world: World) -> None:
    """Wake an idle P, if there is one (runtime/proc.go: wakep)."""
    sched, idle = world.sched, world.sched.idle
    if len(idle) == world.gomaxprocs:
        sched.sysmon.wake(sched.idle_since, world.env.now)
    if idle:
        alarm = idle.pop().wake
        assert alarm is not None
        alarm.ring(round(world.machine.sched.wake_ns))


def ask_for_a_p(world: World) -> None:
    """The background sweeper or an idle mark worker notices work in the global queue.

    They look after every ten spans (goschedIfBusy), and at every poll (pollWork).
    """
    sweeper = world.sweeper
    if sweeper.running and sweeper.p is not None and sweeper.p.interruptible:
        interrupt(sweeper.p, YIELD)
    elif world.mark.idle_workers:
        for p in world.sched.ps:
            if p.doing == "idle" and p.interruptible:
                interrupt(p, YIELD)
                return


def interrupt(p: P, why: str) -> None:
    """Preempt what the P is doing."""
    p.interruptible = False
    assert p.process is not None
    p.process.interrupt(why)


def spawn(g: G, p: P | None, world: World) -> None:
    """Start a goroutine (runtime/proc.go: newproc)."""
    begin(g, world)
    ready(g, p, world)


def spawn_by_timer(g: G, p: P, world: World) -> None:
    """A timer of a P starts a goroutine."""
    begin(g, world)
    ready_by_timer(g, p, world)


def begin(g: G, world: World) -> None:
    """A goroutine comes into being, with a stack."""
    world.sched.goroutines += 1
    world.stacks.take(g)
    check_overload(world)


def finish(g: G, world: World) -> None:
    """The goroutine has ended (runtime/proc.go: goexit)."""
    world.sched.goroutines -= 1
    world.retention.let_go_of_all(g)
    world.stacks.end(g)
    g.body = None
    assert g.p is not None
    if g.on_end is not None:
        g.on_end(g.p)
    if g.parent is not None:
        g.parent.children -= 1
        if g.parent.children == 0 and g.parent.waiting:
            unblock(g.parent, g.p, world)


def block(g: G, world: World) -> None:
    """From now on the goroutine waits for something other than a P."""
    g.waiting = True
    g.blocked_at = world.env.now
    world.stacks.use(g, g.idle_stack)


def unblock(g: G, p: P | None, world: World) -> None:
    """End a blocked stretch and make the goroutine runnable."""
    end_wait(g, world)
    ready(g, p, world)


def unblock_by_timer(g: G, p: P, world: World) -> None:
    """End a blocked stretch because a timer of a P has fired."""
    end_wait(g, world)
    ready_by_timer(g, p, world)


def end_wait(g: G, world: World) -> None:
    """What the goroutine blocked for has come."""
    g.waiting = False
    g.blocked += world.env.now - g.blocked_at
    world.stacks.use(g, g.stack)
