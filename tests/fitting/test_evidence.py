"""Evidence besides the log: it replaces assumptions, and says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.config.machine import load_profile
from sim.errors import UserError
from sim.fitting.evidence import read_evidence
from sim.fitting.fit_log import fit_log
from sim.fitting.workload import Container, shape, to_yaml
from sim.replay.program import Load
from sim.units import SECOND, GiB, KiB
from tests.fits import fitted

GOLDEN = Path(__file__).parents[1] / "golden"
GARBAGE = GOLDEN / "real" / "garbage64.p2.gogc100.limnone.r0.gctrace.gz"
SCRAPE = GOLDEN / "prometheus" / "client_golang.prom"
DUMP = GOLDEN / "runtime_metrics" / "dump.jsonl"
PROFILE = GOLDEN / "pprof" / "heap.pb.gz"
TRACE = GOLDEN / "exec_trace" / "requests.txt.gz"
HEAPBENCH = GOLDEN / "real" / "hbsteady.p2.gogc100.limnone.r0.gctrace.gz"


def test_a_scrape_tells_settings_sizes_and_memory_beside_the_heap() -> None:
    found = read_evidence(expositions=[SCRAPE])
    assert found.gogc == 100
    assert found.memory_limit is None
    assert found.sizes == ((round(44_418_552 / 22_135), 1.0),)
    assert found.overheads is not None


def test_a_dump_of_runtime_metrics_tells_the_same_kind_of_thing() -> None:
    found = read_evidence(metrics=DUMP)
    assert found.overheads is not None
    assert found.sizes


def test_the_names_of_older_scrapes_are_understood(tmp_path: Path) -> None:
    scrape = tmp_path / "scrape.prom"
    scrape.write_text(
        "go_memstats_sys_bytes 100e6\ngo_memstats_heap_alloc_bytes 60e6\n"
        "go_memstats_heap_idle_bytes 30e6\ngo_memstats_heap_released_bytes 10e6\n"
    )
    found = read_evidence(expositions=[scrape]).overheads
    assert found is not None
    assert found.at(60e6) == pytest.approx(100e6 - 60e6 - 30e6, rel=0.01)


def test_what_does_not_grow_with_the_heap_is_told_apart(tmp_path: Path) -> None:
    """Another GOGC changes the heap, and not the tables of the collector, profiles and stacks."""
    scrape = tmp_path / "scrape.prom"
    scrape.write_text(
        "go_memstats_sys_bytes 63e6\ngo_memstats_heap_alloc_bytes 40e6\n"
        "go_memstats_heap_idle_bytes 6e6\ngo_memstats_heap_released_bytes 1e6\n"
        "go_memstats_gc_sys_bytes 9e6\ngo_memstats_buck_hash_sys_bytes 1.5e6\n"
        "go_memstats_stack_sys_bytes 2e6\ngo_memstats_stack_inuse_bytes 2e6\n"
        "go_memstats_other_sys_bytes 0.5e6\n"
    )
    found = read_evidence(expositions=[scrape]).overheads
    assert found is not None
    assert found.fixed == pytest.approx(13e6)
    assert found.share == pytest.approx(4e6 / 40e6)


def test_a_heap_profile_gives_the_workload_its_objects() -> None:
    fit = fit_log(GARBAGE, pprof=PROFILE)
    text = to_yaml(fit, "app.gctrace", load_profile("default-x86-64"), Container())
    assert text.count("{size: ") == len(fit.sizes) + 1  # and the store
    assert "heap profile" in text


def test_the_container_is_kept_as_a_config() -> None:
    text = to_yaml(
        fitted(GARBAGE),
        "app.gctrace",
        load_profile("default-x86-64"),
        Container(memory=2 * GiB, cpu=1.5),
    )
    assert "cgroup: {memory: 2GiB, cpu: 1.5}" in text


def test_a_file_without_metrics_is_refused(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.write_text("hello\n" * KiB)
    with pytest.raises(UserError, match="no metric of a Go process"):
        read_evidence(expositions=[nothing])
    with pytest.raises(UserError, match="no dump of runtime/metrics"):
        read_evidence(metrics=nothing)


def test_a_trace_tells_who_is_a_request_and_what_the_program_has_to_spare() -> None:
    found = read_evidence(trace=TRACE)
    assert found.load is Load.WAITING
    assert found.arrivals == pytest.approx(200, rel=0.1)
    assert any("main.handle" in sentence for sentence in found.sentences)


def test_requests_that_are_known_are_the_units_of_the_workload() -> None:
    fit = fit_log(HEAPBENCH, trace=TRACE)
    assert fit.arrivals
    found = shape(fit, load_profile("default-x86-64"))
    assert found.unit * fit.arrivals == pytest.approx(fit.program.demand * SECOND, rel=1e-3)
    assert fit_log(HEAPBENCH, load="busy", trace=TRACE).arrivals is None
    assert fit_log(HEAPBENCH, arrivals="50/s", trace=TRACE).arrivals == 50


def test_what_is_no_trace_says_how_to_get_one(tmp_path: Path) -> None:
    raw = tmp_path / "trace.out"
    raw.write_bytes(b"go 1.27 trace\x00\x00\x00\x81\x02")
    with pytest.raises(UserError, match=r"trace\.out: .*go tool trace -d=parsed"):
        read_evidence(trace=raw)
