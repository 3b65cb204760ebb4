"""Samples of the run's state under the names of runtime/metrics (runtime/metrics.go, mstats.go)."""

from __future__ import annotations

from typing import NamedTuple

from sim.actors.accounts import memory_classes, rss
from sim.actors.reporting import LARGEST
from sim.record.sample import Sample
from sim.units import SECOND, Nanoseconds
from sim.world import Process, World


def sampler(world: World) -> Process[None]:
    """Take a sample at regular instants."""
    while True:
        world.emit(take_sample(world))
        yield world.env.timeout(world.sampling)


def take_sample(world: World) -> Sample:
    """The state at this instant."""
    memory, gc, sched = world.memory, world.gc, world.sched
    stats, classes = memory.heap.stats, memory_classes(world)
    running = [p.doing for p in sched.ps].count("goroutine")
    runnable = len(sched.shared) + sched.queued.items
    scan = gc.cycle.scan or {"globals": world.globals_bytes, "stack": 0, "heap": 0}
    return Sample(
        at_ns=world.env.now,
        **classes._asdict(), total=sum(classes),
        allocs_bytes=stats.allocated_bytes, allocs_objects=stats.allocated_objects,
        frees_bytes=stats.freed_bytes, frees_objects=stats.freed_objects,
        tiny_allocs=round(memory.tiny_allocs),
        heap_goal=min(gc.pacer.heap_goal(), LARGEST),
        heap_marked=gc.pacer.heap_marked, objects=stats.allocated_objects - stats.freed_objects,
        finalizers_queued=memory.finalizers.queued,
        finalizers_executed=memory.finalizers.executed,
        cycles_automatic=gc.cycles - gc.forced, cycles_forced=gc.forced, cycles_total=gc.cycles,
        gogc=world.gc_percent, gomemlimit=world.memory_limit,
        limiter_last_enabled=gc.limiter.last_enabled_cycle,
        scan_globals=scan["globals"], scan_heap=scan["heap"], scan_stack=scan["stack"],
        scan_total=sum(scan.values()), stack_starting_size=memory.stacks.starting_size,
        **cpu_classes(world)._asdict(), gomaxprocs=world.gomaxprocs,
        goroutines=sched.goroutines, goroutines_created=sched.created,
        goroutines_runnable=runnable, goroutines_running=running,
        goroutines_waiting=sched.goroutines - runnable - running,
        phase="mark" if gc.marking else "off",
        heap_live=gc.pacer.heap_live, trigger=min(gc.trigger_at, LARGEST),
        reachable=gc.cycle.reachable_bytes, rss=rss(classes, world),
    )  # fmt: skip


class CpuClasses(NamedTuple):
    """CPU time of all Ps since the start, in seconds (runtime/metrics: /cpu/classes)."""

    cpu_assist: float
    cpu_dedicated: float
    cpu_gc_idle: float
    cpu_pause: float
    cpu_gc_total: float
    cpu_idle: float
    cpu_scavenge_assist: float
    cpu_scavenge_background: float
    cpu_scavenge_total: float
    cpu_total: float
    cpu_user: float


def idle_ns(world: World) -> Nanoseconds:
    """For how long Ps have had nothing to do up to now, all together."""
    now, idle = world.env.now, 0
    for p in world.sched.ps:
        idle += p.idle_ns + (now - p.parked_at if p.doing == "parked" else 0)
    return idle


def cpu_classes(world: World) -> CpuClasses:
    """Where the CPU time went; what is neither GC, scavenging nor idle is the program's."""
    now, idle = world.env.now, idle_ns(world)
    seconds = {kind: ns / SECOND for kind, ns in world.gc.cpu.items()}
    gc_total = sum(seconds.values())
    total = now * world.gomaxprocs / SECOND
    scavenge = {who: ns / SECOND for who, ns in world.memory.scavenge_ns.items()}
    scavenge_total = sum(scavenge.values())
    return CpuClasses(
        cpu_assist=seconds["assist"],
        cpu_dedicated=seconds["dedicated"] + seconds["fractional"],
        cpu_gc_idle=seconds["idle"],
        cpu_pause=seconds["pause"],
        cpu_gc_total=gc_total,
        cpu_idle=idle / SECOND,
        cpu_scavenge_assist=scavenge["assist"],
        cpu_scavenge_background=scavenge["background"],
        cpu_scavenge_total=scavenge_total,
        cpu_total=total,
        cpu_user=total - gc_total - idle / SECOND - scavenge_total,
    )
