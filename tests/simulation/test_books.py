"""Whatever is simulated, in either mode: what the tables say of memory and CPU time adds up."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.config import load
from sim.go.markwork import PIECE_NS
from sim.results.result import Result
from sim.simulation import simulate
from tests.worlds import EVERYTHING

TINY: Final[dict[str, Any]] = {
    "name": "tiny",
    "mixes": {
        "small": [
            {"size": "64B", "pointers": 2},
            {"size": {"lognormal": {"median": "96B", "p99": "512B"}}, "share": 2},
        ]
    },
    "stores": {"s": {"size": "4MiB", "of": "small"}},
    "goroutines": {
        "h": {
            "steps": [
                {"work": {"cpu": "200us", "allocate": "64KiB", "of": "small"}},
                {"wait": "500us"},
                {"work": {"cpu": "20us", "allocate": "4KiB", "of": "small", "into": "s"}},
            ]
        }
    },
    "load": {"api": {"goroutine": "h", "arrivals": {"poisson": "1000/s"}}},
}
NOBODY_MARKS: Final = [
    f"model.{who}=false"
    for who in ("assists", "dedicated_workers", "fractional_workers", "idle_workers")
]
COUNTERS: Final = (
    "/gc/heap/allocs:bytes",
    "/gc/heap/allocs:objects",
    "/gc/heap/frees:bytes",
    "/gc/heap/frees:objects",
    "/gc/cycles/total:gc-cycles",
    "/cpu/classes/idle:cpu-seconds",
    "/cpu/classes/gc/total:cpu-seconds",
)
HARD: Final[dict[str, list[str]]] = {
    "as it is": [],
    "more load than the Ps can do": ["workload.load.api.arrivals.poisson=50000/s"],
    "a limit below what lives": ["GOMEMLIMIT=3MiB"],
    "a limit near what lives": ["GOMEMLIMIT=12MiB"],
    "objects of gigabytes": ["workload.mixes.small=[{size: 10GiB}]"],
    "objects of gigabytes, collected at once": ["workload.mixes.small=[{size: 10GiB}]", "GOGC=0"],
    "a store of one byte": ["workload.stores.s.size=1B"],
    "a collection at once": ["GOGC=0"],
    "nobody marks": NOBODY_MARKS,
    "the world stops": ["model.concurrent=false"],
    "sweeping in the pause": ["model.lazy_sweep=false"],
    "no black allocation": ["model.black_allocation=false"],
    "many Ps": ["GOMAXPROCS=64"],
    "one P": ["GOMAXPROCS=1"],
    "an old Go": ["go=1.21"],
    "the first concurrent pacer": ["gc.pacer=go1.5"],
    "lives that end": ["workload.goroutines.h.steps.0.work.lives=3ms"],
    "a leak into a container under a limit": [
        "workload.stores.s={size: 1GiB, of: small, filled: false}",
        "GOMEMLIMIT=14MiB",
        "cgroup.memory=20MiB",
        "workload.load.api.arrivals.poisson=3000/s",
    ],
}


def check(result: Result) -> None:
    """All that has to add up."""
    cycles, samples = result.cycles, result.samples
    assert (cycles["heap_start"] <= cycles["heap_end"]).all()
    rounding = 1 if result.run["detail"] == "fluid" else 0  # bytes, of expectations
    assert (cycles["heap_marked"] <= cycles["heap_end"] + rounding).all()
    assert (cycles["allocated_black"] <= cycles["heap_marked"]).all()
    assert (cycles["floating"] <= cycles["heap_marked"]).all()
    objects = samples["/memory/classes/heap/objects:bytes"]
    assert (samples["/gc/heap/allocs:bytes"] - samples["/gc/heap/frees:bytes"] == objects).all()
    number = samples["/gc/heap/allocs:objects"] - samples["/gc/heap/frees:objects"]
    assert (number == samples["/gc/heap/objects:objects"]).all()
    for counter in COUNTERS:
        assert (samples[counter].diff().dropna() >= -1e-12).all(), counter
    classes = [str(name) for name in samples if str(name).startswith("/memory/classes/")]
    classes.remove("/memory/classes/total:bytes")
    assert (samples[classes].fillna(0) >= 0).all(axis=None)
    assert (samples[classes].sum(axis=1) == samples["/memory/classes/total:bytes"]).all()
    user = samples["/cpu/classes/user:cpu-seconds"]
    assert (user >= -1e-9).all()
    ps, pauses = samples["/sched/gomaxprocs:threads"].max(), result.pauses["total_ns"]
    unbooked = ps * (max(pauses, default=0) + 2 * PIECE_NS)  # is booked when it is done
    assert (user.diff().dropna() >= -1e-9 * unbooked).all()
    cpu = samples["/cpu/classes/total:cpu-seconds"]
    parts = ("gc/total", "scavenge/total", "idle", "user")
    whole = sum(samples[f"/cpu/classes/{part}:cpu-seconds"] for part in parts)
    assert (whole - cpu).abs().max() <= 1e-9


def simulated(workload: dict[str, Any], detail: str, *sets: str) -> Result:
    """A run of 200 ms on two Ps where nothing else is said."""
    config: dict[str, Any] = {"workload": workload, "GOMAXPROCS": 2, "duration": "200ms"}
    return simulate(load(config, [f"model.detail={detail}", *sets]))


@pytest.mark.parametrize("detail", ["events", "fluid"])
@pytest.mark.parametrize("sets", HARD.values(), ids=HARD.keys())
def test_memory_and_cpu_time_add_up(sets: list[str], detail: str) -> None:
    check(simulated(TINY, detail, *sets))


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_what_is_marked_in_a_stopped_world_counts_once(detail: str) -> None:
    check(simulated(TINY, detail, *HARD["the world stops"], *HARD["a limit below what lives"]))


@pytest.mark.parametrize("detail", ["events", "fluid"])
@settings(max_examples=12, deadline=None)
@given(
    rate=st.integers(50, 40_000),
    gogc=st.sampled_from(["10", "100", "off"]),
    limit=st.sampled_from(["off", "6MiB", "20MiB"]),
    ps=st.integers(1, 6),
    lives=st.sampled_from(["2ms", "forever", "step"]),
    seed=st.integers(0, 99),
)
def test_memory_and_cpu_time_add_up_for_any_program(
    detail: str, rate: int, gogc: str, limit: str, ps: int, lives: str, seed: int
) -> None:
    check(
        simulated(
            EVERYTHING,
            detail,
            f"workload.load.clients.arrivals.poisson={rate}/s",
            f"GOGC={gogc}",
            f"GOMEMLIMIT={limit}",
            f"GOMAXPROCS={ps}",
            f"seed={seed}",
            "duration=20ms",
            "record.samples=2ms",
            f"workload.goroutines.part.steps.0.work.lives={lives}",
        )
    )


def test_what_lives_for_a_time_dies_in_both_modes_alike() -> None:
    """Reachable bytes settle where rate times mean lifetime says (Little's law)."""
    sets = [
        "duration=2s",
        "workload.goroutines.h.steps.0.work.lives=100ms",
        "workload.load.api.arrivals.poisson=2000/s",
    ]
    for detail in ("events", "fluid"):
        cycles = simulated(TINY, detail, *sets).cycles
        late = cycles[cycles["start_ns"] > 1_000_000_000]
        reachable = (late["heap_marked"] - late["floating"]).mean()
        asked = 2000 * 0.1 * 64 * 1024 + 4 * 1024 * 1024
        assert reachable == pytest.approx(asked, rel=0.12), detail  # slots are larger than objects


def test_frames_are_there() -> None:
    """The checks above look at rows."""
    result = simulated(TINY, "fluid")
    assert isinstance(result.samples, pd.DataFrame)
    assert len(result.cycles) > 3
    assert len(result.samples) > 3
