"""`model.detail: fluid`: any config as rates, in a fraction of the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.build import build
from sim.build_fluid import Fluid
from sim.config import load
from sim.config.run import RunConfig
from sim.errors import UserError
from sim.fluid.footprint import Footprint
from sim.results.summary import summary
from sim.simulation import simulate
from sim.units import MS, MiB

ROOT = Path(__file__).parents[2]
LONG = 4 * MS
"""A mark phase in which pieces of work and Ps that wake up do not count."""
WORKLOADS = sorted(
    path for path in (ROOT / "workloads").glob("*.yaml") if path.stem != "file-server"
)
"""Those whose steps the mode takes: it has no system calls."""


def fluid(workload: str, *sets: str) -> RunConfig:
    path = str(ROOT / "workloads" / f"{workload}.yaml")
    return load({"workload": path}, ["model.detail=fluid", "GOMAXPROCS=4", *sets])


@pytest.mark.parametrize("path", WORKLOADS, ids=lambda path: path.stem)
def test_every_shipped_workload_runs_as_a_fluid(path: Path) -> None:
    """On six Ps, where Go has fractional workers beside a dedicated one."""
    result = simulate(fluid(path.stem, "duration=2s", "GOMAXPROCS=6"))
    figures = summary(result).numbers()
    assert result.end_ns == 2_000_000_000
    assert figures["allocation"] > 0
    assert result.gctrace().count("\n") == len(result.cycles) >= figures["gc_cycles"]
    cycles = result.cycles
    ps_ns = 6 * (cycles["mark_term_ns"] - cycles["mark_ns"])
    background = cycles["dedicated_ns"] + cycles["fractional_ns"]
    marking = background + cycles["idle_ns"] + cycles["assist_ns"]
    assert (marking <= ps_ns).all()
    # The dedicated worker has a P; the others have up to 1.2 times a tenth of each of five.
    share = (background / ps_ns)[ps_ns > 6 * LONG]
    assert share.between(0.95 / 6, (1 + 5 * 0.12) / 6 + 0.01).all()


def test_a_fluid_run_repeats_exactly() -> None:
    first, again = (simulate(fluid("json-api", "duration=2s")) for _ in range(2))
    assert first.cycles.equals(again.cycles)
    assert first.samples.equals(again.samples)


def test_a_fluid_run_says_what_it_does_not_know() -> None:
    result = simulate(fluid("json-api", "duration=1s"))
    told = str(result.summary())
    assert result.run["detail"] == "fluid"
    assert result.cycles[["assists", "swept_refill", "sweep_pages"]].isna().all(axis=None)
    assert result.samples["/gc/heap/tiny/allocs:objects"].isna().all()
    assert "sweep done" not in result.gcpacertrace()
    assert "requests, locks and spans are known with model.detail=events" in told
    in_detail = load({"workload": str(ROOT / "workloads" / "json-api.yaml")}, ["duration=50ms"])
    assert "fluid" not in str(simulate(in_detail).summary())


def test_a_cpu_quota_is_no_flow() -> None:
    with pytest.raises(UserError, match="throttle"):
        simulate(fluid("json-api", "cgroup.cpu=1"))


def test_a_leak_into_a_container_is_killed() -> None:
    result = simulate(fluid("steady-leak", "duration=60s", "cgroup.memory=256MiB"))
    assert result.run["status"] == "oom-killed"
    assert "256.0MiB of the cgroup" in result.run["reason"]


def test_memory_that_the_heap_has_grown_by_counts_when_it_is_touched() -> None:
    run = build(fluid("json-api"), lambda fact: None)
    assert isinstance(run.mode, Fluid)
    of, flow = run.runtime, run.mode.flow
    footprint = Footprint(of.gc, of.settings, of.machine, flow._spans, flow._slots, flow._stacks)
    footprint.map_for(5 * MiB)
    assert (footprint.mapped, footprint.released, footprint.free) == (8 * MiB, 3 * MiB, 0)
    footprint.map_for(2 * MiB)
    assert (footprint.released, footprint.free) == (3 * MiB, 3 * MiB)
