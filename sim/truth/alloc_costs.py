"""From rows of benchmarks to the costs of allocating, of pages and of sweeping.

Every function takes the rows of one or a few benchmarks and returns costs by field of a section.
"""

from __future__ import annotations

import numpy as np

from sim.go.sizeclass import SpanClass, size_classes
from sim.machine.price import HEADER_ABOVE
from sim.truth.rows import Costs, Row, Rows, mean, ns_of, solve


def malloc_costs(clearing: Rows, alloc: Rows) -> Costs:
    """mallocgc by size and pointers: fast path, clearing, and a fresh span now and then.

    Clearing is measured by itself as well: most spans are of a page, so that a byte and a refill
    could not be told apart.
    """
    names = ("noscan_ns", "scan_ns", "header_ns", "byte_ns", "refill_fresh_ns")
    steps = [_malloc_steps(row) for row in alloc] + [[0, 0, 0, 1, 0] for _ in alloc]
    took = ns_of(alloc) + [clearing[0]["ns"]] * len(alloc)
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
    return {"marking_ns": mean(max(row["marking"] - row["idle"], 0.0) for row in marking)}


def _malloc_steps(row: Row) -> list[float]:
    """Steps per object of a mixture of sizes."""
    spans = [span_class(size, scan=row["scan"]) for size in row["sizes"]]
    headers = [row["scan"] and span.elemsize > HEADER_ABOVE for span in spans]
    return [
        not row["scan"],
        row["scan"],
        mean(headers),
        mean(span.elemsize for span in spans),
        mean(1 / span.nelems for span in spans),
    ]


def span_class(size: int, *, scan: bool) -> SpanClass:
    """The span class that an object of a benchmark is allocated in."""
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
    return {"fault_ns": mean(row["ns"] for row in faults)}


def scavenge_costs(scavenge: Rows) -> Costs:
    """Giving 64 KiB back to the OS."""
    return {"scavenge_ns": scavenge[0]["ns"]}


def sweep_costs(sweep: Rows) -> Costs:
    """Spans in which something survives, and others."""
    case = {row["case"]: row["ns"] for row in sweep}
    span = (case["full"] + case["part"]) / 2
    return {"span_ns": span, "freed_span_ns": max(case["dead"] - span, 0.0)}
