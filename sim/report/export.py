"""Runs in formats that other tools open: Perfetto, benchstat, and readers of gctrace."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType, SimpleNamespace
from typing import IO, Any, Final

import pandas as pd

from sim.config import load
from sim.errors import UserError
from sim.formats import benchfmt, chrome_trace
from sim.formats.benchfmt import Better
from sim.formats.chrome_trace import Counter, Event, Instant, TraceSlice, TraceTrack
from sim.results.memory import between_batches
from sim.results.result import Result
from sim.simulation import simulate

_UNITS: Final = {
    "ns": "ns",
    "bytes": "B",
    "fraction": "%",
    "per_second": "/s",
    "bytes_per_second": "B/s",
    "count": "count",
}
_MORE_IS_BETTER: Final = {"requests", "throughput", "mmu_10ms"}
_NEITHER: Final = {"simulated", "allocation"}
_ALWAYS: Final = ("GOGC", "GOMEMLIMIT")
_GC: Final = TraceTrack("GC", "cycles")
_STW: Final = TraceTrack("GC", "stop the world")


def perfetto(runs: Iterable[Result], out: IO[str]) -> None:
    """A trace for ui.perfetto.dev or chrome://tracing: a track per P, GC, heap and RSS as curves.

    Raises UserError for more than one run, and for a run that did not record its timeline.
    """
    run, *others = runs
    if others:
        raise UserError(f"a trace holds one run, got {1 + len(others)}")
    if run.slices.empty:
        raise UserError(
            f"{run.name}: no timeline: --rerun simulates the run once more with one, or simulate"
            " with --set record.timeline=true"
        )
    chrome_trace.write(_events(run), out)


def with_timeline(run: Result, progress: Callable[[float], None] | None = None) -> Result:
    """The run, or, if it has no timeline, the same run simulated once more with one, in memory."""
    if not run.slices.empty:
        return run
    return simulate(load(run.config, ["record.timeline=true"]), None, progress)


def _events(run: Result) -> Iterator[Event]:
    yield from _processors(run)
    yield from _collector(run)
    yield from _curves(run)


def _processors(run: Result) -> Iterator[Event]:
    for row in _rows(run.slices.sort_values(["processor", "start_ns"], kind="stable")):
        track = TraceTrack("Ps", f"P{row.processor}")
        args = {"goroutine": row.name} if row.name and row.kind != "goroutine" else {}
        name = row.name if row.kind == "goroutine" and row.name else row.kind
        yield TraceSlice(track, name, row.start_ns, row.end_ns - row.start_ns, args)


def _collector(run: Result) -> Iterator[Event]:
    for cycle in _rows(run.cycles):
        told = ("reason", "trigger", "heap_goal", "heap_start", "heap_end", "heap_marked")
        args = {name: getattr(cycle, name) for name in told}
        took = cycle.end_ns - cycle.start_ns
        yield TraceSlice(_GC, f"cycle {cycle.number}", cycle.start_ns, took, args)
        yield TraceSlice(_GC, "mark", cycle.mark_ns, cycle.mark_term_ns - cycle.mark_ns)
        if cycle.limiting:
            yield Instant(_GC, "limiter active", cycle.end_ns)
    for pause in _rows(run.pauses):
        yield TraceSlice(_STW, pause.kind, pause.at_ns, pause.total_ns, {"cycle": pause.cycle})


def _curves(run: Result) -> Iterator[Event]:
    curves = {
        "heap_live": "sim:heap/live:bytes",
        "goal": "/gc/heap/goal:bytes",
        "trigger": "sim:heap/trigger:bytes",
        "RSS": "sim:rss:bytes",
        "goroutines": "/sched/goroutines:goroutines",
    }
    samples = between_batches(run.samples)
    for name, column in curves.items():
        track = TraceTrack("Curves", name)
        for at, value in zip(samples["at_ns"], samples[column], strict=True):
            yield Counter(track, int(at), {column.rpartition(":")[2]: int(value)})


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    """Rows by column, with Python's own numbers, which JSON takes."""
    columns = (frame[name].tolist() for name in frame.columns)
    names = list(frame.columns)
    return (
        SimpleNamespace(**dict(zip(names, values, strict=True)))
        for values in zip(*columns, strict=True)
    )


def benchmarks(runs: Iterable[Result], out: IO[str]) -> None:
    """The headline figures for benchstat: runs that differ by their seed alone are repetitions."""
    results = [_benchmark(run) for run in runs]
    units = dict.fromkeys(unit for result in results for unit in result.values)  # noqa: PD011
    better = {unit: _better(unit) for unit in units}
    lines = [*benchfmt.format_units(better), *benchfmt.format_lines(results)]
    out.writelines(f"{line}\n" for line in lines)


def _better(unit: str) -> Better | None:
    """Whether more or less of a figure is better; None where neither is."""
    name = unit.rpartition("-")[0] or unit
    if name in _MORE_IS_BETTER:
        return "higher"
    return None if name in _NEITHER else "lower"


def _benchmark(run: Result) -> benchfmt.BenchmarkResult:
    config = run.config
    settings = {key: config[key] for key in _ALWAYS} | {
        key: value for key, value in run.settings.items() if key != "GOMAXPROCS"
    }
    parts = [f"{key}={value}" for key, value in settings.items()]
    words = re.split(r"[^0-9A-Za-z]+", str(run.run["workload"]))
    title = "".join(word[:1].upper() + word[1:] for word in words) or "Run"
    name = re.sub(r"\s+", "_", "/".join([title, *parts])) + f"-{config['GOMAXPROCS']}"
    about = {"gomemsim": run.run["gomemsim"], "machine": run.run["profile"]}
    return benchfmt.BenchmarkResult(name, max(len(run.requests), 1), _values(run), about)


def _values(run: Result) -> dict[str, float]:
    values = {}
    if len(run.requests):
        took = run.requests["end_ns"] - run.requests["arrival_ns"]
        values["ns/op"] = float(took.mean())
    for name, figure in run.summary().items():
        scale = 100 if figure.unit == "fraction" else 1
        values[f"{name}-{_UNITS[figure.unit]}"] = figure.value * scale
    return values


def gctrace(runs: Iterable[Result], out: IO[str]) -> None:
    """What GODEBUG=gctrace=1 would have printed."""
    out.writelines(run.gctrace() for run in runs)


FORMATS: Final[Mapping[str, Callable[[Iterable[Result], IO[str]], None]]] = MappingProxyType(
    {"perfetto": perfetto, "benchfmt": benchmarks, "gctrace": gctrace}
)
"""By the name that people type."""
