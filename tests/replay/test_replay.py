"""The replay of a log: Go's pacing at work on a program of rates."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.replay.demand import Demand
from sim.replay.memory import Overheads
from sim.replay.program import Load, ObservedCycle, ObservedProgram, Window
from sim.replay.run import ReplayedRun, run
from sim.replay.setting import Setting
from sim.streams import Streams
from sim.units import MS, US, GiB, MiB

GIB_PER_S = GiB / 1e9


def program(load: Load = Load.BUSY, live: float = 40 * MiB, procs: int = 4) -> ObservedProgram:
    """1 GiB/s on four Ps for four seconds, 40 MiB alive, 1 ns of marking a byte."""
    cycle = ObservedCycle(
        start=4 * GiB,
        end=4 * GiB,
        live=live,
        mark_cost=1.0,
        allocation_rate=GIB_PER_S / procs,
        program_cpus=procs / 4,
        idle_cpus=0.0,
        measured=True,
    )
    return ObservedProgram(
        procs=procs,
        load=load,
        cycles=(cycle,),
        forced=(),
        begin=Window(0, 0),
        end=Window(4 * GiB, 4 * GiB),
        allocation_rate=GIB_PER_S,
        demand=GIB_PER_S / 2,
        demanded_cpus=procs / 4,
        marking_cpus=procs / 4,
        background_share=0.25,
        roots=300_000,
        pauses=(50_000,),
        pause_per_cycle=100_000,
        span_overhead=0.0,
        starts_full=True,
    )


def under(gogc: int | None, limit: int | None = None, **changes: object) -> ReplayedRun:
    base = replace(program(), **changes)  # type: ignore[arg-type]
    return run(base, Setting(gogc, limit, 4), 1, Overheads())


def gc_cpu(found: ReplayedRun) -> float:
    return sum(c.mark.assist + c.mark.background + c.mark.idle for c in found.cycles)


def test_the_same_seed_gives_the_same_run() -> None:
    assert under(100) == under(100)


def test_half_the_gogc_costs_about_twice_the_cycles() -> None:
    half, whole = len(under(50).cycles), len(under(100).cycles)
    assert 1.7 * whole < half < 2.6 * whole


def test_marking_the_heap_costs_what_it_costs_whoever_does_it() -> None:
    found = under(100)
    work = sum(c.heap_marked - (c.heap_end - c.heap_start) for c in found.cycles)
    assert gc_cpu(found) == pytest.approx(work, rel=0.01)


def test_the_heap_ends_near_its_goal() -> None:
    for cycle in under(100).cycles[2:]:
        assert cycle.heap_end == pytest.approx(cycle.heap_goal, rel=0.1)


def test_a_limit_bounds_the_heap_less_what_lies_beside_it() -> None:
    limit = 160 * MiB
    found = under(None, limit)
    assert found.peak_heap < limit - Overheads().fixed
    assert found.peak_heap > 0.7 * limit


def test_a_limit_below_the_live_heap_is_broken_rather_than_thrashed_in() -> None:
    """The limiter caps collection near half of the CPU, and the heap outgrows the limit."""
    limit = 48 * MiB
    found = under(None, limit)
    assert found.peak_heap > limit
    assert sum(c.mark.limited for c in found.cycles) > 0
    assert gc_cpu(found) < 0.65 * 4 * found.wall


def test_a_busy_program_takes_longer_where_it_collects_more() -> None:
    assert under(50).wall > under(100).wall > under(400).wall


def test_a_waiting_program_does_the_same_work_in_the_same_time() -> None:
    times = [
        run(program(Load.WAITING), Setting(gogc, None, 4), 1, Overheads()).wall
        for gogc in (50, 400)
    ]
    assert times[0] == pytest.approx(times[1], rel=0.02)


def test_spare_cpus_mark_where_the_program_waits() -> None:
    found = run(program(Load.WAITING), Setting(100, None, 4), 1, Overheads())
    assert sum(c.mark.idle for c in found.cycles) > sum(c.mark.background for c in found.cycles)


def assists(found: ReplayedRun) -> float:
    return sum(c.mark.assist for c in found.cycles) / len(found.cycles)


def test_load_in_longer_pieces_assists_more() -> None:
    """A long piece uses up all credit before Ps idle again and earn some."""
    short, long = (
        run(replace(program(Load.WAITING), piece=piece), Setting(100, None, 4), 1, Overheads())
        for piece in (100 * US, 20 * MS)
    )
    assert assists(long) > 1.5 * assists(short)
    assert gc_cpu(long) / len(long.cycles) == pytest.approx(
        gc_cpu(short) / len(short.cycles), rel=0.02
    )


def test_a_waiting_program_assists_less_where_the_goal_is_far() -> None:
    """What is owed for a byte falls with the distance of the goal, and so do assists."""
    waiting = replace(program(Load.WAITING), piece=5 * MS)
    near, far = (run(waiting, Setting(gogc, None, 4), 1, Overheads()) for gogc in (100, 400))
    assert assists(far) < 0.7 * assists(near)


def test_pieces_of_load_keep_as_many_ps_busy_as_they_want_on_average() -> None:
    rng = Streams(1)["demand"]
    busy, time = 0.0, 0.0
    for _ in range(500):
        demand = Demand(1.5, MS, 40 * MS, rng)
        now = 0.0
        while now < 40 * MS:
            running = demand.cpus
            step = min(max(1.0, demand.until_change(running)), 40 * MS - now)
            demand.advance(step, running * step)
            busy += running * step
            now += step
        time += now
    assert busy / time == pytest.approx(1.5, rel=0.1)


def test_who_calls_for_a_collection_allocates_nothing_meanwhile() -> None:
    """Otherwise the cycle after a call of runtime.GC begins with a heap that never was."""
    usual = program().cycles[0]
    cycles = (replace(usual, end=1 * GiB, allocation_rate=1e-6 * GIB_PER_S), usual)
    found = under(100, cycles=cycles, forced=(1 * GiB,))
    called = min(found.cycles, key=lambda cycle: abs(cycle.position - GiB))
    assert called.heap_end - called.heap_start < MiB
    assert called.heap_marked == pytest.approx(usual.live, rel=0.01)


def growing(cycles: int = 12) -> ObservedProgram:
    """Half of what it allocates stays; every cycle allocates 50 MiB while it marks."""
    usual = program().cycles[0]
    seen = tuple(
        replace(usual, start=k * 100 * MiB, end=(k * 100 + 50) * MiB, live=max(1, k * 50 * MiB))
        for k in range(cycles)
    )
    last = seen[-1].end
    return replace(program(), cycles=seen, end=Window(last, last))


def test_what_is_alive_belongs_to_where_marking_begins() -> None:
    """Looked up by where cycles end, the live heap of a program that grows came out too small."""
    for cycle in run(growing(), Setting(100, None, 4), 1, Overheads()).cycles:
        black = cycle.heap_end - cycle.heap_start
        began = cycle.position - black
        assert cycle.heap_marked - black == pytest.approx(began / 2, abs=2 * MiB)


def test_a_program_that_ends_while_it_is_marked_had_the_heap_that_began_the_cycle() -> None:
    whole = run(growing(), Setting(100, None, 4), 1, Overheads())
    last = whole.cycles[-1]
    began = last.position - (last.heap_end - last.heap_start)
    at = (began + last.position) / 2
    cut = run(replace(growing(), end=Window(at, at)), Setting(100, None, 4), 1, Overheads())
    assert len(cut.cycles) == len(whole.cycles) - 1
    assert cut.largest_heap == pytest.approx((last.heap_start + last.heap_end) / 2, rel=0.01)


def test_a_process_begins_with_an_empty_heap() -> None:
    """Else a small heap at the start is collected again and again, and nothing of it dies."""
    late = replace(program().cycles[0], start=40 * MiB, end=50 * MiB, live=30 * MiB)
    begun = replace(program(), cycles=(late,), end=Window(50 * MiB, 50 * MiB), starts_full=False)
    found = run(begun, Setting(10, None, 4), 1, Overheads())
    assert all(cycle.heap_marked <= cycle.position + MiB for cycle in found.cycles)


def test_idle_workers_help_where_a_busy_program_works_on_few_ps() -> None:
    usual = program().cycles[0]
    busy = under(100)
    alone = under(100, cycles=(replace(usual, idle_cpus=2.0),))
    grown = [sum(c.heap_end - c.heap_start for c in found.cycles) for found in (busy, alone)]
    assert grown[1] < 0.6 * grown[0]
    assert sum(c.mark.idle for c in alone.cycles) > sum(c.mark.background for c in alone.cycles)
    assert gc_cpu(alone) / len(alone.cycles) == pytest.approx(
        gc_cpu(busy) / len(busy.cycles), rel=0.02
    )


def test_before_the_first_sweep_a_limit_leaves_more_to_the_heap() -> None:
    """No object has died in its span yet, so that no free slots count against the limit."""
    first, second = under(None, 160 * MiB).cycles[:2]
    free = Overheads().unused * second.heap_start
    assert first.heap_start - second.heap_start > 0.8 * free
