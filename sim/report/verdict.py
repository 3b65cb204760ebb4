"""What came out, before any table: what was asked, the answer, and what it rests on.

At most five lines of plain words with units, by one function for each kind of result.
"""

from __future__ import annotations

from typing import Final

from yaml import safe_load

from sim.results.diagnosis import Finding
from sim.results.gc_cost import gc_cpu
from sim.results.result import Result
from sim.results.summary import Figure, Summary
from sim.units import Fraction, format_duration

SETTINGS: Final = ("GOGC", "GOMEMLIMIT", "GOMAXPROCS")
HARMLESS: Final = frozenset({"idle workers' CPU", "minimum-heap regime"})
"""Findings that cost the program nothing."""
SATURATED: Final[Fraction] = 0.95
"""Of the Ps: more than that leaves nothing to a moment of more load."""


def of_run(run: Result) -> list[str]:
    """Is it healthy, what does collection cost, what limits it, and what is that based on."""
    figures, findings = run.summary(), run.diagnose()
    lines = [f"{_asked(run)}: {_health(run, findings)}.", *_cost(run, figures)]
    if memory := _memory(figures):
        lines.append(memory)
    return [*lines, _limits(run, findings), _basis(run)]


def _asked(run: Result) -> str:
    config = safe_load(run.run["config"])
    setting = " ".join(f"{key}={config[key]}" for key in SETTINGS if key in config)
    return f"{run.run['workload']} for {format_duration(run.end_ns)} under {setting}"


def _health(run: Result, findings: list[Finding]) -> str:
    grave = [finding.name for finding in findings if finding.name not in HARMLESS]
    if grave:
        return f"not healthy ({', '.join(grave)})"
    return "partial, it did not come to its end" if run.partial else "healthy"


def _cost(run: Result, figures: Summary) -> list[str]:
    if run.cycles.empty:
        return ["GC costs nothing: there was no cycle."]
    cost = gc_cpu(run.cycles, run.end_ns)
    idle = Figure(float(cost["fraction_with_idle"] - cost["fraction"]), "fraction")
    pause = f", longest pause {figures['longest_pause']}" if "longest_pause" in figures else ""
    return [
        f"GC costs {figures['gc_cpu']} of the CPU, and {idle} more on Ps that were idle, in"
        f" {figures['gc_cycles']} cycles{pause}."
    ]


def _memory(figures: Summary) -> str:
    told = {
        "peak RSS": figures.get("peak_rss"),
        "peak heap": figures.get("peak_heap"),
        "live heap": figures.get("mean_heap_marked"),
    }
    known = [f"{name} {figure}" for name, figure in told.items() if figure is not None]
    tail = f"; latency p99 {figures['latency_p99']}" if "latency_p99" in figures else ""
    return f"Memory: {', '.join(known)}{tail}." if known else ""


def _limits(run: Result, findings: list[Finding]) -> str:
    if findings:
        return f"What limits it: {findings[0].name}, {findings[0].figure}."
    busy = _busy(run)
    if busy is None:
        return "What limits it: nothing that was recorded."
    if busy > SATURATED:
        return f"What limits it: the CPU, {busy:.0%} of the Ps were busy."
    return f"What limits it: nothing, {busy:.0%} of the Ps were busy."


def _busy(run: Result) -> Fraction | None:
    """Share of the CPU time of the Ps that was used; None where nothing was sampled."""
    if run.samples.empty:
        return None
    last = run.samples.iloc[-1]
    total = float(last["/cpu/classes/total:cpu-seconds"])
    return 1 - float(last["/cpu/classes/idle:cpu-seconds"]) / total if total else None


def _basis(run: Result) -> str:
    detail = safe_load(run.run["config"])["model"]["detail"]
    how = {"fluid": "rates (fluid mode)"}.get(detail, "every goroutine and refill")
    return (
        f"Rests on: a simulation of {how}, seed {run.run['seed']} alone, with the costs of"
        f" {run.run['profile']}."
    )


