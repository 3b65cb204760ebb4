"""Which costs of a machine profile come from the rows of which benchmarks.

Costs that several rows determine together come from non-negative least squares with relative
errors (`sim.truth.rows.solve`). What allocating and marking cost stands in files of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from sim.go.mcentral import SPAN_SETS
from sim.truth.alloc_costs import (
    fault_costs,
    large_costs,
    malloc_costs,
    marking_costs,
    page_costs,
    partial_refill_costs,
    scavenge_costs,
    span_class,
    sweep_costs,
    tiny_costs,
)
from sim.truth.mark_costs import classic_mark_costs, crowding_costs, mark_costs, root_costs
from sim.truth.rows import Costs, Rows, mean, ns_of, solve

WAITED_NS: Final = 1_000_000
"""A sender that waited longer had woken nobody (bench/program.go: wakeUps)."""


class CostRule(NamedTuple):
    """How costs of a section follow from the rows of benchmarks."""

    section: str
    benchmarks: tuple[str, ...]
    derive: Callable[..., Costs]


def barrier_costs(barrier: Rows) -> Costs:
    """The hybrid barrier shades two pointers per write."""
    (row,) = barrier
    return {"pointer_ns": max(row["marking"] - row["idle"], 0.0) / 2}


def stop_costs(stops: Rows) -> Costs:
    """Stopping the world and the work while it stands still."""
    stop = {row["procs"]: row["sample"] for row in stops if row["case"] == "stop"}
    flush = {row["procs"]: row["sample"] for row in stops if row["case"] == "for_each_p"}
    pauses = [row for row in stops if row["case"] == "pauses"]
    start = {row["procs"]: float(np.median(row["starts"])) for row in pauses}
    termination = float(np.median(pauses[0]["terminations"]))
    two = min(2, max(stop))
    alone, together = float(np.median(stop[1])), float(np.median(stop[two]))
    start_work = max(start[1] - alone, 0.0)
    return {
        "stop_ns": alone,
        "stop_other_ns": max(together - alone, 0.0),
        "stop_per_p_ns": next(row["ns"] for row in stops if row["case"] == "signal"),
        "stop_sigma": _log_spread(stop[two]),
        "start_work_ns": start_work,
        "restart_per_p_ns": max(start[two] - together - start_work, 0.0),
        "termination_work_ns": max(termination - alone, 0.0),
        "ragged_barrier_ns": float(np.median(flush[two])),
    }


def _log_spread(sample: Sequence[float]) -> float:
    """Standard deviation of the logarithm, from the quartiles: outliers are other programs."""
    low, high = np.quantile(np.log(np.maximum(sample, 1.0)), (0.25, 0.75))
    return float(high - low) / 1.349


def finalizer_costs(finalizers: Rows) -> Costs:
    """Finalizers: the more objects of a span have them, the longer is the list that is walked."""
    by_case = {
        case: [row for row in finalizers if row["case"] == case] for case in ("set", "root", "run")
    }
    before = [(span_class(row["size"], scan=True).nelems - 1) / 2 for row in by_case["set"]]
    first, step = solve([[1.0, number] for number in before], ns_of(by_case["set"]))
    return {
        "set_ns": first,
        "step_ns": step,
        "root_ns": mean(ns_of(by_case["root"])),
        "run_ns": mean(ns_of(by_case["run"])),
    }


def sched_costs(sched: Rows) -> Costs:
    """Starting goroutines and waking Ps."""
    wakes = next(row["sample"] for row in sched if row["case"] == "wake")
    woken = [ns for ns in wakes if ns < WAITED_NS]
    return {
        "go_ns": next(row["ns"] for row in sched if row["case"] == "go"),
        "wake_ns": float(np.median(woken or wakes)),
    }


def mutator_costs(slowdown: Rows) -> Costs:
    """How marking slows a program that computes in registers, in the caches and in memory."""
    return {"slowdown": max(mean(row["factor"] for row in slowdown), 1.0)}


def footprint_costs(footprint: Rows) -> Costs:
    """A program that has collected a few times, whose heap is one arena."""
    (row,) = footprint
    return {
        "metadata_bytes": float(row["metadata"] - row["classes"] * SPAN_SETS),
        "other_bytes": float(row["other"]),
        "text_bytes": float(row["file"]),
        "runtime_bytes": float(row["runtime"]),
    }


SOURCES: Final = (
    CostRule("alloc", ("clearing", "alloc"), malloc_costs),
    CostRule("alloc", ("clearing", "alloc", "partial"), partial_refill_costs),
    CostRule("alloc", ("clearing", "tiny"), tiny_costs),
    CostRule("alloc", ("clearing", "alloc", "large"), large_costs),
    CostRule("alloc", ("marking",), marking_costs),
    CostRule("page", ("pages",), page_costs),
    CostRule("page", ("faults",), fault_costs),
    CostRule("page", ("scavenge",), scavenge_costs),
    CostRule("sweep", ("sweep",), sweep_costs),
    CostRule("mark", ("latency", "mark", "mark_classic"), mark_costs),
    CostRule("mark_classic", ("latency", "mark_classic"), classic_mark_costs),
    CostRule("mark", ("roots",), root_costs),
    CostRule("mark", ("mark", "parallel"), crowding_costs),
    CostRule("barrier", ("barrier",), barrier_costs),
    CostRule("stw", ("stops",), stop_costs),
    CostRule("finalizer", ("finalizers",), finalizer_costs),
    CostRule("sched", ("sched",), sched_costs),
    CostRule("mutator", ("slowdown",), mutator_costs),
    CostRule("footprint", ("footprint",), footprint_costs),
)


def all_costs(rows: Mapping[str, Rows]) -> dict[CostRule, Costs]:
    """The costs of every source from the rows of one round of all benchmarks."""
    return {s: s.derive(*(rows[name] for name in s.benchmarks)) for s in SOURCES}
