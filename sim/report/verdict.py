"""What came out, before any table: what was asked, the answer, and what it rests on.

At most five lines of plain words with units, by one function for each kind of result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sim.advice.prediction import Prediction
from sim.advice.report import environment
from sim.advice.risks import MOST_GROWTH, Risks
from sim.advice.tuning import EQUALLY_CHEAP, Candidate, Tuning
from sim.advice.whatif import doubts, with_range
from sim.experiment.groups import title
from sim.experiment.table import Comparison, Row
from sim.fitting.gctrace_fit import Fit
from sim.results.diagnosis import Finding
from sim.results.gc_cost import gc_cpu
from sim.results.names import by_worth, words
from sim.results.result import SETTINGS, Result
from sim.results.summary import Figure, Summary
from sim.units import Bytes, Fraction, format_bytes, format_duration

if TYPE_CHECKING:
    from sim.advice.api import Advice

HARMLESS: Final = frozenset({"idle workers' CPU", "minimum-heap regime"})
"""Findings that cost the program nothing."""
MORE_IS_BETTER: Final = frozenset({"requests", "throughput", "mmu_10ms"})
MOST_TOLD: Final = 3
"""Settings that a line of a verdict names."""
SATURATED: Final[Fraction] = 0.95
"""Of the Ps: more than that leaves nothing to a moment of more load."""


def of_run(run: Result) -> list[str]:
    """Is it healthy, what does collection cost, what limits it, and what is that based on."""
    figures, findings = run.summary(), run.diagnose()
    lines = [f"{_asked(run)}: {_health(run, findings)}.", *_cost(run, figures)]
    if memory := _memory(figures):
        lines.append(memory)
    return [*lines, _limits(run, findings), _basis(run)]


def settings_of(run: Result) -> dict[str, str]:
    """GOGC, GOMEMLIMIT and GOMAXPROCS of a run, as variables of the environment."""
    return {key: str(run.config[key]) for key in SETTINGS}


def _asked(run: Result) -> str:
    setting = " ".join(f"{key}={value}" for key, value in settings_of(run).items())
    return f"{run.run['workload']} for {format_duration(run.end_ns)} under {setting}"


def _health(run: Result, findings: list[Finding]) -> str:
    grave = [finding.name for finding in findings if finding.name not in HARMLESS]
    if grave:
        return f"not healthy ({', '.join(grave)})"
    return "partial, it did not come to its end" if run.partial else "healthy"


def _cost(run: Result, figures: Summary) -> list[str]:
    if run.cycles.empty:
        return ["GC costs nothing: there was no cycle."]
    cost = gc_cpu(run.service("cycles"), run.end_ns, run.service_ns)
    idle = Figure(float(cost["fraction_with_idle"] - cost["fraction"]), "fraction")
    pause = f", longest pause {figures['longest_pause']}" if "longest_pause" in figures else ""
    cycles = figures["gc_cycles"]
    told = f"GC costs {figures['gc_cpu']} of the CPU, and {idle} more on Ps that were idle"
    return [f"{told}, in {cycles} cycles{pause}."]


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
    how = {"fluid": "rates (fluid mode)"}.get(run.run["detail"], "every goroutine and refill")
    return (
        f"Rests on: a simulation of {how}, seed {run.run['seed']} alone, with the costs of"
        f" {run.run['profile']}."
    )


def of_comparison(table: Comparison) -> list[str]:
    """Which setting wins on what, what it costs, and what cannot be told apart."""
    rows = table.means or [row for row in table.rows if not row.verdict]
    lines = [_asked_of(table)]
    told = [name for name in by_worth(table.units) if rows and name in rows[0].cells]
    lines += [_winner(name, rows, table.units[name]) for name in told[:3]]
    return [*lines, _seeds(table)]


def _asked_of(table: Comparison) -> str:
    name = _with_workload if table.means else _setting
    optimal = [name(row) for row in table.rows if row.optimal]
    ended = [f"{name(row)} ({row.verdict})" for row in table.rows if row.verdict]
    worth = f"{len(table.rows)} settings; worth having: {', '.join(optimal) or 'none'}"
    return f"{worth}{'; not to their end: ' + ', '.join(ended) if ended else ''}."


def _setting(row: Row) -> str:
    return title(row.settings)


def _with_workload(row: Row) -> str:
    return f"{row.workload} {title(row.settings)}"


def _winner(name: str, rows: Sequence[Row], unit: str) -> str:
    """What surely differs from the baseline in a figure, the best first."""
    sign = -1 if name in MORE_IS_BETTER else 1
    base = next((row for row in rows if row.baseline), None)
    other = [row for row in rows if name in row.cells and _counts(row, name)]
    ordered = sorted(other, key=lambda row: sign * row.cells[name].change.value)
    told = ", ".join(
        f"{_setting(row)} {row.cells[name].change.value:+.1%}" for row in ordered[:MOST_TOLD]
    )
    start = f"{words(name)}, baseline"
    if base is not None and name in base.cells and not math.isnan(base.cells[name].median.value):
        start += f" {Figure(base.cells[name].median.value, unit)}"
    return f"{start}: {told or 'nothing is distinguishable from it'}."


def _counts(row: Row, name: str) -> bool:
    """A difference that is not of chance, or that one seed cannot tell from it."""
    cell = row.cells[name]
    one_seed = math.isnan(cell.change.low) and not math.isnan(cell.change.value)
    return cell.holds or (one_seed and not row.baseline)


def _seeds(table: Comparison) -> str:
    if not table.confidence:
        return "Rests on: one seed, which tells no chance from a difference; see --seeds."
    return (
        f"Rests on: simulations with common seeds; {table.tests} differences are tested together,"
        " with 5% of error for all."
    )


def of_predictions(fit: Fit, today: Prediction, predictions: Sequence[Prediction]) -> list[str]:
    """What other settings change against today's, `today`."""
    others = [p for p in predictions if p.setting != today.setting]
    lines = [f"Today, {environment(today.setting)}: {_figures(today)}."]
    bounded = [p for p in others if p.setting.gogc is not None or p.setting.memory_limit]
    if others:
        cheapest = min(
            bounded or others, key=lambda p: (p.middle.gc_cpu_share, p.middle.peak_rss_bytes)
        )
        smallest = min(others, key=lambda p: (p.middle.peak_rss_bytes, p.middle.gc_cpu_share))
        lines.append(f"Least GC CPU, {environment(cheapest.setting)}: {_change(today, cheapest)}.")
        if smallest is not cheapest:
            lines.append(
                f"Least memory, {environment(smallest.setting)}: {_change(today, smallest)}."
            )
    return [*lines, _log_basis(fit)]


def of_setting(
    fit: Fit, today: Prediction, prediction: Prediction, container: Bytes | None
) -> list[str]:
    """What one setting does: against today's, against a container, and what to doubt."""
    same = _figures(prediction) == _figures(today)
    told = _figures(today) if same else _change(today, prediction)
    lines = [f"{environment(prediction.setting)}: {told}."]
    if container is not None:
        lines.append(f"{_fits(prediction, container)}.")
    known = {f"- doubt: {sentence}" for sentence in fit.warnings}
    own = [line for line in doubts(fit, [prediction]).splitlines() if line not in known]
    return [*lines, *(line.removeprefix("- ") for line in own)]


def _fits(prediction: Prediction, container: Bytes) -> str:
    size, high = format_bytes(container), prediction.high.peak_rss_bytes
    if high <= container:
        return f"It fits into {size}: {1 - high / container:.0%} is left at worst"
    if prediction.low.peak_rss_bytes > container:
        return f"It does not fit into {size}: it needs {format_bytes(high)} at worst"
    return f"It may not fit into {size}: it needs up to {format_bytes(high)}"


def of_tuning(fit: Fit, today: Prediction, advice: Advice) -> list[str]:
    """What to set, what it costs, why not the neighbour that also fits, and when it breaks."""
    tuning, confirmed = advice.tuning, advice.confirmed
    if tuning.best is None or confirmed is None or advice.risks is None:
        return [str(advice), _log_basis(fit)]
    memory = format_bytes(tuning.goals.memory)
    lines = [
        f"Set {environment(confirmed.setting)} in a container of {memory}.",
        f"It costs: {_figures(confirmed)}; today {_figures(today)}.",
    ]
    if other := neighbour(tuning):
        lines.append(why_not(tuning.best, other))
    return [*lines, _breaks(advice.risks, tuning), _log_basis(fit)]


def neighbour(tuning: Tuning) -> Candidate | None:
    """The cheapest other setting that keeps all goals and does something else than the best."""
    best = tuning.best
    others = [
        candidate
        for candidate in tuning.candidates
        if best is not None
        and not candidate.failures
        and candidate.setting.procs == best.setting.procs
        and _costs(candidate) != _costs(best)
    ]
    return min(others, key=lambda c: c.grown.middle.gc_cpu_share, default=None)


def _costs(candidate: Candidate) -> tuple[float, float]:
    return candidate.now.middle.peak_rss_bytes, candidate.now.middle.gc_cpu_share


def why_not(best: Candidate, other: Candidate) -> str:
    """Why the recommended setting and not another one that keeps all goals."""
    there = other.now.middle
    more_cpu = other.grown.middle.gc_cpu_share - best.grown.middle.gc_cpu_share
    more_rss = there.peak_rss_bytes - best.now.middle.peak_rss_bytes
    return (
        f"Why not {environment(other.setting)}: it fits too, with peak RSS"
        f" {format_bytes(there.peak_rss_bytes)} and GC CPU {_share(there.gc_cpu_share)},"
        f" {_reason(best, other, more_cpu, more_rss)}."
    )


def _reason(best: Candidate, other: Candidate, more_cpu: Fraction, more_rss: float) -> str:
    if more_cpu > EQUALLY_CHEAP:
        return "which costs more"
    if other.setting.memory_limit is None and best.setting.memory_limit is not None:
        return "without a limit that holds the heap when it grows"
    small = "which saves less than half a percent of the CPU"
    if other.setting.gogc is None and best.setting.gogc is not None:
        return f"{small} and fills the limit whether it needs to or not"
    return f"{small} for more memory" if more_rss > 0 else small


def _breaks(found: Risks, tuning: Tuning) -> str:
    what = {
        f"GC takes over {tuning.goals.max_gc_cpu:.0%} of the CPU": found.gc_cpu,
        "the GC CPU limiter gives the limit up": found.limiter,
        f"it is killed for {format_bytes(tuning.goals.memory)}": found.out_of_memory,
    }
    told = [f"{name} at {1 + growth:g}x" for name, growth in what.items() if growth is not None]
    until = f"nothing up to {1 + MOST_GROWTH:g}x"
    return f"Breaks when the live heap grows: {', '.join(told) or until}."


def _figures(prediction: Prediction) -> str:
    rss, cpu = (with_range(prediction, name) for name in ("peak_rss_bytes", "gc_cpu_share"))
    return f"peak RSS {rss}, GC CPU {cpu}"


def _change(today: Prediction, other: Prediction) -> str:
    rss = other.middle.peak_rss_bytes / max(today.middle.peak_rss_bytes, 1) - 1
    return f"{_figures(other)}, {rss:+.0%} memory for {_times(today, other)} GC CPU"


def _times(today: Prediction, other: Prediction) -> str:
    before = today.middle.gc_cpu_share
    return f"{other.middle.gc_cpu_share / before - 1:+.0%}" if before else "as much"


def _share(share: Fraction) -> str:
    return str(Figure(share, "fraction"))


def _log_basis(fit: Fit) -> str:
    doubts = f"; {len(fit.warnings)} doubts below" if fit.warnings else ""
    return (
        f"Rests on: a replay of {fit.cycles:,} logged cycles of a {fit.program.load.value} program;"
        f" in brackets where nine of ten programs with such a log lie{doubts}."
    )
