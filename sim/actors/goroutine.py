"""What goroutines do, step by step: a body yields demands to its P (see `world.Demand`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import simpy

from sim.actors.assist import assist, charge, owes_work
from sim.actors.background import sweep
from sim.actors.malloc import MIN_STRETCH
from sim.actors.scheduling import block, spawn, unblock, unblock_by_timer
from sim.actors.state import Body, Draw, G
from sim.actors.stretch import book_stretch, stretch
from sim.actors.world import World
from sim.go.pool import SyncPool
from sim.workload.holders import Store


@dataclass(frozen=True, slots=True)
class WorkStep:
    """Compiled `work`: draws in ns and bytes, the mix, and who keeps the objects."""

    cpu: Draw
    allocate: Draw
    mix: int
    keep: Callable[[G, float, World], None] | None
    writes_per_ns: float


@dataclass(frozen=True, slots=True)
class SpinStep:
    """Compiled `spin`."""

    time: Draw


@dataclass(frozen=True, slots=True)
class PublishStep:
    """Compiled `publish`."""

    store: Store


@dataclass(frozen=True, slots=True)
class WaitStep:
    """Compiled `wait`."""

    time: Draw
    by_timer: bool


@dataclass(frozen=True, slots=True)
class SpawnStep:
    """Compiled `spawn`."""

    kind: str
    count: int
    wait: bool


@dataclass(frozen=True, slots=True)
class BorrowStep:
    """Compiled `borrow`: the pool, and the making of an object for it."""

    pool: SyncPool
    new: WorkStep


@dataclass(frozen=True, slots=True)
class CollectStep:
    """Compiled `collect`."""


@dataclass(frozen=True, slots=True)
class RepeatStep:
    """Compiled `repeat`."""

    times: int
    steps: tuple[Any, ...]


def follow(g: G, steps: tuple[Any, ...], world: World) -> Body:
    """The body of a goroutine of the program: do the steps in order."""
    for step in steps:
        yield from _DO[type(step)](g, step, world)


def work(g: G, step: WorkStep, world: World) -> Body:
    """Compute, and allocate evenly on the way, in stretches up to the next instant that matters."""
    gc, prices, mix = world.gc, world.prices, step.mix
    cpu = step.cpu()
    slots = step.allocate() * world.kinds.mixes[mix].slots_per_byte if mix >= 0 else 0.0
    while cpu > 0 or slots > 0:
        if gc.marking and slots and owes_work(g, slots * world.kinds.mixes[mix].slot_bytes, world):
            yield from assist(g, world)
        slowed = cpu * (gc.slowdown + step.writes_per_ns * gc.write_ns)
        malloc = slots * prices.ns[mix] if slots else 0.0
        waiting = slots * prices.wait_ns[mix] if slots else 0.0
        share = stretch(g, slowed + malloc + waiting, slots, mix, world)
        ns = book_stretch(g, cpu * share, slowed * share, malloc * share, waiting * share)
        if slots:
            take_slots(g, step, slots * share, world)
            if has_to_wait(world):
                yield from wait_for_memory(g, world)
        cpu, slots = cpu * (1 - share), slots * (1 - share)
        while ns > (left := g.p.slice.end - world.env.now) > 0:  # type: ignore[union-attr]
            yield left  # a large object is zeroed longer than a slice
            ns -= left
        yield ns
        if gc.marking and g.credit < -MIN_STRETCH and owes_work(g, 0, world):
            yield from assist(g, world)  # for what a large object exceeded its credit by


def take_slots(g: G, step: WorkStep, slots: float, world: World) -> None:
    """Allocate: charge it, and say who keeps it."""
    charge(g, slots * world.kinds.mixes[step.mix].slot_bytes, world)
    p = g.p
    assert p is not None
    if step.keep is None:
        p.holder = None
    else:
        step.keep(g, slots, world)
    world.allocator.count_allocation(p.id, step.mix, slots)


def has_to_wait(world: World) -> bool:
    """Is there anything to wait for after an allocation?"""
    gc = world.gc
    return bool(
        world.allocator.owed_ns
        or (gc.pacer.heap_live >= gc.trigger_at and not gc.running)
        or world.switches.resolution == "refill"
    )


def wait_for_memory(g: G, world: World) -> Body:
    """Queue for locks, return memory to the OS, start a cycle where heap_live asks for one."""
    allocator, gc, locks = world.allocator, world.gc, world.locks
    if world.switches.resolution == "refill":
        for row, times, ns in locks.taken(allocator.flush_batch()):
            yield from locks.queue_for(g, row, times, ns)
    if allocator.owed_ns:
        owed, allocator.owed_ns = allocator.owed_ns, 0
        g.alloc += owed
        yield owed
        world.scavenging.cpu_ns["assist"] += owed
    if gc.pacer.heap_live >= gc.trigger_at and not gc.running:
        yield from start_gc(g, world)


def start_gc(g: G, world: World) -> Body:
    """Start a cycle: sweep what is left, stop the world, and go on when it runs again (gcStart)."""
    env, sched = world.env, world.sched
    begun, stopped = env.process_time, sched.stopped_ns
    yield world.gc.request("heap", g)
    stopped = min(sched.stopped_ns - stopped, env.process_time - begun)
    g.stw += stopped
    g.alloc += env.process_time - begun - stopped


def spin(g: G, step: SpinStep, world: World) -> Body:
    """Stay on the P until the time has come; whoever is preempted looks at the clock afterwards."""
    env = world.env
    end = env.now + round(step.time())
    g.spinning = True
    while env.now < end:
        left = g.p.slice.end - env.now  # type: ignore[union-attr]
        ns = min(end - env.now, left) if left > 0 else end - env.now
        g.on_cpu += ns
        yield ns
    g.spinning = False


def hand_over(g: G, step: PublishStep, world: World) -> Body:
    """What the goroutine keeps is the store's from now on."""
    world.retention.publish(g, step.store)
    yield from ()


def wait(g: G, step: WaitStep, world: World) -> Body:
    """Block off the P."""
    delay = round(step.time())
    if delay <= 0:
        return
    block(g, world)
    timer, p = world.env.timeout(delay), g.p
    assert p is not None
    if step.by_timer:
        timer.callbacks.append(lambda _: unblock_by_timer(g, p, world))
    else:
        timer.callbacks.append(lambda _: unblock(g, None, world))
    yield None


def start_children(g: G, step: SpawnStep, world: World) -> Body:
    """Start other goroutines, and wait for them where the step says so."""
    if step.wait:
        g.children += step.count
    go_ns = round(world.machine.sched.go_ns)
    for _ in range(step.count):
        child = world.new_goroutine(step.kind)
        child.parent = g if step.wait else None
        g.on_cpu += go_ns
        yield go_ns
        spawn(child, g.p, world)
    if step.wait and g.children:
        block(g, world)
        yield None


def borrow(g: G, step: BorrowStep, world: World) -> Body:
    """Take an object from a pool; an empty pool allocates a new one."""
    g.lent.append(step.pool)
    if not step.pool.get():
        yield from work(g, step.new, world)


def collect(g: G, step: CollectStep, world: World) -> Body:
    """runtime.GC: run the next cycle, or join others who do, and sweep all that it left."""
    gc = world.gc
    cycle = gc.cycles + gc.running + 1
    while gc.cycles < cycle:
        if not gc.running:
            gc.request("forced", g)
        yield from until(g, gc.ended, world)
    if gc.cycles == cycle:
        yield from sweep(g, "call", world)


def until(g: G, event: simpy.Event, world: World) -> Body:
    """Block until an event fires."""
    block(g, world)
    assert event.callbacks is not None
    event.callbacks.append(lambda _: unblock(g, None, world))
    yield None


def repeat(g: G, step: RepeatStep, world: World) -> Body:
    """Do the steps several times."""
    for _ in range(step.times):
        yield from follow(g, step.steps, world)


_DO: Final[dict[type, Callable[[G, Any, World], Body]]] = {
    WorkStep: work,
    SpinStep: spin,
    PublishStep: hand_over,
    WaitStep: wait,
    SpawnStep: start_children,
    BorrowStep: borrow,
    CollectStep: collect,
    RepeatStep: repeat,
}


def keep_in_goroutine(mix: int) -> Callable[[G, float, World], None]:
    """The goroutine keeps the objects until it ends."""
    return lambda g, slots, world: world.retention.keep(g, mix, slots)


def keep_for_finalizers(mix: int) -> Callable[[G, float, World], None]:
    """Nobody keeps the objects, but they have finalizers."""
    return lambda g, slots, world: world.retention.lose(mix, slots, 1.0)


def keep_in_store(store: Store) -> Callable[[G, float, World], None]:
    """A store keeps them."""
    return lambda g, slots, world: world.retention.insert(store, g, slots)


def keep_with(owner: int, mix: int) -> Callable[[G, float, World], None]:
    """A long-lived owner keeps them."""
    return lambda g, slots, world: world.retention.keep_forever(owner, g, mix, slots)
