"""Pacers of Go's history: each keeps the promises of its own design document and source."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim.config  # noqa: F401  registers all pacers
from sim.go.pacer import NEVER, Pacer, check, pacers
from sim.go.pacer.fixed import FixedTriggerPacer
from sim.go.pacer.go15 import Go15Pacer, Go117Pacer
from sim.go.pacer.go19 import Go19Pacer, Go113Pacer
from sim.go.pacer.go118 import Go118Pacer, cons_mark_controller
from sim.go.pacer.go119 import Go119Pacer
from sim.scorecard.ideal import CycleSeen, IdealProgram
from sim.units import MAX_INT64, KiB, MiB

STEADY = IdealProgram()
"""33 KiB allocated and 1 MiB scanned per CPU millisecond, as in the scenarios of TestGcPacer."""
BUSY = replace(STEADY, allocates=4 * STEADY.allocates)


def fresh(name: str, gogc: int = 100, globals_scan: int = 0) -> Any:
    pacer = pacers.get(name)()
    pacer.configure(gogc, MAX_INT64, globals_scan)
    return pacer


def settle(pacer: Pacer, program: IdealProgram, cycles: int = 40) -> CycleSeen:
    return list(program.run(pacer, cycles))[-1]


@pytest.mark.parametrize("program", [STEADY, BUSY])
def test_go_1_17_settles_at_30_percent_of_the_cpus(program: IdealProgram) -> None:
    """25 % by workers, 5 % by assists, and no more heap than the goal allows."""
    last = settle(fresh("go1.17"), program)
    assert last.utilization == pytest.approx(0.30, rel=0.02)
    assert 0.95 <= last.goal_ratio <= 1.05


@pytest.mark.parametrize("program", [STEADY, BUSY])
def test_go_1_18_settles_at_25_percent_without_assists(program: IdealProgram) -> None:
    """No assists in the steady state is what design document 44167 promises."""
    last = settle(fresh("go1.18"), program)
    assert last.utilization == pytest.approx(0.25, rel=0.005)
    assert last.goal_ratio == pytest.approx(1.0, rel=0.005)


@pytest.mark.parametrize("name", ["go1.17", "go1.18"])
def test_the_trigger_settles_again_after_a_step_of_allocation(name: str) -> None:
    pacer = fresh(name)
    before = settle(pacer, STEADY, 30)
    after = list(BUSY.run(pacer, 30))
    assert after[0].assists > after[-1].assists
    assert after[-1].trigger / after[-1].goal < before.trigger / before.goal
    assert after[-1].trigger == pytest.approx(after[-2].trigger, rel=0.01)
    assert 0.95 <= after[-1].goal_ratio <= 1.05


@pytest.mark.parametrize("name", ["go1.17", "go1.18", "go1.27"])
def test_assists_keep_a_burst_below_the_hard_goal(name: str) -> None:
    """Ten times the allocation in one cycle ends at most a tenth above the goal."""
    pacer = fresh(name)
    settle(pacer, STEADY, 30)
    burst = settle(pacer, replace(STEADY, allocates=10 * STEADY.allocates), 1)
    assert burst.assists > 0.2
    assert burst.goal_ratio <= 1.1


def test_only_the_new_pacers_count_stacks_and_globals() -> None:
    """The goal of a small heap with large roots is that of Go 1.18 on: it collects less often."""
    roots = replace(STEADY, live=8 * MiB, stacks=64 * MiB, globals_scan=0)
    old, new = (settle(fresh(name), roots) for name in ("go1.17", "go1.18"))
    assert new.goal > old.goal + 60 * MiB


# -- Go 1.17: runtime/mgcpacer.go of that release -----------------------------------------------


def committed(pacer: Any, marked: int) -> Any:
    pacer.reset_live(marked)
    pacer.commit(sweep_done=True)
    return pacer


def test_the_first_trigger_of_go_1_17_is_4_mib() -> None:
    """heapMinimum; the made-up marked heap makes 7/8 the first ratio (init)."""
    assert fresh("go1.17").trigger() == (4 * MiB, 4473924)
    assert fresh("go1.17", gogc=50).trigger()[0] == int(2236962 * 1.475)


def test_the_trigger_of_go_1_17_grows_from_the_marked_heap() -> None:
    """100 MiB * (1 + 7/8), goal 100 MiB * 2 (commit)."""
    assert committed(fresh("go1.17"), 100 * MiB).trigger() == (187.5 * MiB, 200 * MiB)


@pytest.mark.parametrize(("ratio", "bounded"), [(0.1, 0.6), (2.0, 0.95), (0.7, 0.7)])
def test_go_1_17_bounds_the_ratio(ratio: float, bounded: float) -> None:
    pacer = fresh("go1.17")
    pacer.trigger_ratio = ratio
    committed(pacer, 100 * MiB)
    assert pacer.trigger_ratio == bounded


def test_go_1_17_corrects_half_of_the_error() -> None:
    """1 - 0.875 - 0.25/0.30 * (0.9 - 0.875) = 0.1041666; half of it is added (endCycle)."""
    pacer = committed(fresh("go1.17"), 100 * MiB)
    pacer.update(int(87.5 * MiB), 0)
    pacer.start_cycle(0, 4)
    pacer.update(int(2.5 * MiB), 0)
    pacer.end_cycle(10_000_000, 4)
    assert pacer.trigger_ratio == pytest.approx(0.875 + 0.5 * 0.10416666666)


def test_a_forced_cycle_teaches_go_1_17_nothing() -> None:
    pacer = committed(fresh("go1.17"), 100 * MiB)
    pacer.start_cycle(0, 4)
    pacer.end_cycle(10_000_000, 4)
    assert pacer.trigger_ratio == 0.875


def test_go_1_17_expects_the_steady_share_and_then_the_worst() -> None:
    """40 of 80 MiB in the 50 MiB to the goal; past that, 80 MiB by 220 MiB (revise)."""
    pacer = committed(fresh("go1.17"), 100 * MiB)
    pacer.update(50 * MiB, 80 * MiB)
    pacer.start_cycle(0, 4)
    assert pacer.assist_work_per_byte == 0.8
    pacer.add_scan_work("stack", 99 * MiB)
    pacer.add_scan_work("heap", 41 * MiB)
    pacer.revise()
    assert pacer.assist_work_per_byte == pytest.approx(39 / 70)


# -- Go 1.9 and 1.13: runtime/mgc.go of Go 1.9 and 1.12 --------------------------------------------


@pytest.mark.parametrize("name", ["go1.9", "go1.13"])
@pytest.mark.parametrize(("ratio", "bounded"), [(-0.1, 0.0), (0.1, 0.1), (2.0, 0.95)])
def test_before_go_1_14_a_cycle_may_start_at_once(name: str, ratio: float, bounded: float) -> None:
    pacer = fresh(name)
    pacer.trigger_ratio = ratio
    committed(pacer, 100 * MiB)
    assert pacer.trigger_ratio == bounded


def test_go_1_9_assumes_that_everything_is_alive() -> None:
    """The log of golang/go 14812: 400 of 400 MiB in the 20 MiB to the goal of 420 (revise)."""
    pacer = committed(fresh("go1.9"), 210 * MiB)
    pacer.update(190 * MiB, 400 * MiB)
    pacer.start_cycle(0, 8)
    assert pacer.goal == 420 * MiB
    assert pacer.assist_work_per_byte == pytest.approx(20)
    assert pacer.workers.dedicated == 2


# -- Go 1.5: runtime/mgc.go of Go 1.6 ------------------------------------------------------------


def test_go_1_5_takes_new_objects_for_dead() -> None:
    """Reachable: 100 marked less 10 allocated while marking; 90 * 1.875, goal 180 (gcMark)."""
    pacer = fresh("go1.5")
    pacer.update(100 * MiB, 0)
    pacer.start_cycle(0, 4)
    pacer.update(10 * MiB, 0)
    committed(pacer, 100 * MiB)
    assert pacer.trigger() == (168.75 * MiB, 180 * MiB)


def test_go_1_5_assumes_that_everything_is_alive() -> None:
    """80 MiB of scan work in the 30 MiB from 150 to the goal, whatever GOGC says (revise)."""
    pacer = committed(fresh("go1.5"), 90 * MiB)
    pacer.update(60 * MiB, 80 * MiB)
    pacer.start_cycle(0, 4)
    assert pacer.goal == 180 * MiB
    assert pacer.assist_work_per_byte == pytest.approx(80 / 30)


def test_go_1_5_saturates_where_go_1_17_does_not() -> None:
    """Why the goal of 30 % and the soft goal were introduced: assists for nothing."""
    old, new = (settle(fresh(name), STEADY) for name in ("go1.5", "go1.17"))
    assert old.trigger / old.marked == pytest.approx(1.9, rel=0.01)
    assert old.assists > 5 * new.assists


@pytest.mark.parametrize(("gomaxprocs", "dedicated"), [(1, 0), (3, 0), (4, 1), (7, 1), (8, 2)])
def test_go_1_5_rounds_workers_down(gomaxprocs: int, dedicated: int) -> None:
    workers = fresh("go1.5").background_workers(gomaxprocs)
    assert workers.dedicated == dedicated
    assert workers.dedicated + workers.fraction * gomaxprocs == pytest.approx(gomaxprocs / 4)


# -- Go 1.18 -------------------------------------------------------------------------------------


def test_the_controller_of_go_1_18_by_hand() -> None:
    """kp 0.9, ti 4: 0.9 * 1, then 0.9 * 0.1 + 0.225, and so on towards the setpoint."""
    controller, estimate = cons_mark_controller(), 0.0
    seen = []
    for _ in range(3):
        estimate = controller.next(estimate, 1.0, 1.0) or 0.0
        seen.append(round(estimate, 6))
    assert seen == [0.9, 0.315, 0.864]
    for _ in range(50):
        estimate = controller.next(estimate, 1.0, 1.0) or 0.0
    assert estimate == pytest.approx(1.0, abs=1e-3)


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=200))
def test_the_controller_stays_bounded_whatever_it_sees(seen: list[float]) -> None:
    controller, estimate = cons_mark_controller(), 0.0
    for value in seen:
        estimate = controller.next(estimate, value, 1.0) or 0.0
        assert -1000 <= estimate <= 1000
        assert math.isfinite(controller.error_integral)


def test_an_overflow_resets_the_controller() -> None:
    controller = cons_mark_controller()
    controller.next(0.0, 5.0, 1.0)
    assert controller.next(0.0, math.inf, 1.0) is None
    assert controller.error_integral == 0.0


def test_the_goal_of_go_1_18_has_stacks_and_globals() -> None:
    """100 + (100 + 10 + 6) MiB; without an estimate the cycle starts at the goal (commit)."""
    pacer = fresh("go1.18", globals_scan=6 * MiB)
    pacer.set_stacks(10 * MiB)
    committed(pacer, 100 * MiB)
    assert pacer.trigger() == (216 * MiB, 216 * MiB)


def test_the_runway_of_go_1_18_is_three_times_cons_mark_times_work() -> None:
    pacer = fresh("go1.18")
    pacer.cons_mark, pacer.heap_scan_work = 0.05, 100 * MiB
    committed(pacer, 100 * MiB)
    assert pacer.trigger() == (185 * MiB, 200 * MiB)


@pytest.mark.parametrize("cons_mark", [1.0, 1e9, -0.01])
def test_go_1_18_never_starts_before_70_percent_of_the_way(cons_mark: float) -> None:
    pacer = fresh("go1.18")
    pacer.cons_mark, pacer.heap_scan_work = cons_mark, 100 * MiB
    assert committed(pacer, 100 * MiB).trigger()[0] == 170 * MiB


def test_a_small_heap_of_go_1_18_starts_at_the_minimum() -> None:
    assert committed(fresh("go1.18"), 512 * KiB).trigger() == (4 * MiB, 4 * MiB)


def test_go_1_19_counts_growth_from_the_trigger_as_it_was_set() -> None:
    """50 MiB over a trigger of 100, and 5 while 50 are marked: cons/mark 1.1 x 0.25 / 0.75."""
    seen = {}
    for name in ("go1.19", "go1.27"):
        pacer = fresh(name)
        committed(pacer, 50 * MiB)
        pacer.update(pacer.trigger()[0] + 50 * MiB - pacer.heap_live, 0)
        pacer.start_cycle(0, 4)
        pacer.add_scan_work("heap", 50 * MiB)
        pacer.update(5 * MiB, 0)
        pacer.end_cycle(1, 4)
        seen[name] = pacer.cons_mark
    assert seen["go1.27"] == pytest.approx(5 / 50 / 3)
    assert seen["go1.19"] > 5 * seen["go1.27"]


def test_go_1_19_knows_the_limit_and_go_1_18_does_not() -> None:
    for name, goal in (("go1.19", 97 * MiB), ("go1.18", 200 * MiB)):
        pacer = pacers.get(name)()
        pacer.configure(100, 100 * MiB, 0)
        committed(pacer, 100 * MiB)
        if name == "go1.19":
            assert pacer.heap_goal() == pacer.heap_marked > goal
        else:
            assert pacer.heap_goal() == goal


# -- the fixed trigger ---------------------------------------------------------------------------


@pytest.mark.parametrize(("growth", "trigger"), [(1.0, 200), (0.5, 150), (0.0, 100)])
def test_a_fixed_trigger_is_a_part_of_the_way_to_the_goal(growth: float, trigger: int) -> None:
    pacer = FixedTriggerPacer(growth)
    pacer.configure(100, MAX_INT64, 0)
    assert committed(pacer, 100 * MiB).trigger() == (trigger * MiB, 200 * MiB)


def test_a_late_fixed_trigger_is_paid_in_assists_and_an_early_one_in_cycles() -> None:
    seen = {}
    for growth in (0.3, 1.0):
        pacer = FixedTriggerPacer(growth)
        pacer.configure(100, MAX_INT64, 0)
        seen[growth] = settle(pacer, BUSY)
    assert seen[1.0].assists > 0.5
    assert seen[0.3].assists == 0
    assert seen[0.3].heap_end < 0.8 * seen[0.3].goal


# -- all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fixed-trigger", "go1.13", "go1.17", "go1.18", "go1.5", "go1.9"])
def test_gogc_off_never_collects(name: str) -> None:
    """Not even with a memory limit before Go 1.19."""
    assert fresh(name, gogc=-1).trigger()[0] > 1 << 47
    if name != "fixed-trigger":
        pacer = pacers.get(name)()
        pacer.configure(-1, 100 * MiB, 0)
        assert pacer.trigger()[0] > 1 << 47
        assert not pacer.limit_in_force


@given(
    st.sampled_from([Go15Pacer, Go19Pacer, Go113Pacer, Go117Pacer, Go118Pacer, Go119Pacer]),
    st.integers(0, 1000),
    st.lists(st.tuples(st.integers(0, 1 << 36), st.integers(0, 1 << 34)), max_size=8),
)
def test_whatever_happens_the_answers_make_sense(cls: Any, gogc: int, cycles: list) -> None:
    pacer = cls()
    pacer.configure(gogc, MAX_INT64, 0)
    for marked, allocated in cycles:
        pacer.update(allocated, allocated)
        pacer.start_cycle(0, 4)
        check(pacer, cls.__name__)
        pacer.update(allocated, allocated)
        pacer.add_scan_work("heap", marked // 2)
        pacer.add_mark_time("assist", 1000)
        check(pacer, cls.__name__)
        pacer.end_cycle(1_000_000, 4)
        pacer.reset_live(marked)
        pacer.commit(sweep_done=False)
        check(pacer, cls.__name__)
        assert pacer.heap_goal() <= NEVER
