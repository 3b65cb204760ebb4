"""Filling and start-up are not service: statistics begin after them, and every row says where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from sim.config import load
from sim.record.facts import TABLES, Cycle, Phase
from sim.record.phases import PhaseName
from sim.report.verdict import of_run
from sim.results import Result
from sim.results.summary import summary
from sim.results.warmup import find_warm_up, mser
from sim.simulation import simulate
from sim.streams import Streams
from sim.units import MS

ROOT = Path(__file__).parents[2]


def test_mser_cuts_a_transient_where_it_ends() -> None:
    noise = Streams(1)["test"].normal(size=(200, 300))
    transient = np.where(np.arange(300) < 40, 20 * 0.9 ** np.arange(300), 0.0)
    cuts = [mser(row + transient) for row in noise]
    found = [cut for cut in cuts if cut is not None]
    assert len(found) > 190
    # After 25 values the transient is 1.4 standard deviations, after 45 a seventh.
    assert 20 < np.median(found) < 50


def test_mser_cuts_nothing_of_what_is_steady_and_refuses_what_never_is() -> None:
    assert mser(np.full(50, 3.7)) == 0
    assert mser(np.arange(60.0)) is None
    noise = Streams(2)["test"].normal(size=(300, 200))
    cuts = [mser(row) or 0 for row in noise]
    assert np.mean([cut <= 20 for cut in cuts]) > 0.8


def cycles(blank: Any, heaps: list[float], ends: int = 10) -> list[Any]:
    return [
        blank(Cycle, start_ns=ends * n, end_ns=ends * (n + 1), heap_marked=int(heap), procs=1)
        for n, heap in enumerate(heaps)
    ]


def test_the_first_small_heaps_are_warm_up(run_of: Any, blank: Any) -> None:
    heaps = [4, 8, 16, 32, *[64 + n % 2 for n in range(16)]]
    found = find_warm_up(run_of(cycles(blank, heaps)), 0)
    assert (found.end_ns, found.reason) == (40, "live heap is steady from there on")


def test_a_leak_is_never_steady_and_a_short_run_cannot_tell(run_of: Any, blank: Any) -> None:
    leak = find_warm_up(run_of(cycles(blank, list(range(100, 2100, 100)))), 0)
    assert leak.end_ns == 0
    assert "no steady part was found of live heap" in leak.reason
    assert find_warm_up(run_of(cycles(blank, [4, 8, 8])), 7).reason.startswith("too short")


def test_a_phase_that_begins_earlier_takes_the_place_of_later_ones(run_of: Any, blank: Any) -> None:
    def run(service: int) -> Result:
        begins = [(PhaseName.START_UP, 0), (PhaseName.WARM_UP, 5), (PhaseName.SERVICE, service)]
        facts = [Phase(name, at, "") for name, at in begins]
        result: Result = run_of([*facts, *cycles(blank, [1, 1, 1, 1], 3)], end_ns=12)
        return result

    assert run(9).cycles["phase"].tolist() == ["start-up", "start-up", "warm-up", "service"]
    assert run(5).cycles["phase"].tolist() == ["start-up", "start-up", "service", "service"]
    assert run(0).cycles["phase"].tolist() == ["service"] * 4
    assert len(run(9).service("cycles")) == summary(run(9))["gc_cycles"].value == 1


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store is filled for the first 77 of 250 ms."""
    folder = tmp_path_factory.mktemp("filled")
    config = load(ROOT / "configs" / "quickstart.yaml", ["duration=250ms", "record.warmup=50ms"])
    simulate(config, out=folder)
    return folder


def test_rates_are_over_the_time_in_which_load_ran(filled: Path) -> None:
    """Asked for 2000/s: a rate over the whole run would be 1150/s."""
    import sim

    run = sim.load(filled)
    assert isinstance(run, Result)
    begins = dict(zip(run.phases["phase"], run.phases["begin_ns"], strict=True))
    assert begins["service"] == begins["warm-up"] + 50 * MS
    figures = run.summary()
    assert figures["warm_up"].value == begins["service"] > 100 * MS
    served = run.requests[run.requests["end_ns"] >= begins["service"]]
    seconds = (run.end_ns - begins["service"]) / 1e9
    assert figures["throughput"].value == pytest.approx(len(served) / seconds)
    # Some 280 arrivals of a Poisson process: three standard deviations are 360/s.
    assert figures["throughput"].value == pytest.approx(2000, abs=360)
    assert "as configured" in str(figures)


def test_every_row_of_every_table_knows_its_phase_without_this_package(filled: Path) -> None:
    for table in TABLES.keys() - {"run"}:
        rows = duckdb.sql(f"select distinct phase from '{filled}/{table}.parquet'").fetchall()
        assert {phase for (phase,) in rows} <= set(PhaseName)
    sql = f"select phase, min(at_ns) from '{filled}/samples.parquet' group by 1 order by 2"
    assert [phase for phase, _ in duckdb.sql(sql).fetchall()] == list(PhaseName)


def test_a_batch_counts_whole() -> None:
    config = load(ROOT / "configs" / "garbage64.yaml", ["duration=20ms"])
    run = simulate(config)
    assert run.service_ns == 0
    assert set(run.cycles["phase"]) == {"service"}
    assert "warm_up" not in run.summary()


def test_a_warm_up_beyond_the_end_leaves_nothing_and_that_is_said() -> None:
    """Stores are filled for the first 77 ms."""
    sets = ["duration=100ms", "record.warmup=90ms", "model.detail=fluid"]
    run = simulate(load(ROOT / "configs" / "quickstart.yaml", sets))
    assert run.service_ns > run.end_ns
    assert "the run ended at 100ms: nothing counts" in str(run.summary())
    assert "nobody knows whether it is healthy" in " ".join(of_run(run))


def test_a_run_whose_service_has_no_cycle_does_not_know_what_gc_costs() -> None:
    sets = ["duration=100ms", "model.detail=fluid"]
    told, off = (
        str(simulate(load(ROOT / "configs" / "quickstart.yaml", [*sets, f"GOGC={gogc}"])).summary())
        for gogc in ("10000", "off")
    )
    assert "no GC cycle is in service: what GC costs is not known" in told
    assert "no GC cycle" not in off


def test_few_cycles_and_few_requests_are_said_to_be_few(filled: Path) -> None:
    text = str(simulate(load(ROOT / "configs" / "quickstart.yaml", ["duration=250ms"])).summary())
    assert "1 GC cycle is no distribution" in text
    assert "are few for latency p99 and latency p99.9" in text
