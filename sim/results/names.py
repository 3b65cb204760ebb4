"""Words for the figures of a run, in the order of their worth to a reader.

The names themselves stay what they are in JSON and parquet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "peak_rss": "peak RSS",
        "gc_cpu": "GC CPU",
        "latency_p50": "latency p50",
        "latency_p99": "latency p99",
        "latency_p999": "latency p99.9",
        "latency_max": "latency max",
        "throughput": "throughput",
        "longest_pause": "longest pause",
        "gc_cycles": "GC cycles",
        "peak_heap": "peak heap",
        "mean_heap_marked": "marked heap (mean)",
        "gc_cpu_with_idle": "GC CPU with idle workers",
        "assist_cpu": "assist CPU",
        "allocation": "allocation rate",
        "thrashing": "time thrashing",
        "throttled": "time throttled",
        "throttled_periods": "throttled periods",
        "total_pause": "pauses in all",
        "mmu_10ms": "MMU at 10ms",
        "peak_memory": "peak of Go's memory",
        "requests": "requests",
        "simulated": "simulated",
        "warm_up": "warm-up",
    }
)


def words(name: str) -> str:
    """The words of a figure; of one without any, its name with spaces."""
    return WORDS.get(name, name.replace("_", " "))


def head(name: str) -> str:
    """The head of a column of a comparison, such as that of differences; settings stay as typed."""
    figure, sign, difference = name.partition(" +-")
    return f"{WORDS.get(figure, figure)}{sign}{difference}"


def by_worth(names: Iterable[str]) -> list[str]:
    """Names in the order in which a reader asks for them; others, such as settings, before."""
    order = {name: place for place, name in enumerate(WORDS)}
    return sorted(names, key=lambda name: order.get(name, -1))
