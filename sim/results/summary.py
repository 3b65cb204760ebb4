"""The headline figures of a run."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final, NamedTuple

from sim.results.gc_cost import gc_cpu
from sim.results.latency import quantile
from sim.results.memory import thrashing
from sim.results.mmu import mmu, utilization
from sim.results.names import by_worth, words
from sim.results.result import Result
from sim.units import MS, SECOND, format_bytes, format_duration

MMU_WINDOW: Final = 10 * MS


class Figure(NamedTuple):
    """A number and its unit: ns, bytes, fraction, count, per_second or bytes_per_second."""

    value: float
    unit: str

    def __str__(self) -> str:
        match self.unit:
            case "ns":
                return format_duration(self.value)
            case "bytes":
                return format_bytes(self.value)
            case "bytes_per_second":
                return f"{format_bytes(self.value)}/s"
            case "fraction":
                return f"{100 * self.value:.3g}%"
            case "per_second":
                return f"{self.value:.4g}/s"
            case _:
                return f"{self.value:.0f}"


class Summary(dict[str, Figure]):
    """Figures by name, and what is to be said beside them; printed, they have words for names."""

    verdict: str = ""

    def numbers(self) -> dict[str, float]:
        """The figures without their units."""
        return {name: figure.value for name, figure in self.items()}

    def _repr_html_(self) -> str:
        """A table, for notebooks."""
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(str(figure))}</td></tr>"
            for name, figure in self.items()
        )
        return f"<table>{rows}</table><p>{escape(self.verdict)}</p>"

    def __str__(self) -> str:
        width = max(len(words(name)) for name in self)
        lines = [f"{words(name):<{width}}  {self[name]}" for name in by_worth(self)]
        return "\n".join([*lines, self.verdict] if self.verdict else lines)


def summary(result: Result) -> Summary:
    """The headline figures of a run; those that its tables do not give are left out.

    GC CPU is told as gctrace counts it and with idle workers, both as share of GOMAXPROCS over the
    whole run; the peak heap is the largest heap at the end of marking, as gctrace shows it.
    """
    parts = (_program, _quota, _collector, _memory, _pauses)
    figures = Summary(figure for part in parts for figure in part(result))
    told = [f"{result.run['status']}: {result.run['reason']}"] if result.run["reason"] else []
    if result.run["detail"] == "fluid":
        told.append("as a fluid: requests, locks and spans are known with model.detail=events")
    figures.verdict = "\n".join(told)
    return figures


def _program(result: Result) -> Iterator[tuple[str, Figure]]:
    end, requests = result.end_ns, result.requests
    yield "simulated", Figure(end, "ns")
    if requests.empty:
        return
    yield "requests", Figure(len(requests), "count")
    yield "throughput", Figure(len(requests) * SECOND / max(end, 1), "per_second")
    took = requests["end_ns"] - requests["arrival_ns"]
    for name, q in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)):
        yield f"latency_{name}", Figure(quantile(took, q), "ns")


def _quota(result: Result) -> Iterator[tuple[str, Figure]]:
    stretches = result.throttles
    if stretches.empty:
        return
    yield "throttled_periods", Figure(len(stretches), "count")
    yield "throttled", Figure((stretches["end_ns"] - stretches["at_ns"]).sum(), "ns")


def _collector(result: Result) -> Iterator[tuple[str, Figure]]:
    cycles = result.cycles
    yield "gc_cycles", Figure(len(cycles), "count")
    if cycles.empty:
        return
    cpu = gc_cpu(cycles, result.end_ns)
    yield "gc_cpu", Figure(cpu["fraction"], "fraction")
    yield "gc_cpu_with_idle", Figure(cpu["fraction_with_idle"], "fraction")
    yield "assist_cpu", Figure(cpu["assist"] / cpu["total"], "fraction")
    if thrashed := thrashing(cycles):
        yield "thrashing", Figure(thrashed, "ns")
    yield "peak_heap", Figure(cycles["heap_end"].max(), "bytes")
    yield "mean_heap_marked", Figure(cycles["heap_marked"].mean(), "bytes")


def _memory(result: Result) -> Iterator[tuple[str, Figure]]:
    samples = result.samples
    if samples.empty:
        return
    last = samples.iloc[-1]
    rate = last["/gc/heap/allocs:bytes"] / max(last["at_ns"], 1) * SECOND
    yield "allocation", Figure(rate, "bytes_per_second")
    held = samples["/memory/classes/total:bytes"] - samples["/memory/classes/heap/released:bytes"]
    yield "peak_memory", Figure(held.max(), "bytes")
    yield "peak_rss", Figure(samples["sim:rss:bytes"].max(), "bytes")


def _pauses(result: Result) -> Iterator[tuple[str, Figure]]:
    pauses, end = result.pauses, result.end_ns
    if pauses.empty:
        return
    yield "longest_pause", Figure(pauses["total_ns"].max(), "ns")
    yield "total_pause", Figure(pauses["total_ns"].sum(), "ns")
    used = utilization(result.cycles, pauses, end)
    yield "mmu_10ms", Figure(mmu(used, [MMU_WINDOW]).iloc[0], "fraction")
