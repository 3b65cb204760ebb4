"""A tuning in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from sim.advice.prediction import Figures, Prediction
from sim.advice.risks import MOST_GROWTH, Risks
from sim.advice.tuning import Candidate, Goals, Tuning, p99, shortfall
from sim.fitting.settings import name_gogc, name_limit
from sim.replay.setting import Setting
from sim.units import SECOND, Bytes, Figure, format_bytes, format_duration

if TYPE_CHECKING:
    from sim.advice.confirm import Detail


def recommendation(tuning: Tuning, confirmed: Prediction, found: Risks) -> str:
    """What the recommended setting costs, and what can go wrong."""
    goals, figures = tuning.goals, confirmed.middle
    procs = confirmed.setting.procs
    share = 1 / (figures.wall_seconds * procs)
    low, high = confirmed.low.peak_rss_bytes, confirmed.high.peak_rss_bytes
    sentences = [
        (
            f"memory: {format_bytes(figures.peak_rss_bytes)} at the peak ({format_bytes(low)} to"
            f" {format_bytes(high)}); {fits(confirmed, goals.memory)}"
        ),
        (
            f"GC CPU: {Figure(figures.gc_cpu_share, 'fraction')} of {procs} Ps, and"
            f" {Figure(figures.idle_cpu_seconds * share, 'fraction')} by idle workers, on Ps that"
            " nothing else wanted"
        ),
        f"cycles: {figures.gc_cycles / figures.wall_seconds:.2g} a second",
        f"pauses: {format_duration(figures.pause_p99_seconds * SECOND)} at the 99th percentile",
        _latency(confirmed),
        f"risks: {risks_in_words(found, goals)}",
    ]
    return "\n".join(f"- {sentence}" for sentence in sentences)


def fits(prediction: Prediction, container: Bytes) -> str:
    """Whether where nine of ten programs with such a log lie is within a container."""
    size, high = format_bytes(container), prediction.high.peak_rss_bytes
    if high <= container:
        return f"it fits into {size}: {1 - high / container:.0%} is left at worst"
    if prediction.low.peak_rss_bytes > container:
        return f"it does not fit into {size}: it may need up to {format_bytes(high)}"
    return f"it may not fit into {size}: it may need up to {format_bytes(high)}"


def in_detail(found: Detail | None, predicted: Prediction) -> str:
    """What the detailed simulator makes of the recommendation, and whether it disagrees."""
    if found is None:
        return "in detail: not simulated, its cycles are too rare for a run of seconds"
    low, high = predicted.low, predicted.high
    inside = {
        "peak RSS": low.peak_rss_bytes <= found.peak_rss <= high.peak_rss_bytes,
        "GC CPU": low.gc_cpu_share <= found.gc_cpu <= high.gc_cpu_share,
    }
    outside = " and ".join(name for name, is_inside in inside.items() if not is_inside)
    why = (
        f"; {outside} outside of what is predicted, which rests on the log: objects, goroutines and"
        " costs of the simulation only stand for those of the program"
    )
    return (
        f"in detail, simulated span by span for {format_duration(found.simulated)}: peak RSS"
        f" {format_bytes(found.peak_rss)}, {found.gc_cpu:.1%} GC CPU and {found.idle:.1%} of idle"
        f" workers, {found.cycles_per_second:.2g} cycles a second{why if outside else ''}"
    )


def _latency(confirmed: Prediction) -> str:
    figures = confirmed.middle
    if math.isnan(figures.latency_p99_seconds):
        return "latency: not in a gctrace log; --arrivals says how many requests came"
    low, high = confirmed.low.latency_p99_seconds, confirmed.high.latency_p99_seconds
    return (
        f"latency: {format_duration(figures.latency_p50_seconds * SECOND)} in the middle and"
        f" {format_duration(figures.latency_p99_seconds * SECOND)} ({format_duration(low * SECOND)}"
        f" to {format_duration(high * SECOND)}) at the 99th percentile, if"
        " requests arrive at random and take exponential times"
    )


def nothing_fits(tuning: Tuning) -> str:
    """Why there is no recommendation, and what comes nearest."""
    least = min(tuning.candidates, key=lambda c: shortfall(c, tuning.goals))
    told = (
        f"Nothing keeps all goals. Nearest: {environment(least.setting)}, which misses"
        f" {' and '.join(least.failures)}: it may need up to"
        f" {format_bytes(least.grown.high.peak_rss_bytes)}, and takes"
        f" {least.grown.middle.gc_cpu_share:.1%} of the CPU for collection."
    )
    if tuning.goals.p99 is not None:
        middle, high = (round(p99(one)) for one in (least.grown.middle, least.grown.high))
        told += (
            f" Its 99th percentile is {format_duration(middle)}, at worst {format_duration(high)}."
        )
    if tuning.step and "memory" in least.failures:
        told += (
            f" Single allocations of up to {format_bytes(tuning.step)} come on top of any goal: no"
            " setting of the collector helps; smaller buffers, or the same ones again, do."
        )
    return told


def risks_in_words(found: Risks, goals: Goals) -> str:
    """What breaks as the live heap grows, and when."""
    breaks = {
        f"collection takes more than {goals.max_gc_cpu:.0%} of the CPU": found.gc_cpu,
        "collection takes over a third of the CPU": found.thrashing,
        "the GC CPU limiter lets the heap grow beyond GOMEMLIMIT": found.limiter,
        f"the process is killed for more than {format_bytes(goals.memory)}": found.out_of_memory,
    }
    told = [f"{what} at {growth:+.0%}" for what, growth in breaks.items() if growth is not None]
    until = f"nothing up to {MOST_GROWTH:+.0%}"
    return f"as the live heap of the likeliest program grows, {'; '.join(told) or until}"


def environment(setting: Setting) -> str:
    """As variables of the environment, in a line."""
    return " ".join(f"{name}={value}" for name, value in variables(setting).items())


def collector(setting: Setting) -> str:
    """The same without GOMAXPROCS."""
    found = {name: value for name, value in variables(setting).items() if name != "GOMAXPROCS"}
    return " ".join(f"{name}={value}" for name, value in found.items())


def variables(setting: Setting) -> dict[str, str]:
    """Variables of the environment and their values."""
    found = {"GOGC": name_gogc(setting.gogc)}
    if setting.memory_limit is not None:
        found["GOMEMLIMIT"] = name_limit(setting.memory_limit)
    return {**found, "GOMAXPROCS": str(setting.procs)}


MISSED: Final = {
    "load": "load: with collection it is more than the Ps can do",
    "limiter": "limiter: the GC CPU limiter lets the heap grow beyond GOMEMLIMIT",
}
"""What goals mean whose names do not say it."""


def on_misses(tuning: Tuning) -> str:
    """What the verdicts of the table rest on, which it does not show."""
    grown = f", with a live heap {tuning.goals.growth:+.0%}," if tuning.goals.growth else ""
    memory = (
        f"misses memory: the range of nine of ten programs with such a log{grown} reaches beyond"
        " the container"
    )
    missed = {goal for candidate in tuning.candidates for goal in candidate.failures}
    return "; ".join([memory, *(about for goal, about in MISSED.items() if goal in missed)])


def trade_off(tuning: Tuning) -> list[dict[str, str]]:
    """Every setting tried, from least to most memory; limits that change nothing in one row."""
    alike: dict[object, list[Candidate]] = {}
    for candidate in sorted(tuning.candidates, key=lambda c: c.now.middle.peak_rss_bytes):
        setting = candidate.setting
        shown = tuple(_row("", [candidate], tuning).values())[:-1]
        alike.setdefault((setting.gogc, setting.procs, shown), []).append(candidate)
    return [_row(_name(several), several, tuning) for several in alike.values()]


def _name(alike: Sequence[Candidate]) -> str:
    """The setting of a candidate, or of several that differ in a limit that none reaches."""
    first = alike[0].setting
    if len(alike) == 1:
        return environment(first)
    return f"GOGC={name_gogc(first.gogc)} GOMAXPROCS={first.procs}, whatever limit"


def policies(tuning: Tuning) -> list[dict[str, str]]:
    """The named policies beside each other."""
    return [_row(policy.name, [candidate], tuning) for policy, candidate in tuning.policies]


def _row(name: str, alike: Sequence[Candidate], tuning: Tuning) -> dict[str, str]:
    candidate = alike[0]
    figures = candidate.now.middle
    missed = f"misses {', '.join(candidate.failures)}" if candidate.failures else ""
    return {
        "setting": name,
        "peak RSS": format_bytes(figures.peak_rss_bytes),
        "GC CPU": str(Figure(figures.gc_cpu_share, "fraction")),
        "cycles": f"{figures.gc_cycles / figures.wall_seconds:.2g}/s",
        **_latency_p99(figures),
        **_grown(candidate, tuning.goals),
        "verdict": "recommended" if tuning.best in alike else missed,
    }


def _latency_p99(figures: Figures) -> dict[str, str]:
    """A column where the arrivals of requests are known."""
    if math.isnan(figures.latency_p99_seconds):
        return {}
    return {"latency p99": format_duration(figures.latency_p99_seconds * SECOND)}


def _grown(candidate: Candidate, goals: Goals) -> dict[str, str]:
    if not goals.growth:
        return {}
    figures, live = candidate.grown.middle, f"live heap {goals.growth:+.0%}"
    return {
        f"peak RSS, {live}": format_bytes(figures.peak_rss_bytes),
        f"GC CPU, {live}": str(Figure(figures.gc_cpu_share, "fraction")),
    }
