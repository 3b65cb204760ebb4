"""From rows that the Go benchmarks print to the costs of a machine profile.

Every function takes the rows of one or a few benchmarks (`sim/truth/go/bench`) and returns costs by
field of a section of the profile. Costs that several rows determine together come from
non-negative least squares with relative errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls

from sim.go.mcentral import SPAN_SETS
from sim.go.sizeclass import PAGE_SIZE, SpanClass, size_classes
from sim.machine.price import HEADER_ABOVE

Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = Sequence[Row]
Costs: TypeAlias = dict[str, float]

LARGEST_SPAN_OBJECT: Final = 512
"""Slots up to so many bytes are scanned by span (runtime/mgcmark_greenteagc.go)."""
WAITED_NS: Final = 1_000_000
"""A sender that waited longer had woken nobody (bench/program.go: wakeUps)."""


class CostRule(NamedTuple):
    """How costs of a section follow from the rows of benchmarks."""

    section: str
    benchmarks: tuple[str, ...]
    derive: Callable[..., Costs]


def solve(steps: ArrayLike, took: ArrayLike, unit: ArrayLike | None = None) -> list[float]:
    """Costs per step, none negative, that explain best how long counted steps took.

    Errors count in relation to `unit`; without it, to what was measured.
    """
    counted, measured = np.asarray(steps, dtype=float), np.asarray(took, dtype=float)
    scale = measured if unit is None else np.asarray(unit, dtype=float)
    costs, _ = nnls(counted / scale[:, None], measured / scale)
    return [float(cost) for cost in costs]


def malloc_costs(clearing: Rows, alloc: Rows) -> Costs:
    """mallocgc by size and pointers: fast path, clearing, and a fresh span now and then.

    Clearing is measured by itself as well: most spans are of a page, so that a byte and a refill
    could not be told apart.
    """
    names = ("noscan_ns", "scan_ns", "header_ns", "byte_ns", "refill_fresh_ns")
    steps = [_malloc_steps(row) for row in alloc] + [[0, 0, 0, 1, 0] for _ in alloc]
    took = _ns(alloc) + [clearing[0]["ns"]] * len(alloc)
    return dict(zip(names, solve(steps, took), strict=True))


def partial_refill_costs(clearing: Rows, alloc: Rows, partial: Rows) -> Costs:
    """Refills with used spans, by what objects in their holes cost more than in fresh spans."""
    *malloc, _ = malloc_costs(clearing, alloc).values()
    refills, took = [], []
    for row in partial:
        *others, fresh = _malloc_steps(row)
        refills.append([fresh * row["every"]])
        took.append(max(row["ns"] - float(np.dot(malloc, others)), 1.0))
    return {"refill_partial_ns": solve(refills, took)[0]}


def tiny_costs(clearing: Rows, tiny: Rows) -> Costs:
    """A tiny object; its share of clearing the block is counted by the byte."""
    (row,) = tiny
    return {"tiny_ns": max(row["ns"] - clearing[0]["ns"] * row["size"], 0.0)}


def large_costs(clearing: Rows, alloc: Rows, large: Rows) -> Costs:
    """A large object beyond its span and its bytes: from the smallest, where it shows best."""
    malloc, row = malloc_costs(clearing, alloc), large[0]
    rest = row["ns"] - row["size"] * malloc["byte_ns"] - malloc["refill_fresh_ns"]
    return {"large_ns": max(rest, 0.0)}


def marking_costs(marking: Rows) -> Costs:
    """What an allocation costs more while the collector marks."""
    return {"marking_ns": _mean(max(row["marking"] - row["idle"], 0.0) for row in marking)}


def _malloc_steps(row: Row) -> list[float]:
    """Steps per object of a mixture of sizes."""
    spans = [_span_class(size, scan=row["scan"]) for size in row["sizes"]]
    headers = [row["scan"] and span.elemsize > HEADER_ABOVE for span in spans]
    return [
        not row["scan"],
        row["scan"],
        _mean(headers),
        _mean(span.elemsize for span in spans),
        _mean(1 / span.nelems for span in spans),
    ]


def _span_class(size: int, *, scan: bool) -> SpanClass:
    table = size_classes()
    return table.spans[table.span_class(size, noscan=not scan)]


def page_costs(pages: Rows) -> Costs:
    """The page heap and the span sets of mcentrals."""
    case = {row["case"]: row["ns"] for row in pages}
    return {
        "span_set_ns": case["span_set"],
        "span_list_ns": case["span_list"],
        "alloc_span_ns": case["alloc"],
        "free_span_ns": case["free"],
    }


def fault_costs(faults: Rows) -> Costs:
    """First touch of a page: fresh from the OS, and again after it was given back."""
    return {"fault_ns": _mean(row["ns"] for row in faults)}


def scavenge_costs(scavenge: Rows) -> Costs:
    """Giving 64 KiB back to the OS."""
    return {"scavenge_ns": scavenge[0]["ns"]}


def sweep_costs(sweep: Rows) -> Costs:
    """Spans in which something survives, and others."""
    case = {row["case"]: row["ns"] for row in sweep}
    span = (case["full"] + case["part"]) / 2
    return {"span_ns": span, "freed_span_ns": max(case["dead"] - span, 0.0)}


MARK_STEPS: Final = (
    "noscan_object_ns",
    "object_ns",
    "byte_ns",
    "span_visit_ns",
    "sparse_object_ns",
    "dense_byte_ns",
    "pointer_ns",
    "dense_pointer_ns",
    "span_ns",
    "apart_ns",
    "queued_apart_ns",
)
"""Costs of the steps that benchmarks of marking count, in the order of the counts."""


def mark_costs(mark: Rows, mark_classic: Rows) -> Costs:
    """Marking heaps of known objects, pointers, bytes and spans with both markers."""
    costs = solve(_mark_steps(mark, mark_classic), _ns([*mark, *mark_classic]))
    found = dict(zip(MARK_STEPS, costs, strict=True))
    return found | {"vector_kernel": float(mark[0]["vector_kernel"])}


def mark_errors(costs: Costs, mark: Rows, mark_classic: Rows) -> list[float]:
    """By what part the costs of its steps miss what marking each heap of the benchmarks took."""
    told = np.asarray(_mark_steps(mark, mark_classic)) @ [costs[name] for name in MARK_STEPS]
    took = np.asarray(_ns([*mark, *mark_classic]))
    return [float(error) for error in np.abs(told / took - 1)]


def _mark_steps(mark: Rows, mark_classic: Rows) -> list[list[float]]:
    green_tea = [_green_tea_steps(row) for row in mark]
    return [*green_tea, *(_classic_steps(row) for row in mark_classic)]


def _classic_steps(row: Row) -> list[float]:
    """Counts in the order of the costs: object by object."""
    scanned = row["slot"] if row["slot"] > HEADER_ABOVE else 8 * row["words"]
    objects = row["objects"]
    return [
        row["noscan"],
        objects,
        objects * scanned,
        0,
        0,
        0,
        row["pointers"],
        0,
        row["spans"],
        row["apart"],
        0,
    ]


def _green_tea_steps(row: Row) -> list[float]:
    """Small objects by visits to their spans; one that was found alone is a visit of its own."""
    if row["slot"] > LARGEST_SPAN_OBJECT:
        *steps, apart, _ = _classic_steps(row)
        return [*steps, 0, apart]
    visits = row["single"] + row["sparse_visits"] + row["dense_visits"]
    sparse, dense = row["single"] + row["sparse"], row["dense_visits"] * PAGE_SIZE
    gathered = row["pointers"] * row["dense"] / (sparse + row["dense"])
    return [
        row["noscan"],
        0,
        0,
        visits,
        sparse,
        dense,
        row["pointers"] - gathered,
        gathered,
        row["spans"],
        0,
        row["apart"],
    ]


def root_costs(roots: Rows) -> Costs:
    """Any cycle; globals by the byte, stacks by the goroutine and the byte in use."""
    stacks = [row for row in roots if row["case"] == "stacks"]
    stack, byte = solve([[row["goroutines"], row["scanned"]] for row in stacks], _ns(stacks))
    root_byte = next(row["ns"] for row in roots if row["case"] == "globals")
    cycle = next(row for row in roots if row["case"] == "cycle")
    return {
        "cycle_ns": max(cycle["ns"] - root_byte * cycle["globals"], 0.0),
        "root_byte_ns": root_byte,
        "stack_ns": stack,
        "stack_byte_ns": byte,
    }


def crowding_costs(mark: Rows, parallel: Rows) -> Costs:
    """What marking takes longer while a second marker works: cache lines go to and fro.

    With one CPU no second one ever does.
    """
    counts = {row["heap"]: [row["spans"], row["apart"]] for row in mark}
    took = {(row["heap"], row["procs"]): row["ns"] for row in parallel}
    heaps = [heap for heap, procs in took if procs > 1]
    alone = [took[heap, 1] for heap in heaps]
    more = [took[heap, 2] - took[heap, 1] for heap in heaps]
    span, apart = solve([counts[heap] for heap in heaps], more, alone) if heaps else (0.0, 0.0)
    return {"crowded_span_ns": span, "crowded_apart_ns": apart}


def barrier_costs(barrier: Rows) -> Costs:
    """The hybrid barrier shades two pointers per write."""
    (row,) = barrier
    return {"pointer_ns": max(row["marking"] - row["idle"], 0.0) / 2}


def stop_costs(stops: Rows) -> Costs:
    """Stopping the world and the work while it stands still."""
    stop = {row["procs"]: row["sample"] for row in stops if row["case"] == "stop"}
    flush = {row["procs"]: row["sample"] for row in stops if row["case"] == "for_each_p"}
    pauses = {row["procs"]: row for row in stops if row["case"] == "pauses"}
    two = min(2, max(stop))
    alone, together = float(np.median(stop[1])), float(np.median(stop[two]))
    start_work = max(pauses[1]["start"] - alone, 0.0)
    return {
        "stop_ns": alone,
        "stop_other_ns": max(together - alone, 0.0),
        "stop_per_p_ns": next(row["ns"] for row in stops if row["case"] == "signal"),
        "stop_sigma": _log_spread(stop[two]),
        "start_work_ns": start_work,
        "restart_per_p_ns": max(pauses[two]["start"] - together - start_work, 0.0),
        "termination_work_ns": max(pauses[1]["termination"] - alone, 0.0),
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
    before = [(_span_class(row["size"], scan=True).nelems - 1) / 2 for row in by_case["set"]]
    first, step = solve([[1.0, number] for number in before], _ns(by_case["set"]))
    return {
        "set_ns": first,
        "step_ns": step,
        "root_ns": _mean(_ns(by_case["root"])),
        "run_ns": _mean(_ns(by_case["run"])),
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
    return {"slowdown": max(_mean(row["factor"] for row in slowdown), 1.0)}


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
    CostRule("mark", ("mark", "mark_classic"), mark_costs),
    CostRule("mark", ("roots",), root_costs),
    CostRule("mark", ("mark", "parallel"), crowding_costs),
    CostRule("barrier", ("barrier",), barrier_costs),
    CostRule("stw", ("stops",), stop_costs),
    CostRule("finalizer", ("finalizers",), finalizer_costs),
    CostRule("sched", ("sched",), sched_costs),
    CostRule("mutator", ("slowdown",), mutator_costs),
    CostRule("footprint", ("footprint",), footprint_costs),
)


def merged(rounds: Sequence[Mapping[str, Rows]]) -> dict[str, Rows]:
    """One set of rows: means of numbers, samples joined.

    A machine is in turn faster and slower, and what a simulated program does many times takes the
    mean.
    """
    return {
        name: [_merged_row(same) for same in zip(*(found[name] for found in rounds), strict=True)]
        for name in rounds[0]
    }


def _merged_row(same: Rows) -> Row:
    return {key: _merged_value([row[key] for row in same]) for key in same[0]}


def _merged_value(values: Sequence[Any]) -> Any:
    if all(value == values[0] for value in values):
        return values[0]
    if isinstance(values[0], list):
        return [item for sample in values for item in sample]
    return _mean(values)


def all_costs(rows: Mapping[str, Rows]) -> dict[CostRule, Costs]:
    """The costs of every source from the rows of one round of all benchmarks."""
    return {s: s.derive(*(rows[name] for name in s.benchmarks)) for s in SOURCES}


def _ns(rows: Rows) -> list[float]:
    return [row["ns"] for row in rows]


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
