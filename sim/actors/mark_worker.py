"""Background mark workers: dedicated, fractional and idle (runtime/mgc.go: gcBgMarkWorker)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import simpy

from sim.actors.marking import book, finish_claim, flush_background_credit, mark_ns, piece
from sim.actors.state import P
from sim.actors.world import World
from sim.go.markwork import DRAIN_CHECK, FRACTIONAL_SLACK
from sim.runtime.state import Process

WITHOUT_GOROUTINES: Final = ("parked", "stopped", "waking")
"""What Ps do while the world is stopped; the goroutines of some are in their queues."""
Worker: TypeAlias = Callable[[P, World], Process[None]]


def find_mark_worker(p: P, world: World) -> Worker | None:
    """While marking, a worker ahead of all goroutines (mgcpacer.go: findRunnableGCWorker)."""
    gc = world.gc
    if p.dedicated:
        p.dedicated = False
        return dedicated_worker
    if world.mark.work.unclaimed == 0:
        return None
    if gc.dedicated_needed > 0:
        gc.dedicated_needed -= 1
        return dedicated_worker
    fraction = gc.fraction
    if fraction == 0.0:
        return None
    elapsed = world.env.now - gc.cycle.started
    if elapsed > 0 and p.fractional_ns > fraction * elapsed:
        return None
    return fractional_worker


def mark_while_idle(world: World) -> bool:
    """May an idle P mark?"""
    gc, mark = world.gc, world.mark
    return gc.marking and mark.work.unclaimed > 0 and mark.idle_workers < gc.max_idle_workers


def dedicated_worker(p: P, world: World) -> Process[None]:
    """Marks until there is no work; at the end of a time slice the P's goroutines go to others."""
    p.doing = "dedicated"
    gc = world.gc
    while gc.marking and (claimed := world.mark.work.claim(piece(world))):
        yield from mark(p, claimed, "dedicated", world)
        if world.env.now >= p.slice.end:
            while g := p.runq.get():
                world.sched.shared.append(g)
    gc.dedicated_needed += 1


def assign_mark_workers(world: World) -> None:
    """Dedicated workers take Ps without goroutines first (runtime/proc.go: procresize)."""
    gc = world.gc
    for p in world.sched.ps:
        if gc.dedicated_needed and p.doing in WITHOUT_GOROUTINES and not len(p.runq):
            gc.dedicated_needed -= 1
            p.dedicated = True


def fractional_worker(p: P, world: World) -> Process[None]:
    """Marks until the P has spent 1.2 times its share on it."""
    p.doing = "fractional"
    gc, share = world.gc, FRACTIONAL_SLACK * world.gc.fraction
    while gc.marking:
        allowed = (share * (world.env.now - gc.cycle.started) - p.fractional_ns) / (1 - share)
        wanted = max(DRAIN_CHECK, min(int(allowed / gc.ns_per_unit), piece(world)))
        claimed = world.mark.work.claim(wanted)
        if not claimed:
            return
        p.fractional_ns += yield from mark(p, claimed, "fractional", world)
        if p.fractional_ns > share * (world.env.now - gc.cycle.started):
            return


def idle_worker(p: P, world: World) -> Process[None]:
    """Marks on an otherwise idle P until other work shows up, or its time slice is over.

    It looks at the global queue and at its own (runtime/proc.go: pollWork).
    """
    p.doing = "idle"
    gc, sched = world.gc, world.sched
    world.mark.idle_workers += 1
    while gc.marking and (claimed := world.mark.work.claim(piece(world))):
        yield from mark(p, claimed, "idle", world)
        if sched.shared or len(p.runq) or world.env.now >= p.slice.end:
            break
    world.mark.idle_workers -= 1


def mark(p: P, claimed: int, kind: str, world: World) -> Process[int]:
    """Do a claim, or as much of it as an interruption leaves; returns its time in ns.

    Only idle workers are interrupted, and notice it at their next poll.
    """
    env, gc = world.env, world.gc
    ns, begun, since = mark_ns(claimed, world), env.now, env.process_time
    world.mark.markers += 1
    p.interruptible = kind == "idle"
    done = claimed
    try:
        yield env.work(ns)
    except simpy.Interrupt:
        poll = max(1, round(DRAIN_CHECK * gc.ns_per_unit))
        marked = env.process_time - since
        until_poll = min(-marked % poll, ns - marked)
        if until_poll:
            yield env.work(until_poll)
        done = int(claimed * (env.process_time - since) / ns)
    p.interruptible = False
    world.mark.markers -= 1
    elapsed = env.now - begun
    book(world, kind, elapsed)
    flush_background_credit(done, world)
    finish_claim(claimed, done, world)
    return elapsed
