"""When cycles start, who marks, who pays, and what they leave: as Go 1.27 does it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.actors.assist_credit import AssistCredit
from sim.actors.mark_workers import MarkWorkers
from sim.actors.state import G, P
from sim.build_events import Events
from sim.go.assist import OVER_ASSIST_WORK
from sim.go.markcourse import ROOT_BLOCK
from sim.go.markwork import FRACTIONAL_SLACK, MarkWork
from sim.go.pacer.go127 import background_workers
from sim.go.sysmon import PERIOD, WHOLE_SLICE
from sim.units import MINUTE, MS, SECOND, US, KiB, MiB
from tests.actors.audit import audit, watch_goroutines
from tests.worlds import EVERYTHING, config_of, instants, looks_inside, run, world_of


def program(steps: list[Any], load: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Goroutines of one kind that allocate small objects with pointers."""
    return {
        "name": "cycles",
        "mixes": {"node": [{"size": "128B", "pointers": "all"}]},
        "stores": {"live": {"size": "16MiB", "of": "node"}},
        "goroutines": {"job": {"steps": steps}},
        "load": {"jobs": {"goroutine": "job", **load}},
        **more,
    }


def allocating(workers: int, cpu: str = "100us", allocate: str = "64KiB") -> dict[str, Any]:
    """So many goroutines that do nothing but compute and allocate."""
    work = {"cpu": cpu, "allocate": allocate, "of": "node", "pointer_writes": "3000000/s"}
    return program([{"work": work}], {"workers": workers})


CALL = program(
    [
        {"work": {"cpu": "1ms", "allocate": "1MiB", "of": "node"}},
        {"spawn": {"goroutine": "caller", "count": 3}},
    ],
    {"count": 5},
    goroutines={
        "job": {
            "steps": [
                {"work": {"cpu": "1ms", "allocate": "1MiB", "of": "node"}},
                {"spawn": {"goroutine": "caller", "count": 3}},
            ]
        },
        "caller": {"steps": [{"collect": {}}]},
    },
)


def test_a_long_idle_time_does_not_fill_the_bucket_of_the_limiter() -> None:
    """A P that wakes up after three seconds has idled in many windows, not in the last one."""
    steps = [{"work": {"cpu": "1us", "allocate": "8MiB", "of": "node"}}, {"wait": "3s"}]
    late = program(
        [],
        {"count": 1, "parallel": 1},
        goroutines={
            "job": {"steps": [*steps, *steps]},
            "churn": {"steps": [{"work": {"cpu": "1us", "allocate": "10KiB", "of": "node"}}]},
        },
    )
    late["load"]["churn"] = {"goroutine": "churn", "arrivals": {"regular": "500/s"}}
    result = run(late, GOMAXPROCS=4, duration="7s")
    assert (result.cycles["limiter_fill_ns"] < 100 * MS).all()
    assert not result.cycles["limiting"].any()


# -- triggers ----------------------------------------------------------------------------------


def test_the_heap_triggers_at_the_trigger_and_not_before() -> None:
    cycles = run(allocating(2)).cycles
    assert set(cycles["reason"]) == {"heap"}
    late = cycles["heap_start"] - cycles["trigger"]
    assert (late >= 0).all()
    assert late.median() < 256 * KiB
    assert (cycles["trigger"] <= cycles["heap_goal"]).all()


def test_two_minutes_after_the_last_cycle_comes_the_next() -> None:
    steps = [{"work": {"cpu": "1ms", "allocate": "10KiB", "of": "node"}}, {"wait": "1s"}]
    result = run(program(steps, {"workers": 1}), duration="400s", record={"samples": 0})
    timed = result.cycles[result.cycles["reason"] == "time"]
    assert len(timed) == 3
    starts = result.cycles["start_ns"].iloc[-4:]
    assert starts.diff().dropna().between(2 * MINUTE, 2 * MINUTE + 2 * SECOND).all()


def test_without_a_first_cycle_or_with_gogc_off_time_triggers_nothing() -> None:
    steps = [{"work": {"cpu": "1ms", "allocate": "1KiB", "of": "node"}}, {"wait": "1s"}]
    small = program(steps, {"workers": 1}, stores={})
    assert run(small, duration="200s", record={"samples": 0}).cycles.empty
    full = program(steps, {"workers": 1})
    assert run(full, duration="200s", record={"samples": 0}, GOGC="off").cycles.empty


def test_gogc_off_collects_for_the_memory_limit_alone() -> None:
    busy = allocating(2)
    assert run(busy, GOGC="off").cycles.empty
    limited = run(busy, GOGC="off", GOMEMLIMIT="64MiB", duration="500ms")
    assert limited.cycles["limit_goal"].all()
    assert len(limited.cycles) > 1
    assert (limited.cycles["heap_goal"] < 64 * MiB).all()


def test_callers_of_runtime_gc_share_a_cycle_and_find_all_swept() -> None:
    config = config_of(CALL, duration="1s", GOMAXPROCS=4)
    cycles: list[Any] = []
    world = world_of(config, lambda fact: cycles.append(fact) if hasattr(fact, "mark_ns") else None)
    for _ in instants(world, 100 * MS):
        pass
    forced = [cycle for cycle in cycles if cycle.reason == "forced"]
    assert len(forced) in range(5, 11)  # whoever calls while one runs needs the next
    assert sum(cycle.swept_call for cycle in cycles) > 0
    heap = world.memory.heap
    assert heap.sweeping.done
    live = heap.stats.allocated_bytes - heap.stats.freed_bytes
    assert live == world.runtime.gc.cycle.marked_bytes  # nothing was allocated after the last call
    assert live == pytest.approx(17 * MiB, rel=0.01)  # the store, and what the last job holds


def test_cycles_follow_each_other_and_never_overlap() -> None:
    cycles = run(allocating(4, allocate="512KiB"), GOMEMLIMIT="14MiB").cycles
    assert cycles["number"].tolist() == list(range(1, len(cycles) + 1))
    assert (cycles["start_ns"].iloc[1:].to_numpy() >= cycles["end_ns"].iloc[:-1].to_numpy()).all()
    gaps = cycles["start_ns"].iloc[1:].to_numpy() - cycles["end_ns"].iloc[:-1].to_numpy()
    assert (gaps < 1 * MS).any()  # a limit below the live heap: back to back


# -- pauses ------------------------------------------------------------------------------------


def test_each_cycle_has_two_pauses_that_contain_stopping_all_ps() -> None:
    result = run(allocating(4))
    pauses, cycles = result.pauses, result.cycles
    assert len(pauses) == 2 * len(cycles)
    assert (pauses["stopping_ns"] > 0).all()
    assert (pauses["stopping_ns"] <= pauses["total_ns"]).all()
    first = cycles["mark_ns"] - cycles["start_ns"]
    assert (first == cycles["stw_start_ns"]).all()
    assert (cycles["end_ns"] - cycles["mark_term_ns"] == cycles["stw_end_ns"]).all()


@looks_inside
def test_in_a_stopped_world_and_outside_marking_all_is_quiet() -> None:
    for resolution in ("batched", "refill"):
        config = config_of(EVERYTHING, duration="8ms", GOGC=50, model={"resolution": resolution})
        world = world_of(config)
        everybody = watch_goroutines(world)
        stops = 0
        for _ in instants(world, 13 * US):
            audit(world, everybody)
            stops += world.sched.stopped
        assert stops > 2


# -- workers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("procs", [1, 2, 3, 4, 6, 8])
def test_a_quarter_of_the_cpu_marks_whatever_gomaxprocs(procs: int) -> None:
    busy = allocating(3 * procs, allocate="24KiB")
    cycles = run(busy, GOMAXPROCS=procs, duration="300ms", GOGC=50).cycles
    cycles = cycles[cycles["start_ns"] > 100 * MS]  # the store is full, and all Ps are busy
    workers = background_workers(procs, periodic=False)
    assert (cycles["dedicated_workers"] == workers.dedicated).all()
    marking = (cycles["mark_term_ns"] - cycles["mark_ns"]).sum()
    assert (cycles["dedicated_ns"].sum() > 0) == (workers.dedicated > 0)
    assert (cycles["fractional_ns"].sum() > 0) == (workers.fraction > 0)
    dedicated = cycles["dedicated_ns"].sum() / marking
    fractional = cycles["fractional_ns"].sum() / marking / procs
    assert dedicated == pytest.approx(workers.dedicated, rel=0.15)
    assert fractional == pytest.approx(workers.fraction, rel=0.4, abs=0.01)
    assert (dedicated / procs + fractional) < 0.25 * 1.25
    assert cycles["idle_ns"].sum() < 0.01 * marking * procs


def test_a_fractional_worker_looks_after_each_root_whether_it_has_had_its_share() -> None:
    """And leaves a P that idles to an idle worker (runtime/mgcmark.go: gcDrain)."""
    work = {"cpu": "20us", "allocate": "8KiB", "of": "node", "lives": "step"}
    jobs = {"job": {"stack": "4KiB", "steps": [{"work": work}, {"wait": "2ms"}]}}
    small = program([], {"workers": 30}, stores={}, goroutines=jobs)
    cycles = run(small, GOMAXPROCS=1, duration="400ms").cycles
    assert (cycles["stack_scan"] > 30 * 4 * KiB).all()
    assert (cycles["heap_scan"] == 0).all()
    share = FRACTIONAL_SLACK * cycles["fractional_goal"]
    allowed = share * (cycles["mark_term_ns"] - cycles["start_ns"])
    a_stack = 6 * US
    assert (cycles["fractional_ns"] < allowed + a_stack).all()
    assert (cycles["fractional_ns"] > 0).all()
    assert cycles["idle_ns"].sum() > 0.2 * cycles["fractional_ns"].sum()


@looks_inside
def test_idle_ps_mark_and_ps_with_work_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    light = run(allocating(1, cpu="1ms", allocate="512KiB"), GOMAXPROCS=4, duration="300ms")
    assert light.cycles["idle_ns"].sum() > light.cycles["dedicated_ns"].sum()
    worker, waiting = MarkWorkers.idle_worker, []
    world = world_of(config_of(EVERYTHING, GOMAXPROCS=4))

    def spy(workers: MarkWorkers, p: P) -> Any:
        waiting.append(len(world.sched.shared) + sum(len(other.runq) for other in world.sched.ps))
        return worker(workers, p)

    monkeypatch.setattr(MarkWorkers, "idle_worker", spy)
    for _ in instants(world, 10 * MS):
        pass
    assert waiting
    assert not any(waiting)


def test_periodic_cycles_leave_idle_ps_alone_where_a_dedicated_worker_marks() -> None:
    steps = [{"work": {"cpu": "1ms", "allocate": "10KiB", "of": "node"}}, {"wait": "1s"}]
    slow = program(steps, {"workers": 1})
    keys = {"duration": "130s", "record": {"samples": 0}}
    four = run(slow, GOMAXPROCS=4, **keys).cycles
    timed, first = four[four["reason"] == "time"], four[four["reason"] == "heap"]
    assert timed["dedicated_ns"].sum() > 0
    assert timed["idle_ns"].sum() == 0
    assert first["idle_ns"].sum() > 0
    two = run(slow, GOMAXPROCS=2, **keys).cycles
    timed = two[two["reason"] == "time"]
    assert timed["idle_ns"].sum() > 0  # nobody else would finish the cycle


# -- after a stop ------------------------------------------------------------------------------


def moves(go: str, procs: int) -> int:
    """How often one of two goroutines that compute goes on on another P, while others collect."""
    goroutines = {
        "collector": {"steps": [{"repeat": {"times": 20, "steps": ["collect", {"wait": "2ms"}]}}]},
        "a": {"steps": [{"work": {"cpu": "200ms"}}]},
        "b": {"steps": [{"work": {"cpu": "200ms"}}]},
    }
    load = {name: {"goroutine": name, "count": 1} for name in goroutines}
    workload = {**program([], {"count": 1}), "goroutines": goroutines, "load": load}
    keys = {"go": go, "GOMAXPROCS": procs, "record": {"timeline": True}}
    slices = run(workload, duration="100ms", **keys).slices
    return sum(
        int((where["processor"] != where["processor"].shift()).sum()) - 1
        for name, where in slices.groupby("name")
        if name in ("a", "b")
    )


def test_a_goroutine_goes_on_on_its_p_after_a_stop() -> None:
    """With an idle P for the dedicated worker; before Go 1.26 everybody queued for any P."""
    assert moves("1.27", procs=4) == 0
    assert moves("1.25", procs=4) > 0


def test_goroutines_of_a_p_that_marks_wait_there_until_sysmon_looks_twice() -> None:
    """Where no P idles: others may take them, but have their own to do."""
    busy = {"steps": [{"work": {"cpu": "300ms"}}]}
    goroutines: dict[str, Any] = {"a": busy, "b": busy, "c": busy, "d": busy}
    heap = {"work": {"cpu": "1ms", "allocate": "40MiB", "of": "node", "lives": "forever"}}
    goroutines["grow"] = {"steps": [heap, "collect"]}
    load = {name: {"goroutine": name, "count": 1} for name in goroutines}
    workload = {**program([], {"count": 1}), "goroutines": goroutines, "load": load}
    result = run(workload, duration="200ms", GOMAXPROCS=4, record={"timeline": True})
    slices = result.slices
    worker = slices[slices["kind"] == "dedicated"]
    longest = worker.loc[(worker["end_ns"] - worker["start_ns"]).idxmax()]
    assert longest["end_ns"] - longest["start_ns"] > WHOLE_SLICE
    before = slices[(slices["processor"] == longest["processor"]) & (slices["name"] != "")]
    (waiting,) = before[before["end_ns"] <= longest["start_ns"]]["name"].iloc[-1:]
    back = slices[(slices["name"] == waiting) & (slices["start_ns"] >= longest["start_ns"])]
    assert back["start_ns"].min() - longest["start_ns"] > PERIOD


# -- assists -----------------------------------------------------------------------------------


def test_assists_come_with_pressure() -> None:
    relaxed = run(allocating(1, cpu="1ms", allocate="8KiB"), GOMAXPROCS=4, duration="1s").cycles
    pressed = run(allocating(8, cpu="10us", allocate="64KiB"), GOMAXPROCS=4).cycles
    assert pressed["assist_ns"].sum() > 0.02 * pressed["dedicated_ns"].sum()
    assert relaxed["assists"].iloc[4:].sum() == 0
    assert pressed["assist_parks"].sum() > 0


@looks_inside
def test_nobody_assists_while_the_limiter_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    scan, limited, free = AssistCredit.scan, [], []

    def spy(credit: AssistCredit, g: G, claimed: int) -> Any:
        (limited if credit._gc.limiter.limiting else free).append(g)
        return scan(credit, g, claimed)

    monkeypatch.setattr(AssistCredit, "scan", spy)
    thrashing = allocating(2, cpu="20us", allocate="256KiB")
    keys = {"GOMEMLIMIT": "12MiB", "duration": "1500ms", "record": {"samples": "100ms"}}
    result = run(thrashing, GOMAXPROCS=1, **keys)
    assert free
    assert not limited
    assert result.cycles["limiter_overflow_ns"].max() > 0
    last_enabled = result.samples["/gc/limiter/last-enabled:gc-cycle"]
    assert last_enabled.iloc[0] == 0
    assert last_enabled.iloc[-1] > result.cycles["number"].max() - 5
    off = run(thrashing, GOMAXPROCS=1, model={"limiter": False}, **keys)
    assert off.cycles["limiter_overflow_ns"].max() == 0
    with_it, without = result.cycles.iloc[-20:], off.cycles.iloc[-20:]
    assert without["gc_cpu_fraction"].mean() > with_it["gc_cpu_fraction"].mean()
    beyond = [(cycles["heap_end"] - cycles["heap_goal"]).mean() for cycles in (without, with_it)]
    assert beyond[1] > 2 * beyond[0]  # the price of it: memory


@pytest.fixture(scope="module")
def marking() -> Events:
    """A world in the middle of a mark phase that somebody assists."""
    world = world_of(config_of(allocating(6, cpu="10us")))
    for _ in instants(world, 50 * US):
        if world.runtime.gc.marking and world.mark.work.unclaimed > 1 * MiB:
            return world
    raise AssertionError("no mark phase")


@settings(deadline=None, derandomize=True)
@given(
    st.lists(st.integers(-500_000, -1), max_size=6),
    st.lists(st.integers(1, 300_000), min_size=1, max_size=8),
)
def test_credit_is_neither_made_nor_lost(
    marking: Events, debts: list[int], paid: list[int]
) -> None:
    world = marking
    pacer = world.runtime.gc.pacer
    pacer.bg_scan_credit = 0
    parked = [G(i, "job") for i in range(len(debts))]
    for g, debt in zip(parked, debts, strict=True):
        g.credit, g.parked_at = debt, int(world.runtime.clock.now)
    world.mark.queue.clear()
    world.mark.queue.extend(parked)
    for work in paid:
        world.accounts.flush_background_credit(work)
    earned = sum(g.credit for g in parked) - sum(debts)
    spent = earned * pacer.assist_work_per_byte + pacer.bg_scan_credit
    assert spent == pytest.approx(sum(paid), abs=4 * (len(debts) + len(paid)))
    assert (pacer.bg_scan_credit == 0) or not world.mark.queue
    released = [g for g in parked if g not in world.mark.queue]
    assert all(g.credit >= 0 for g in released)
    world.mark.queue.clear()


@pytest.mark.parametrize("assists", [1, 7])
def test_credit_is_stolen_for_whole_assists(marking: Events, assists: int) -> None:
    """Go takes 64 KiB of scan work at a time, and the last time more than is needed."""
    world, g = marking, G(1, "job")
    pacer = world.runtime.gc.pacer
    wanted = int((assists - 0.5) * OVER_ASSIST_WORK * pacer.assist_bytes_per_work)
    g.epoch, g.credit, pacer.bg_scan_credit = world.mark.epoch, 0, 10**9
    world.credit.steal(g, wanted)
    assert 10**9 - pacer.bg_scan_credit == assists * OVER_ASSIST_WORK
    whole = assists * OVER_ASSIST_WORK * pacer.assist_bytes_per_work
    assert g.credit == pytest.approx(whole, abs=2)


def test_what_credit_there_is_comes_first_and_the_goroutine_does_the_rest(marking: Events) -> None:
    world, g = marking, G(1, "job")
    pacer = world.runtime.gc.pacer
    world.mark.work = MarkWork(world.runtime.gc.scan_units)
    others = world.mark.work.claim(world.runtime.gc.scan_units // 2)
    g.epoch, pacer.bg_scan_credit = world.mark.epoch, 10_000
    assert world.credit.owes_work(g, 5_000)
    next(world.credit.assist(g))
    assert pacer.bg_scan_credit == 0
    assert world.mark.work.in_flight - others == OVER_ASSIST_WORK - 10_000


def test_who_assists_first_scans_a_whole_block_of_globals(marking: Events) -> None:
    """However little it owes (runtime/mgcmark.go: gcDrainN, markroot)."""
    world, g = marking, G(1, "job")
    world.mark.work = MarkWork(world.runtime.gc.scan_units)
    g.epoch, world.runtime.gc.pacer.bg_scan_credit = world.mark.epoch, 0
    assert world.credit.owes_work(g, 5_000)
    next(world.credit.assist(g))
    globals_bytes = world.runtime.gc.cycle.scan["globals"]
    assert OVER_ASSIST_WORK < globals_bytes < ROOT_BLOCK
    assert world.mark.work.in_flight == globals_bytes


def test_a_goroutine_that_ends_hands_its_credit_back(marking: Events) -> None:
    world, g = marking, G(1, "job")
    pacer = world.runtime.gc.pacer
    g.epoch, pacer.bg_scan_credit = world.mark.epoch, OVER_ASSIST_WORK
    world.credit.steal(g, 100)
    world.credit.hand_back(g)
    assert pacer.bg_scan_credit == pytest.approx(OVER_ASSIST_WORK, abs=4)


def test_the_end_of_marking_lets_all_assists_go() -> None:
    parked = released = 0
    world = world_of(config_of(allocating(8, cpu="10us")))
    for _ in instants(world, 50 * US):
        parked += len(world.mark.queue)
        released += not world.runtime.gc.marking
        assert world.runtime.gc.marking or not world.mark.queue
    assert parked
    assert released


# -- what a cycle leaves -----------------------------------------------------------------------


def test_what_was_dead_at_the_snapshot_is_freed_and_nothing_else() -> None:
    world = world_of(config_of(EVERYTHING, duration="60ms"))
    heap, gc = world.memory.heap, world.runtime.gc
    checked = {0}
    for _ in instants(world, 11 * US):
        if gc.cycles in checked or not heap.sweeping.done or gc.running:
            continue
        checked.add(gc.cycles)
        marked, at_end = gc.cycle.marked_bytes, world.sweeping.counters_before
        unmarked = at_end.allocated_bytes - at_end.freed_bytes - marked
        assert heap.stats.freed_bytes - at_end.freed_bytes == unmarked
        old = heap.spans.rows_in_use()
        assert (heap.spans.live[old] * heap.spans.slot_bytes[old]).sum() == marked
    assert len(checked) > 4


def test_each_sweep_is_told_of_with_the_cycle_after_it() -> None:
    cycles = run(allocating(2)).cycles
    first, others = cycles.iloc[0], cycles.iloc[1:]
    assert first["sweep_pages"] == 0
    assert (others["sweep_pages"] > 0).all()
    assert (others["sweep_ratio"] > 0).all()
    marked = cycles["heap_marked"].iloc[:-1].to_numpy()
    assert (others["sweep_end_heap"] - others["sweep_allocated"] == marked).all()
    assert (others["sweep_end_heap"] <= others["heap_start"]).all()
