"""A run says what was wrong with it, with the figure; a healthy run says nothing."""

from __future__ import annotations

from typing import Any

import pytest

from sim.config import load
from sim.examples import examples
from sim.record.facts import Cycle, Status, Throttle
from sim.record.sample import Sample
from sim.results.diagnosis import diagnose
from sim.simulation import simulate
from sim.units import MS, SECOND, MiB

GOAL = 100 * MiB


@pytest.fixture
def found(run_of: Any, blank: Any) -> Any:
    """`found(n, cycle={...}, sample={...})`: findings of ten equal cycles, 100 ms apart."""

    def find(cycle: dict[str, Any], sample: dict[str, Any], *more: Any, **info: Any) -> Any:
        healthy = {
            "reason": "heap",
            "procs": 4,
            "heap_goal": GOAL,
            "heap_end": GOAL - MiB,
            "heap_marked": GOAL // 2,
            "dedicated_ns": 10 * MS,
        }
        took = cycle.pop("took", 10 * MS)
        cycles = [
            blank(
                Cycle,
                number=n + 1,
                start_ns=n * 100 * MS,
                end_ns=n * 100 * MS + took,
                **(healthy | cycle),
            )
            for n in range(10)
        ]
        state = {"gogc": 100, "gomemlimit": (1 << 63) - 1, "total": 2 * GOAL} | sample
        samples = [blank(Sample, at_ns=n * 100 * MS, **state) for n in range(10)]
        return diagnose(run_of([*cycles, *samples, *more], end_ns=SECOND, **info))

    return find


def test_a_healthy_run_has_no_findings(found: Any, run_of: Any) -> None:
    assert found({}, {}) == []
    assert diagnose(run_of()) == []


@pytest.mark.parametrize(
    ("cycle", "sample", "name", "figure"),
    [
        ({"limiting": True}, {}, "limiter active", "10 of 10 cycles"),
        ({"took": 80 * MS}, {}, "back-to-back cycles", "100% of the time"),
        ({"assist_ns": 10 * MS, "assist_parks": 2}, {}, "assist-dominated", "50% of the GC's"),
        ({"heap_end": GOAL * 3 // 2}, {}, "goal overshoot", "the worst 50%"),
        ({"heap_goal": 4 * MiB, "heap_end": 4 * MiB}, {}, "minimum-heap regime", "10 of 10"),
        ({"idle_ns": 80 * MS}, {}, "idle workers' CPU", "20.0% of all CPU"),
        (
            {},
            {"gomemlimit": 150 * MiB, "heap_free": 60 * MiB},
            "scavenger behind",
            "up to 60MiB of free pages",
        ),
        ({}, {"gomemlimit": 40 * MiB}, "live heap over the limit", "50MiB of 40MiB"),
    ],
)
def test_each_trouble_is_named_with_its_figure(
    cycle: dict[str, Any], sample: dict[str, Any], name: str, figure: str, found: Any
) -> None:
    (finding,) = found(cycle, sample)
    assert finding.name == name
    assert figure in finding.figure
    assert str(finding).startswith(f"{name}: ")


def test_cycles_back_to_back_under_a_limit_blame_the_limit(found: Any) -> None:
    (finding,) = found({"took": 80 * MS, "limit_goal": True}, {"gomemlimit": 300 * MiB})
    assert "GOMEMLIMIT" in finding.remedy


def throttled_by(quota: float, procs: int, found: Any) -> Any:
    config = f"{{GOGC: 100, GOMEMLIMIT: off, GOMAXPROCS: {procs}, cgroup: {{cpu: {quota}}}}}"
    (one,) = found({}, {}, Throttle(0, 50 * MS), Throttle(100 * MS, 150 * MS), config=config)
    assert one.name == "throttled"
    return one


def test_a_used_up_quota_is_told(found: Any) -> None:
    finding = throttled_by(2, 8, found)
    assert "2 times" in finding.figure
    assert "10.0% of the time" in finding.figure
    assert "Set GOMAXPROCS to the quota" in finding.remedy


def test_gomaxprocs_that_is_within_the_quota_is_no_advice(found: Any) -> None:
    assert "GOMAXPROCS=2 does not exceed the quota" in throttled_by(2, 2, found).remedy


def test_a_killed_run_says_so_first(run_of: Any) -> None:
    run = run_of(end_ns=SECOND)
    run.run["status"], run.run["reason"] = Status.OOM_KILLED, "used 65MiB of 64MiB"
    (finding,) = diagnose(run)
    assert finding.name == "OOM-killed"
    assert "at 1s: used 65MiB of 64MiB" in finding.figure


def killed(run_of: Any, blank: Any, limit: int, heap: int) -> Any:
    """A run killed with such a heap, under such a limit, after a cycle that kept 40 MiB."""
    cycle = blank(Cycle, number=1, procs=4, heap_end=80 * MiB, heap_marked=40 * MiB)
    sample = blank(
        Sample, at_ns=SECOND, gomemlimit=limit, heap_objects=heap, heap_live=heap, total=heap
    )
    run = run_of([cycle, sample], end_ns=SECOND)
    run.run["status"], run.run["reason"] = Status.OOM_KILLED, "used 200MiB of 152MiB"
    return run


def test_advice_against_a_kill_looks_at_the_limit_that_is_set(run_of: Any, blank: Any) -> None:
    unlimited = diagnose(killed(run_of, blank, (1 << 63) - 1, 200 * MiB))[0]
    assert "Set GOMEMLIMIT to about 90 %" in unlimited.remedy
    too_large = diagnose(killed(run_of, blank, 140 * MiB, 200 * MiB))[0]
    assert "GOMEMLIMIT is 140MiB" in too_large.remedy
    assert "Drop large objects before" in too_large.remedy
    beside = diagnose(killed(run_of, blank, 140 * MiB, 100 * MiB))[0]
    assert "lower it by what the process has beside" in beside.remedy


def test_the_peak_heap_has_that_of_a_kill_in_it(run_of: Any, blank: Any) -> None:
    run = killed(run_of, blank, 140 * MiB, 200 * MiB)
    assert run.summary()["peak_heap"].value == 200 * MiB


def test_the_peak_heap_has_growth_after_the_last_cycle_in_it(run_of: Any, blank: Any) -> None:
    last = blank(Cycle, number=1, procs=4, heap_end=80 * MiB)
    later = blank(Sample, at_ns=SECOND, heap_live=119 * MiB)
    assert run_of([last, later], end_ns=SECOND).summary()["peak_heap"].value == 119 * MiB
    assert run_of([later], end_ns=SECOND).summary()["peak_heap"].value == 119 * MiB
    between = blank(Sample, at_ns=SECOND, heap_live=60 * MiB)
    assert run_of([last, between], end_ns=SECOND).summary()["peak_heap"].value == 80 * MiB


@pytest.mark.parametrize("detail", ["events", "fluid"])
def test_the_peak_heap_of_a_run_without_cycles_is_known(detail: str) -> None:
    sets = ["GOGC=off", "duration=40ms", f"model.detail={detail}"]
    run = simulate(load(examples("configs")["quickstart"], sets))
    assert run.cycles.empty
    assert run.summary()["peak_heap"].value == run.samples["sim:heap/live:bytes"].max() > MiB
