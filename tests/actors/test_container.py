"""Containers kill and throttle: when, why, and what the tables still tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config import load
from sim.record.facts import Status
from sim.results.result import Result
from sim.simulation import simulate
from sim.units import MS, MiB

CONFIG = Path(__file__).parents[2] / "configs" / "quickstart.yaml"


def run(*sets: str, out: Path | None = None) -> Result:
    return simulate(load(CONFIG, ["duration=600ms", *sets]), out=out)


def test_a_limit_below_the_start_up_footprint_kills_at_once_and_says_so():
    result = run("cgroup.memory=1MiB")
    assert result.run["status"] == Status.OOM_KILLED
    assert "killed at once: the start-up footprint of" in result.run["reason"]
    assert "exceeds the 1.0MiB of the cgroup" in str(result.summary())
    assert result.end_ns == 0


def test_the_kill_comes_at_the_limit_and_the_tables_reach_up_to_it(tmp_path):
    result = run("cgroup.memory=60MiB", out=tmp_path / "run")
    assert result.run["status"] == Status.OOM_KILLED
    assert not result.partial
    last = result.samples.iloc[-1]
    assert last["at_ns"] == result.end_ns < 600 * MS
    assert 60 * MiB < last["sim:rss:bytes"] < 62 * MiB
    assert (result.samples["sim:rss:bytes"].iloc[:-1] <= 60 * MiB).all()
    assert result.spans["at_ns"].max() == result.end_ns
    for part in ("heap objects", "stacks", "program file"):
        assert part in result.run["reason"]


def test_stacks_alone_can_kill():
    result = run(
        "workload=connections",
        "workload.goroutines.connection.stack=30KiB",
        "workload.load.clients={goroutine: connection, count: 4000, parallel: 4000}",
        "workload.stores.rooms.size=8MiB",
        "cgroup.memory=64MiB",
    )
    assert result.run["status"] == Status.OOM_KILLED
    assert ": stacks " in result.run["reason"]


def test_a_large_quota_changes_nothing():
    free, quota = run(), run("cgroup.cpu=4")
    assert quota.throttles.empty
    assert quota.requests.equals(free.requests)


@pytest.mark.parametrize("cpus", [0.5, 0.9])
def test_a_small_quota_bounds_the_cpu_time_and_shows_in_the_latency(cpus):
    free, quota = run(), run("duration=1s", f"cgroup.cpu={cpus}")
    summary, period = quota.summary(), 100 * MS
    in_service = (quota.throttles["phase"] == "service").sum()
    assert summary["throttled_periods"].value == in_service > 0
    assert summary["latency_p99"].value > 2 * free.summary()["latency_p99"].value
    assert (quota.throttles["end_ns"] % period == 0).all()
    columns = list(quota.requests.columns)
    parts = columns[columns.index("on_cpu") : columns.index("throttled") + 1]
    took = quota.requests["end_ns"] - quota.requests["arrival_ns"]
    assert quota.requests[parts].sum(axis=1).equals(took)
    assert quota.requests["throttled"].max() > 10 * MS
    busy = quota.requests[["on_cpu", "alloc", "assist", "gc_slowdown"]].sum().sum()
    assert busy <= cpus * quota.end_ns * 1.01
