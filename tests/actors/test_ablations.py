"""Each mechanism can be switched off, and its absence shows where it should."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.results.result import Result
from tests.worlds import run

PROFILE = Path(__file__).parents[2] / "sim/machine/profiles/default-x86-64.yaml"
BUSY: dict[str, Any] = {
    "name": "busy",
    "mixes": {"node": [{"size": "128B", "pointers": "all"}, {"size": "1KiB", "share": 0.1}]},
    "stores": {"live": {"size": "16MiB", "of": "node"}},
    "goroutines": {
        "job": {
            "steps": [
                {
                    "work": {
                        "cpu": "60us",
                        "allocate": "64KiB",
                        "of": "node",
                        "pointer_writes": "3000000/s",
                    }
                }
            ]
        }
    },
    "load": {"jobs": {"goroutine": "job", "workers": 6}},
}


@cache
def figures(*off: str, procs: int = 4) -> dict[str, float]:
    """What a run shows after its start, with some mechanisms switched off."""
    model = dict.fromkeys(off, False)
    return figures_of(run(BUSY, GOMAXPROCS=procs, duration="150ms", model=model))


def figures_of(result: Result) -> dict[str, float]:
    cycles, requests, samples = result.cycles, result.requests, result.samples
    late = cycles.iloc[len(cycles) // 3 :]
    took = requests["end_ns"] - requests["arrival_ns"]
    return {
        "longest_pause": late[["stw_start_ns", "stw_end_ns"]].max().max(),
        "pauses": (late["stw_start_ns"] + late["stw_end_ns"]).mean(),
        "overshoot": (late["heap_end"] - late["heap_goal"]).mean(),
        "marked": late["heap_marked"].mean(),
        "floating": late["floating"].mean(),
        "assist": cycles["assist_ns"].sum(),
        "idle": cycles["idle_ns"].sum(),
        "dedicated": cycles["dedicated_ns"].sum(),
        "fractional": cycles["fractional_ns"].sum(),
        "swept_later": cycles[["swept_background", "swept_refill", "swept_debt"]].sum().sum(),
        "slowdown": requests["gc_slowdown"].mean(),
        "lock_wait": requests["lock_wait"].sum() + result.locks["wait_ns"].sum(),
        "requests": len(requests),
        "latency": took.mean(),
        "scavenge": samples["/cpu/classes/scavenge/total:cpu-seconds"].iloc[-1],
    }


def test_without_concurrent_marking_the_pause_is_the_mark_phase() -> None:
    whole, textbook = figures(), figures("concurrent")
    assert textbook["longest_pause"] > 10 * whole["longest_pause"]
    assert textbook["assist"] == textbook["slowdown"] == textbook["floating"] == 0


def test_without_assists_the_heap_outgrows_its_goal() -> None:
    whole, without = figures(), figures("assists")
    assert without["assist"] == 0 < whole["assist"]
    assert without["overshoot"] > whole["overshoot"] + (4 << 20)


@pytest.mark.parametrize(
    ("switch", "figure", "procs"),
    [
        ("idle_workers", "idle", 4),
        ("dedicated_workers", "dedicated", 4),
        ("fractional_workers", "fractional", 6),
    ],
)
def test_without_workers_of_a_kind_others_do_their_work(
    switch: str, figure: str, procs: int
) -> None:
    whole, without = figures(procs=procs), figures(switch, procs=procs)
    assert without[figure] == 0 < whole[figure]
    if switch != "idle_workers":
        assert without["assist"] + without["idle"] > whole["assist"] + whole["idle"]


def test_without_the_barrier_marking_slows_the_program_less() -> None:
    assert figures("write_barrier")["slowdown"] < 0.9 * figures()["slowdown"]
    assert figures("write_barrier", "mutator_slowdown")["slowdown"] == 0


def test_without_the_slowdown_of_the_machine_the_barrier_is_what_remains(tmp_path: Path) -> None:
    profile = yaml.safe_load(PROFILE.read_text())
    profile["costs"]["mutator"]["slowdown"]["value"] = 1.1
    machine = tmp_path / "slow.yaml"
    machine.write_text(yaml.safe_dump(profile))
    whole, without = (
        figures_of(run(BUSY, GOMAXPROCS=4, machine=str(machine), model={"mutator_slowdown": on}))
        for on in (True, False)
    )
    assert 0 < without["slowdown"] < 0.7 * whole["slowdown"]


def test_without_black_allocation_garbage_does_not_float_for_a_cycle() -> None:
    whole, without = figures(), figures("black_allocation")
    assert without["marked"] < whole["marked"]
    assert without["floating"] < 0.2 * whole["floating"]


def test_without_the_course_of_marking_assists_are_cheap_from_the_start() -> None:
    """Who assists early scans a table of pointers; the cycle as a whole costs what it costs.

    On a CPU that scans spans as a whole, what the table leads to is much work at a low cost.
    """
    allocate = {"cpu": "200us", "allocate": "64KiB", "of": "entry"}
    renew = {"cpu": "10us", "allocate": "1KiB", "of": "entry", "into": "live"}
    sessions: dict[str, Any] = {
        **BUSY,
        "mixes": {"entry": [{"size": "320B", "pointers": 12}, {"size": "96B", "share": 4}]},
        "stores": {"live": {"size": "24MiB", "of": "entry"}},
        "goroutines": {"get": {"steps": [{"work": allocate}, {"work": renew}]}},
        "load": {"gets": {"goroutine": "get", "arrivals": {"poisson": "1500/s"}}},
    }
    settings = {"GOMAXPROCS": 1, "machine": "avx512-x86-64", "duration": "1s"}
    whole, without = (
        figures_of(run(sessions, **settings, model={"mark_course": on})) for on in (True, False)
    )
    assert whole["assist"] > 2 * without["assist"] > 0
    kinds = ("assist", "idle", "dedicated", "fractional")
    all_marking = [sum(found[kind] for kind in kinds) for found in (whole, without)]
    assert all_marking[0] == pytest.approx(all_marking[1], rel=0.25)


def test_without_lazy_sweeping_the_pause_holds_the_sweep() -> None:
    whole, without = figures(), figures("lazy_sweep")
    assert without["swept_later"] == 0 < whole["swept_later"]
    assert without["pauses"] > 1.5 * whole["pauses"]


def test_without_the_cost_of_stopping_pauses_take_no_time() -> None:
    whole, without = figures(), figures("stop_the_world")
    assert without["longest_pause"] == 0 < whole["longest_pause"]
    assert without["latency"] < whole["latency"]


def test_without_contention_nobody_waits_for_locks() -> None:
    assert figures("lock_contention")["lock_wait"] == 0 < figures()["lock_wait"]


def test_without_the_scavenger_no_time_goes_into_returning_memory() -> None:
    burst = {
        **BUSY,
        "goroutines": {
            "job": {
                "steps": [
                    {"work": {"cpu": "1ms", "allocate": "24MiB", "of": "node", "lives": "step"}},
                    {"collect": {}},
                    {"wait": "100ms"},
                    {"collect": {}},
                    {"wait": "100ms"},
                ]
            }
        },
        "load": {"jobs": {"goroutine": "job", "count": 1}},
        "stores": {},
    }
    whole = run(burst, GOGC=400, duration="1s")
    without = run(burst, GOGC=400, duration="1s", model={"scavenger": False})
    assert figures_of(without)["scavenge"] == 0 < figures_of(whole)["scavenge"]
    released = "/memory/classes/heap/released:bytes"
    assert whole.samples[released].iloc[-1] > without.samples[released].iloc[-1]
