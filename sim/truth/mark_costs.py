"""From rows of benchmarks to the costs of marking: heaps of known objects, roots, two markers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from sim.go.sizeclass import PAGE_SIZE
from sim.machine.price import HEADER_ABOVE
from sim.truth.rows import Costs, Row, Rows, ns_of, solve

LARGEST_SPAN_OBJECT: Final = 512
"""Slots up to so many bytes are scanned by span (runtime/mgcmark_greenteagc.go)."""

GREEN_TEA: Final = (
    "noscan_object_ns",
    "object_ns",
    "byte_ns",
    "span_visit_ns",
    "sparse_object_ns",
    "dense_byte_ns",
    "pointer_ns",
    "dense_pointer_ns",
    "span_ns",
    "queued_apart_ns",
)
"""Costs of the steps that benchmarks of Green Tea count, in the order of the counts."""
CLASSIC: Final = ("noscan_object_ns", "object_ns", "byte_ns", "pointer_ns", "span_ns", "apart_ns")
"""The same of the classic marker."""
MOST_HEAPS: Final = 0.8
"""Part of the heaps that the interval of an unseen one holds."""


def mark_costs(latency: Rows, mark: Rows, mark_classic: Rows) -> Costs:
    """Marking heaps of known objects, pointers, bytes and spans with Green Tea."""
    cache, took = cache_bytes(latency), ns_of(mark)
    steps = [_green_tea_steps(row, cache) for row in mark]
    found = dict(zip(GREEN_TEA, solve(steps, took), strict=True))
    return found | {
        "apart_ns": classic_mark_costs(latency, mark_classic)["apart_ns"],
        "vector_kernel": float(mark[0]["vector_kernel"]),
        "cache_bytes": cache,
        "unseen_heap": float(np.quantile(unseen_errors(steps, took), MOST_HEAPS)),
    }


def classic_mark_costs(latency: Rows, mark_classic: Rows) -> Costs:
    """The same heaps with the marker up to Go 1.25, which looks for mark bits elsewhere."""
    cache = cache_bytes(latency)
    steps = [_classic_steps(row, cache) for row in mark_classic]
    return dict(zip(CLASSIC, solve(steps, ns_of(mark_classic)), strict=True))


def cache_bytes(latency: Rows) -> float:
    """How much of more memory that is read at random is in caches: then a part cache / memory is.

    So it is half of that of which every second read misses, which takes as long as halfway between
    the shortest and the longest.
    """
    took = ns_of(latency)
    half = (min(took) + max(took)) / 2
    rising = np.maximum.accumulate(took)
    memory = np.interp(half, rising, np.log([row["bytes"] for row in latency]))
    return float(np.exp(memory)) / 2


def mark_errors(latency: Rows, mark: Rows) -> list[float]:
    """By what part the costs of its steps miss what marking each heap of the benchmarks took."""
    cache, took = cache_bytes(latency), np.asarray(ns_of(mark))
    steps = np.asarray([_green_tea_steps(row, cache) for row in mark])
    return [float(error) for error in np.abs(steps @ solve(steps, took) / took - 1)]


def unseen_errors(steps: Sequence[Sequence[float]], took: Sequence[float]) -> list[float]:
    """The same of heaps whose costs come from all others (cross-validation, one left out)."""
    counted, measured = np.asarray(steps), np.asarray(took)
    others = [np.arange(len(measured)) != i for i in range(len(measured))]
    told = [counted[i] @ solve(counted[rest], measured[rest]) for i, rest in enumerate(others)]
    return [float(error) for error in np.abs(np.asarray(told) / measured - 1)]


def _apart(row: Row, cache: float) -> float:
    """Objects that lie apart and in no cache (`sim.machine.price.apart_ns`)."""
    held = min(cache / max(row["spans"] * PAGE_SIZE, 1), 1.0)
    return float((1.0 - held) * row["apart"])


def _classic_steps(row: Row, cache: float) -> list[float]:
    """Counts in the order of the costs: object by object."""
    scanned = row["slot"] if row["slot"] > HEADER_ABOVE else 8 * row["words"]
    objects = row["objects"]
    return [
        row["noscan"],
        objects,
        objects * scanned,
        row["pointers"],
        row["spans"],
        _apart(row, cache),
    ]


def _green_tea_steps(row: Row, cache: float) -> list[float]:
    """Small objects by visits to their spans; one that was found alone is a visit of its own."""
    if row["slot"] > LARGEST_SPAN_OBJECT:
        noscan, objects, nbytes, pointers, spans, apart = _classic_steps(row, cache)
        return [noscan, objects, nbytes, 0, 0, 0, pointers, 0, spans, apart]
    visits = row["single"] + row["sparse_visits"] + row["dense_visits"]
    sparse, dense = row["single"] + row["sparse"], row["dense_visits"] * PAGE_SIZE
    gathered = row["pointers"] * row["dense"] / (sparse + row["dense"])
    ungathered, apart = row["pointers"] - gathered, _apart(row, cache)
    return [
        row["noscan"], 0, 0, visits, sparse, dense, ungathered, gathered, row["spans"], apart,
    ]  # fmt: skip


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
