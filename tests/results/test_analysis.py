"""The figures that people read off: latency and its causes, GC CPU, fragmentation, locks."""

from __future__ import annotations

import math
from typing import Any

import pytest

from sim.record.facts import Cycle, LockUse, Pause, Request, SpanClassUse
from sim.record.sample import Sample
from sim.results.gc_cost import gc_cpu
from sim.results.latency import CAUSES, latency, tail_causes
from sim.results.memory import between_batches, fragmentation, lock_contention
from sim.results.summary import summary
from sim.units import Figure, MiB


def request(took: int, kind: str = "get", **causes: int) -> dict[str, Any]:
    spent = took - sum(causes.values())
    return {"load": "web", "kind": kind, "end_ns": took, "on_cpu": spent, **causes}


def test_percentiles_are_latencies_that_occurred(frame_of: Any) -> None:
    requests = frame_of(Request, *(request(took) for took in range(1, 1001)))
    row = latency(requests).loc[("web", "get")]
    assert row.to_dict() == {
        "count": 1000,
        "mean": 500.5,
        "p50": 500,
        "p90": 900,
        "p99": 990,
        "p99.9": 999,
        "max": 1000,
    }


def test_kinds_of_requests_are_told_apart(frame_of: Any) -> None:
    requests = frame_of(Request, request(1), request(9, "put"))
    assert latency(requests)["max"].to_dict() == {("web", "get"): 1, ("web", "put"): 9}
    assert latency(frame_of(Request)).empty


def test_the_causes_of_the_tail_add_up(frame_of: Any) -> None:
    fast = [request(100) for _ in range(99)]
    requests = frame_of(Request, *fast, request(500, assist=300, queue=100))
    causes = tail_causes(requests, 0.995)
    assert list(causes.index) == list(CAUSES)
    assert causes["tail"].sum() == 500
    assert causes["share"].to_dict()["assist"] == pytest.approx(0.75)
    assert causes["share"].sum() == pytest.approx(1)
    assert tail_causes(frame_of(Request)).empty


def test_every_part_of_a_request_is_a_cause() -> None:
    assert set(CAUSES) == set(Request._fields) - {
        "load",
        "kind",
        "arrival_ns",
        "start_ns",
        "end_ns",
    }


def test_gc_cpu_leaves_idle_workers_out_as_gctrace_does(frame_of: Any) -> None:
    cycle = {
        "procs": 2,
        "end_ns": 1000,
        "assist_ns": 50,
        "dedicated_ns": 100,
        "fractional_ns": 30,
        "stw_cpu_ns": 20,
        "idle_ns": 200,
    }
    cpu = gc_cpu(frame_of(Cycle, cycle))
    assert cpu["fraction"] == pytest.approx(0.1)
    assert cpu["fraction_with_idle"] == pytest.approx(0.2)
    assert gc_cpu(frame_of(Cycle, cycle), end_ns=2000)["fraction"] == pytest.approx(0.05)
    assert gc_cpu(frame_of(Cycle))["fraction"] == 0


def test_the_parts_of_spans_add_up(frame_of: Any) -> None:
    small = {
        "span_class": 5,
        "span_bytes": 8192,
        "object_bytes": 4800,
        "live_bytes": 2400,
        "tail_waste_bytes": 32,
        "internal_waste_bytes": 100,
    }
    large = {"span_class": 0, "span_bytes": 40960, "object_bytes": 40960, "live_bytes": 40960}
    parts = fragmentation(frame_of(SpanClassUse, small, large, small)).iloc[0]
    assert parts[["live", "dead", "free", "tail"]].sum() == parts["span_bytes"] == 49152
    assert parts["free"] == 3360
    assert parts["overhead"] == pytest.approx(49152 / 43360)


def test_the_lock_most_waited_for_comes_first(frame_of: Any) -> None:
    locks = lock_contention(
        frame_of(
            LockUse,
            {"lock": "a", "cause": "refill", "acquisitions": 10.0, "hold_ns": 100, "end_ns": 1000},
            {
                "lock": "mheap",
                "cause": "grow",
                "acquisitions": 1.0,
                "wait_ns": 50,
                "max_wait_ns": 50,
            },
            {"lock": "mheap", "cause": "free", "acquisitions": 4.0, "contended": 1.0, "wait_ns": 5},
        )
    )
    assert list(locks.index) == ["mheap", "a"]
    assert locks.loc["mheap"].to_dict() == pytest.approx(
        {
            "per_second": 5e6,
            "acquisitions": 5,
            "contended": 0.2,
            "mean_hold_ns": 0,
            "mean_wait_ns": 11,
            "p99_wait_ns": 55 * math.log(20),
            "max_wait_ns": 50,
            "wait_ns": 55,
        }
    )


def test_the_summary_tells_what_the_tables_give(run_of: Any, blank: Any) -> None:
    facts = [
        blank(Cycle, number=1, procs=2, end_ns=60, dedicated_ns=20, heap_end=8 * MiB),
        blank(Pause, at_ns=10, total_ns=5),
        blank(Request, end_ns=7),
        blank(Sample, at_ns=100, allocs_bytes=50, rss=9 * MiB),
    ]
    figures = summary(run_of(facts, end_ns=100))
    assert figures["gc_cpu"] == Figure(0.1, "fraction")
    assert figures["peak_heap"] == Figure(8 * MiB, "bytes")
    assert figures["latency_p99"] == Figure(7, "ns")
    assert figures["allocation"] == Figure(5e8, "bytes_per_second")
    assert "peak RSS                  9MiB" in str(figures)
    idle = {"gc_cycles": 0, "gc_cpu": 0, "gc_cpu_with_idle": 0, "assist_cpu": 0}
    assert summary(run_of(end_ns=100)).numbers() == {"simulated": 100, **idle}


def test_memory_is_drawn_from_batch_to_batch_so_that_it_is_not_below_the_heap(
    frame_of: Any,
) -> None:
    """Between batches RSS stands still; what falls while heap_live rests, falls at once."""
    rows = [(10, 10, 12), (15, 10, 12), (20, 10, 12), (25, 25, 27), (25, 25, 21), (30, 25, 21)]
    names = ["heap_live", "heap_objects", "rss"]
    samples = frame_of(Sample, *(dict(zip(names, row, strict=True)) for row in rows))
    drawn = between_batches(samples)
    assert drawn["sim:rss:bytes"].tolist() == [12, 17, 22, 27, 21, 21]
    assert drawn["/memory/classes/heap/objects:bytes"].tolist() == [10, 15, 20, 25, 25, 25]
    assert drawn["sim:heap/live:bytes"].equals(samples["sim:heap/live:bytes"])


def test_a_rate_is_over_the_time_that_its_rows_are_about(frame_of: Any) -> None:
    """A row that ends in service may have begun long before: its acquisitions did, too."""
    row = {"lock": "a", "cause": "push", "acquisitions": 6.0, "wait_ns": 3}
    locks = frame_of(LockUse, {**row, "begin_ns": 100, "end_ns": 300}, {**row, "end_ns": 400})
    frame_of_late = lock_contention(locks.assign(begin_ns=[100, 300]), ps=2).loc["a"]
    assert frame_of_late["per_second"] == pytest.approx(12 / 300 * 1e9)
    assert frame_of_late["cpu_share"] == pytest.approx(6 / 300 / 2)
