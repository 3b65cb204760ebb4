"""What each figure of a summary is, by formula over the tables of a run.

`requests.end_ns` is the column `end_ns` of the table `requests`. Sums, quantiles and maxima run
over the rows of the phase of service (`sim.results.warmup`), peaks over those of the whole run;
`service` is its length, simulated - warm_up.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_LATENCY: Final = "quantile {} of requests.end_ns - requests.arrival_ns"
_CPU: Final = "(service * cycles.procs)"

FORMULAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "simulated": "run.end_ns",
        "warm_up": "begin of the last of phases: what came before is left out",
        "requests": "rows of requests that arrived in the service phase and ended",
        "throughput": "rows of requests that ended in the service phase / service",
        "latency_p50": _LATENCY.format("0.5"),
        "latency_p99": _LATENCY.format("0.99"),
        "latency_p999": _LATENCY.format("0.999"),
        "latency_max": "max(requests.end_ns - requests.arrival_ns)",
        "throttled_periods": "rows of throttles",
        "throttled": "sum(throttles.end_ns - throttles.at_ns)",
        "gc_cycles": "rows of cycles",
        "gc_cpu": (
            "sum(cycles.assist_ns + cycles.dedicated_ns + cycles.fractional_ns + cycles.stw_cpu_ns)"
            f" / {_CPU}: the share that gctrace prints, over the service phase"
        ),
        "gc_cpu_with_idle": f"the same with cycles.idle_ns in the sum, / {_CPU}",
        "assist_cpu": f"sum(cycles.assist_ns) / {_CPU}",
        "thrashing": "time in cycles that began sooner after the last than that one took",
        "peak_heap": (
            "max(cycles.heap_end, samples.sim:heap/live:bytes): heapLive when marking ends, the"
            " middle one of gctrace's three heaps, and between cycles and after the last"
        ),
        "mean_heap_marked": "mean(cycles.heap_marked)",
        "allocation": "growth of samples./gc/heap/allocs:bytes in the service phase / service",
        "peak_memory": (
            "max(samples./memory/classes/total:bytes"
            " - samples./memory/classes/heap/released:bytes): what GOMEMLIMIT counts"
        ),
        "peak_rss": "max(samples.sim:rss:bytes)",
        "longest_pause": "max(pauses.total_ns)",
        "total_pause": "sum(pauses.total_ns)",
        "mmu_10ms": (
            "least share of the Ps that the program has in any 10 ms: nothing in a pause, and in a"
            " mark phase what its workers and assists leave on average"
        ),
    }
)
