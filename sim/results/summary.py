"""The headline figures of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

import numpy as np

from sim.results.few import Few, few
from sim.results.gc_cost import gc_cpu
from sim.results.latency import quantile
from sim.results.memory import thrashing
from sim.results.mmu import mmu, utilization
from sim.results.names import by_worth, words
from sim.results.result import Result
from sim.units import MS, SECOND, Figure, format_duration

MMU_WINDOW: Final = 10 * MS
LATENCIES: Final = (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0))


class Summary(dict[str, Figure]):
    """Figures by name, and what is to be said beside them; printed, they have words for names."""

    verdict: str = ""
    few: Sequence[Few] = ()
    """What the run is too short to tell."""

    def numbers(self) -> dict[str, float]:
        """The figures without their units."""
        return {name: figure.value for name, figure in self.items()}

    def _repr_html_(self) -> str:
        """A table, for notebooks."""
        rows = "".join(
            f"<tr><td>{escape(words(name))}</td><td>{escape(str(self[name]))}</td></tr>"
            for name in by_worth(self)
        )
        return f"<table>{rows}</table><p>{escape(self.verdict)}</p>"

    def __str__(self) -> str:
        width = max(len(words(name)) for name in self)
        lines = [f"{words(name):<{width}}  {self[name]}" for name in by_worth(self)]
        return "\n".join([*lines, self.verdict] if self.verdict else lines)


def summary(result: Result) -> Summary:
    """The headline figures of a run; those that its tables do not give are left out.

    They are of the phase of service: what came while stores were filled and while the run warmed
    up is left out (see `sim.results.warmup`), and rates are over the time since. A batch counts
    whole. Only peaks are of the whole run, since memory must be had for them at any time. GC CPU
    is a share of GOMAXPROCS, as gctrace counts it and with idle workers; the peak heap is the
    largest that cycles end with, as gctrace shows it, or samples see.
    """
    parts = (_program, _quota, _collector, _memory, _pauses)
    figures = Summary(figure for part in parts for figure in part(result))
    figures.few = list(few(result, figures))
    figures.verdict = "\n".join(_remarks(result, figures))
    return figures


def _remarks(result: Result, figures: Summary) -> Iterator[str]:
    """How the run ended, and what it cannot tell."""
    if result.run["reason"]:
        yield f"{result.run['status']}: {result.run['reason']}"
    if result.run["detail"] == "fluid":
        yield "as a fluid: requests, locks and spans are known with model.detail=events"
    if result.service_ns:
        reason = result.phases["reason"].iloc[-1]
        yield f"statistics from {format_duration(result.service_ns)} on: {reason}"
    yield from (found.sentence for found in figures.few)


def _program(result: Result) -> Iterator[tuple[str, Figure]]:
    end, begin = result.end_ns, result.service_ns
    yield "simulated", Figure(end, "ns")
    if begin:
        yield "warm_up", Figure(begin, "ns")
    ended, requests = result.requests["end_ns"], result.service("requests")
    if not len(ended):
        return
    yield "requests", Figure(len(requests), "count")
    served = int((ended >= begin).sum())
    yield "throughput", Figure(served * SECOND / max(end - begin, 1), "per_second")
    took = requests["end_ns"] - requests["arrival_ns"]
    for name, q in LATENCIES if len(took) else ():
        yield f"latency_{name}", Figure(quantile(took, q), "ns")


def _quota(result: Result) -> Iterator[tuple[str, Figure]]:
    stretches = result.service("throttles")
    if stretches.empty:
        return
    yield "throttled_periods", Figure(len(stretches), "count")
    yield "throttled", Figure((stretches["end_ns"] - stretches["at_ns"]).sum(), "ns")


def _collector(result: Result) -> Iterator[tuple[str, Figure]]:
    cycles = result.service("cycles")
    yield "gc_cycles", Figure(len(cycles), "count")
    cpu = gc_cpu(cycles, result.end_ns, result.service_ns)
    yield "gc_cpu", Figure(cpu["fraction"], "fraction")
    yield "gc_cpu_with_idle", Figure(cpu["fraction_with_idle"], "fraction")
    yield "assist_cpu", Figure(cpu["assist"] / (cpu["total"] or 1), "fraction")
    if thrashed := thrashing(cycles):
        yield "thrashing", Figure(thrashed, "ns")
    if heaps := list(_largest_heaps(result)):
        yield "peak_heap", Figure(max(heaps), "bytes")
    if len(cycles):
        yield "mean_heap_marked", Figure(cycles["heap_marked"].mean(), "bytes")


def _largest_heaps(result: Result) -> Iterator[float]:
    """At the ends of cycles, and in samples: the heap grows on after the last cycle."""
    if len(result.cycles):
        yield float(result.cycles["heap_end"].max())
    if len(result.samples):
        yield float(result.samples["sim:heap/live:bytes"].max())


def _memory(result: Result) -> Iterator[tuple[str, Figure]]:
    samples = result.samples
    if samples.empty:
        return
    at, allocated = samples["at_ns"], samples["/gc/heap/allocs:bytes"]
    begin = min(result.service_ns, at.iloc[-1])
    since = allocated.iloc[-1] - np.interp(begin, [0, *at], [0, *allocated])
    rate = since / max(at.iloc[-1] - begin, 1) * SECOND
    yield "allocation", Figure(float(rate), "bytes_per_second")
    held = samples["/memory/classes/total:bytes"] - samples["/memory/classes/heap/released:bytes"]
    yield "peak_memory", Figure(held.max(), "bytes")
    yield "peak_rss", Figure(samples["sim:rss:bytes"].max(), "bytes")


def _pauses(result: Result) -> Iterator[tuple[str, Figure]]:
    pauses, begin, end = result.service("pauses"), result.service_ns, result.end_ns
    if pauses.empty:
        return
    yield "longest_pause", Figure(pauses["total_ns"].max(), "ns")
    yield "total_pause", Figure(pauses["total_ns"].sum(), "ns")
    used = utilization(result.service("cycles"), pauses, end, begin)
    yield "mmu_10ms", Figure(mmu(used, [MMU_WINDOW]).iloc[0], "fraction")
