"""What came out, before any table: what was asked, the answer, and what it rests on.

A few lines of plain words with units, by one function for each kind of result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from sim.config.machine import load_profile
from sim.config.plain import plain
from sim.config.run import GcPolicies, ModelSwitches, RunConfig, default_marker
from sim.errors import UserError
from sim.experiment.dominance import INDIFFERENT, Standing
from sim.experiment.groups import title
from sim.experiment.markdown import change_text
from sim.experiment.table import SENSES, TRADED, Cell, Comparison, Row
from sim.report.colors import CAUSES
from sim.results.diagnosis import Finding
from sim.results.few import awaits_cycle
from sim.results.gc_cost import gc_cpu
from sim.results.latency import tail_causes
from sim.results.names import by_worth, words
from sim.results.result import SETTINGS, Result
from sim.results.summary import Summary
from sim.units import Figure, Fraction, format_duration

HARMLESS: Final = frozenset({"idle workers' CPU", "minimum-heap regime"})
"""Findings that cost the program nothing."""
MORE_IS_BETTER: Final = frozenset({"requests", "throughput", "mmu_10ms"})
MOST_TOLD: Final = 3
"""Settings that a line of a verdict names."""
MOST_THAN: Final = 2
"""Settings that are named as those that another is better than."""
MODES: Final = ("detail", "resolution")
"""Switches of the model that are told as what a run rests on."""
TAIL: Final = 0.99
"""The quantile of latency from which on requests are slow."""
MOSTLY: Final[Fraction] = 0.5
"""Of the time of slow requests: what takes more of it is what makes them slow."""
OWN: Final = frozenset({"on_cpu", "alloc", "blocked"})
"""Causes of latency that are the work of the request itself, or waiting that it asks for."""
SATURATED: Final[Fraction] = 0.95
"""Of the Ps: more than that leaves nothing to a moment of more load."""


def of_run(run: Result) -> list[str]:
    """Is it healthy, what does collection cost, what limits it, and what is that based on."""
    figures, findings = run.summary(), run.diagnose()
    lines = [f"{_asked(run)}: {_health(run, findings)}.", *_cost(run, figures)]
    if memory := _memory(figures):
        lines.append(memory)
    return [*lines, _limits(run, findings), _basis(run, figures)]


def settings_of(run: Result) -> dict[str, str]:
    """GOGC, GOMEMLIMIT and GOMAXPROCS of a run, as variables of the environment."""
    return {key: str(run.config[key]) for key in SETTINGS}


def changed_parts(run: Result) -> dict[str, str]:
    """Policies and mechanisms of a run that are not those of a run without a word about them."""
    go, policies = str(run.config["go"]), plain(GcPolicies(), GcPolicies)
    policies["marker"] = {default_marker(go).name: {}}
    model = plain(ModelSwitches(), ModelSwitches)
    usual = {"gc": policies, "model": model}
    found = {} if go == RunConfig.go else {"go": go}
    for part, names in usual.items():
        for name, value in names.items():
            own = run.config[part].get(name, value)
            if own != value and name not in MODES:
                found[f"{part}.{name}"] = _typed(own)
    return found


def _typed(value: object) -> str:
    """A value as in --set; of a policy its name."""
    if isinstance(value, dict):
        return str(next(iter(value), ""))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _asked(run: Result) -> str:
    given = {**settings_of(run), **changed_parts(run)}
    setting = " ".join(f"{key}={value}" for key, value in given.items())
    return f"{run.run['workload']} for {format_duration(run.end_ns)} under {setting}"


def _health(run: Result, findings: list[Finding]) -> str:
    grave = [finding.name for finding in findings if finding.name not in HARMLESS]
    if grave:
        return f"not healthy ({', '.join(grave)})"
    if not run.counts:
        return "over before its warm-up was, so that nobody knows whether it is healthy"
    return "partial, it did not come to its end" if run.partial else "healthy"


def _cost(run: Result, figures: Summary) -> list[str]:
    known = "What GC costs is not known" if awaits_cycle(run) else "GC costs nothing"
    if run.cycles.empty:
        return [f"{known}: there was no cycle."]
    served = run.service("cycles")
    if served.empty:
        since = format_duration(run.service_ns)
        return [f"{known} from {since} on: all {len(run.cycles)} cycles were before."]
    cost = gc_cpu(served, run.end_ns, run.service_ns)
    idle = Figure(float(cost["fraction_with_idle"] - cost["fraction"]), "fraction")
    pause = f", longest pause {figures['longest_pause']}" if "longest_pause" in figures else ""
    cycles = figures["gc_cycles"]
    told = f"GC costs {figures['gc_cpu']} of the CPU, and {idle} more on Ps that were idle"
    when = ""
    if run.service_ns:
        when = f" from {format_duration(run.service_ns)} on ({len(run.cycles)} in all)"
    counted = "1 cycle" if len(served) == 1 else f"{cycles} cycles"
    return [f"{told}, in {counted}{when}{pause}."]


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
    cause = _waiting(run) or "nothing"
    return f"What limits it: {cause}, {busy:.0%} of the Ps were busy."


def _waiting(run: Result) -> str:
    """What the slowest requests wait for more than half of their time, if not for their own."""
    requests = run.service("requests")
    if requests.empty:
        return ""
    tail = tail_causes(requests, TAIL)["tail"]
    cause, share = str(tail.idxmax()), tail.max() / tail.sum()
    if cause in OWN or not share > MOSTLY:
        return ""
    return f"{CAUSES[cause][0]}, {share:.0%} of the time of the slowest hundredth of requests"


def _busy(run: Result) -> Fraction | None:
    """Share of the CPU time of the Ps that was used; None where nothing was sampled."""
    if run.samples.empty:
        return None
    last = run.samples.iloc[-1]
    total = float(last["/cpu/classes/total:cpu-seconds"])
    return 1 - float(last["/cpu/classes/idle:cpu-seconds"]) / total if total else None


def _basis(run: Result, figures: Summary) -> str:
    how = {"fluid": "rates (fluid mode)"}.get(run.run["detail"], "every goroutine and refill")
    return (
        f"Rests on: a simulation of {how}, seed {run.run['seed']} alone, with the costs of"
        f" {run.run['profile']}.{_unseen(run, figures)}"
    )


def _unseen(run: Result, figures: Summary) -> str:
    """Between what GC CPU lies, as far as the profile says how heaps differ from what they cost."""
    try:
        off = load_profile(str(run.config["machine"])).mark.unseen_heap
    except UserError:  # a file that is no longer there
        return ""
    told = figures["gc_cpu"].value
    if not 0 < off < 1 or not told > 0:
        return ""
    low, high = (Figure(told / (1 + sign * off), "fraction") for sign in (1, -1))
    return (
        f" Marking four of five heaps of its benchmarks costs within {Figure(off, 'fraction')} of"
        f" that: then GC CPU is {low} to {high}."
    )


def of_comparison(table: Comparison) -> list[str]:
    """Which setting is better than which at what, what it costs, and what cannot be told."""
    rows = table.means or [row for row in table.rows if not row.verdict]
    lines = [_asked_of(table)]
    told = [name for name in by_worth(table.units) if rows and name in rows[0].cells]
    lines += [_winner(name, rows, table) for name in told[:3]]
    return [*lines, *table.few, _seeds(table)]


def _asked_of(table: Comparison) -> str:
    """What holds of pairs of settings, as the column Pareto has it."""
    name = _with_workload if table.means else _setting
    standing = [(name(row), row.standing) for row in table.rows if row.standing]
    ended = [f"{name(row)} ({row.verdict})" for row in table.rows if row.verdict]
    early = f"; not to their end: {', '.join(ended)}" if ended else ""
    parts = [f"{len(table.rows)} settings"]
    if len(table.rows) == 1:
        parts = ["1 setting, and none to compare it with"]
    elif any(stand.better for _, stand in standing):
        most = len(table.rows) // table.workloads - 1
        best = [(who, stand) for who, stand in standing if not stand.below]
        worth = [f"{who} ({_at(stand, most)})" for who, stand in best if stand.better]
        even = [who for who, stand in best if not stand.better]
        parts.append(f"worth having: {_some(worth)}")
        parts += [f"surely better at nothing: {_some(even)}"] if even else []
        beaten = [f"{who} (than {stand.below[0]})" for who, stand in standing if stand.below]
        parts += [f"worse: {_some(beaten)}"] if beaten else []
    else:
        traded = " or ".join(words(name) for name in table.units if name in TRADED)
        parts.append(f"none is better than another at {traded} by {INDIFFERENT:.0%} or more")
    return f"{'; '.join(parts)}{early}."


def _at(standing: Standing, others: int) -> str:
    """`less memory than GOGC=200; faster than all others`."""
    found = [
        f"{SENSES[figure][0]} than {_than(than, others)}"
        for figure, than in standing.better.items()
    ]
    return "; ".join(found)


def _than(names: Sequence[str], others: int) -> str:
    return "all others" if len(names) == others > MOST_THAN else _some(names, MOST_THAN)


def _some(texts: Sequence[str], most: int = 6) -> str:
    """The first of them, and how many more there are."""
    more = [f"{len(texts) - most} more"] if len(texts) > most else []
    return ", ".join([*texts[:most], *more])


def _setting(row: Row) -> str:
    return title(row.settings)


def _with_workload(row: Row) -> str:
    return f"{row.workload} {title(row.settings)}"


def _winner(name: str, rows: Sequence[Row], table: Comparison) -> str:
    """What surely differs from the baseline in a figure, the best first."""
    unit, sign = table.units[name], -1 if name in MORE_IS_BETTER else 1
    base = next((row for row in table.means or table.rows if row.baseline), None)
    other = [row for row in rows if name in row.cells and _counts(row, name)]
    ordered = sorted(other, key=lambda row: sign * _size(row.cells[name]))
    told = ", ".join(
        f"{_setting(row)} {change_text(row.cells[name], unit)}" for row in ordered[:MOST_TOLD]
    )
    start = words(name)
    if base is not None:
        end = f", {base.verdict}" if base.verdict else ""
        start += f", {_setting(base)} (baseline{end})"
        if name in base.cells and not math.isnan(base.cells[name].median.value):
            start += f" {Figure(base.cells[name].median.value, unit)}"
    cells = [row.cells[name] for row in rows if name in row.cells and not row.baseline]
    if cells and table.means and cells[0].workloads < table.workloads:
        start += f", mean over {cells[0].workloads} of {table.workloads} workloads"
    if told:
        return f"{start}: {told}."
    if not cells:
        return f"{start}."
    if all(math.isnan(cell.change.value) for cell in cells):
        why = "0 in some runs, which leaves no ratio" if table.means else "no seed in common"
        return f"{start}: not compared ({why})."
    return f"{start}: nothing is distinguishable from it."


def _size(cell: Cell) -> float:
    """What settings are ordered by: changes may be in two units."""
    median = cell.median.value
    return cell.change.value if math.isnan(median) else median


def _counts(row: Row, name: str) -> bool:
    """A difference that is not of chance, or that one seed cannot tell from it."""
    cell = row.cells[name]
    one_seed = math.isnan(cell.change.low) and not math.isnan(cell.change.value)
    return cell.holds or (one_seed and not row.baseline)


def _seeds(table: Comparison) -> str:
    if not table.confidence:
        return "Rests on: one seed, which tells no chance from a difference; see --seeds."
    others = ", and so are all other pairs" if table.has_other_pairs else ""
    return (
        f"Rests on: simulations with common seeds; {table.tests} changes from the baseline are"
        f" tested together, with 5% of error for all{others}."
    )
