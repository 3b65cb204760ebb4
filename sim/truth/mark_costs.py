"""From rows of benchmarks to the costs of marking: heaps of known objects, roots, two markers."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.go.sizeclass import PAGE_SIZE
from sim.machine.price import HEADER_ABOVE
from sim.truth.rows import Costs, Row, Rows, ns_of, solve

LARGEST_SPAN_OBJECT: Final = 512
"""Slots up to so many bytes are scanned by span (runtime/mgcmark_greenteagc.go)."""

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
    costs = solve(_mark_steps(mark, mark_classic), ns_of([*mark, *mark_classic]))
    found = dict(zip(MARK_STEPS, costs, strict=True))
    return found | {"vector_kernel": float(mark[0]["vector_kernel"])}


def mark_errors(costs: Costs, mark: Rows, mark_classic: Rows) -> list[float]:
    """By what part the costs of its steps miss what marking each heap of the benchmarks took."""
    told = np.asarray(_mark_steps(mark, mark_classic)) @ [costs[name] for name in MARK_STEPS]
    took = np.asarray(ns_of([*mark, *mark_classic]))
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
    stack, byte = solve([[row["goroutines"], row["scanned"]] for row in stacks], ns_of(stacks))
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
