"""A tuning in plain words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pandas as pd

from sim.advice.prediction import Prediction
from sim.advice.risks import Risks
from sim.advice.tuning import Candidate, Goals, Tuning, gc_cpu_share, shortfall
from sim.fitting.settings import name_gogc, name_limit
from sim.replay.setting import Setting
from sim.units import Fraction, MiB, format_bytes, format_duration

if TYPE_CHECKING:
    from sim.advice.confirm import Detail


def recommendation(tuning: Tuning, confirmed: Prediction, found: Risks) -> str:
    """What to set, what it costs, and what can go wrong."""
    goals, figures = tuning.goals, confirmed.middle
    assert tuning.best is not None
    room = 1 - figures.peak_rss_bytes / goals.memory
    procs = confirmed.setting.procs
    share = 1 / (figures.wall_seconds * procs)
    low, high = confirmed.low.peak_rss_bytes, confirmed.high.peak_rss_bytes
    sentences = [
        (
            f"memory: {format_bytes(figures.peak_rss_bytes)} at the peak ({format_bytes(low)} to"
            f" {format_bytes(high)}) of {format_bytes(goals.memory)}; {room:.0%} is left"
        ),
        (
            f"GC CPU: {gc_cpu_share(confirmed):.1%} of {procs} Ps, and"
            f" {figures.idle_cpu_seconds * share:.1%} that nobody else wanted (idle workers)"
        ),
        f"cycles: {figures.gc_cycles / figures.wall_seconds:.2g} a second",
        f"pauses: {1e6 * figures.pause_p99_seconds:.0f}us at the 99th percentile, as logged",
        _latency(confirmed),
        *(f"risk: {sentence}" for sentence in risk_sentences(found, goals)),
    ]
    listed = "\n".join(f"- {sentence}" for sentence in sentences)
    return f"Recommended: {environment(tuning.best.setting)}\n\n{listed}"


def in_detail(found: Detail | None) -> str:
    """What the detailed simulator makes of the recommendation."""
    if found is None:
        return "in detail: not simulated, its cycles are too rare for a run of seconds"
    return (
        f"in detail, simulated span by span for {format_duration(found.simulated)}:"
        f" {format_bytes(found.peak_rss)} at the peak, {found.gc_cpu:.1%} GC CPU and"
        f" {found.idle:.1%} of idle workers, {found.cycles_per_second:.2g} cycles a second"
    )


def _latency(confirmed: Prediction) -> str:
    figures = confirmed.middle
    if math.isnan(figures.latency_p99_seconds):
        return "latency: not in a gctrace log; --arrivals says how many requests came"
    low, high = confirmed.low.latency_p99_seconds, confirmed.high.latency_p99_seconds
    return (
        f"latency: {1e3 * figures.latency_p50_seconds:.3g}ms in the middle and"
        f" {1e3 * figures.latency_p99_seconds:.3g}ms ({1e3 * low:.3g}ms to {1e3 * high:.3g}ms) at"
        " the 99th percentile, if requests arrive at random and take exponential times"
    )


def nothing_fits(tuning: Tuning) -> str:
    """Why there is no recommendation, and what comes nearest."""
    least = min(tuning.candidates, key=lambda c: shortfall(c, tuning.goals))
    told = (
        f"Nothing keeps all goals. Nearest: {environment(least.setting)}, which misses"
        f" {' and '.join(least.failures)}: it needs"
        f" {format_bytes(least.grown.high.peak_rss_bytes)} and"
        f" {gc_cpu_share(least.grown):.1%} of the CPU for collection."
    )
    if tuning.step and "memory" in least.failures:
        told += (
            f" Single allocations of up to {format_bytes(tuning.step)} come on top of any goal: no"
            " setting of the collector helps; smaller buffers, or the same ones again, do."
        )
    return told


def risk_sentences(found: Risks, goals: Goals) -> list[str]:
    """Each risk as a sentence."""
    return [
        _when(found.gc_cpu, f"collection takes more than {goals.max_gc_cpu:.0%} of the CPU"),
        _when(found.thrashing, "the program thrashes: collection takes over a third of the CPU"),
        _when(found.limiter, "the GC CPU limiter is active, and the heap grows beyond GOMEMLIMIT"),
        _when(
            found.out_of_memory, f"the process is killed for more than {format_bytes(goals.memory)}"
        ),
    ]


def _when(growth: Fraction | None, what: str) -> str:
    if growth is None:
        return f"{what}: not before the memory is full, however the live heap grows"
    return f"{what} if the live heap grows by {growth:.0%}"


def environment(setting: Setting) -> str:
    """As variables of the environment, in a line."""
    return " ".join(f"{name}={value}" for name, value in variables(setting).items())


def variables(setting: Setting) -> dict[str, str]:
    """Variables of the environment and their values."""
    found = {"GOGC": name_gogc(setting.gogc)}
    if setting.memory_limit is not None:
        found["GOMEMLIMIT"] = name_limit(setting.memory_limit)
    return {**found, "GOMAXPROCS": str(setting.procs)}


def trade_off(tuning: Tuning) -> str:
    """Every setting tried, from least to most memory."""
    ordered = sorted(tuning.candidates, key=lambda c: c.now.middle.peak_rss_bytes)
    return _table([(environment(c.setting), c) for c in ordered], tuning)


def policies(tuning: Tuning) -> str:
    """The named policies beside each other."""
    return _table([(policy.name, candidate) for policy, candidate in tuning.policies], tuning)


def _table(rows: list[tuple[str, Candidate]], tuning: Tuning) -> str:
    shown = [
        {
            "setting": name + (" (recommended)" if candidate is tuning.best else ""),
            "peak RSS MiB": f"{candidate.now.middle.peak_rss_bytes / MiB:.0f}",
            "GC CPU": f"{gc_cpu_share(candidate.now):.1%}",
            "assists": f"{_assists(candidate.now):.2%}",
            "cycles/s": f"{candidate.now.middle.gc_cycles / candidate.now.middle.wall_seconds:.2g}",
            **_grown(candidate, tuning.goals),
            "misses": ", ".join(candidate.failures),
        }
        for name, candidate in rows
    ]
    return pd.DataFrame(shown).to_markdown(index=False, disable_numparse=True)


def _grown(candidate: Candidate, goals: Goals) -> dict[str, str]:
    if not goals.growth:
        return {}
    with_growth = f"with {goals.growth:.0%} more live heap"
    return {
        f"MiB {with_growth}": f"{candidate.grown.middle.peak_rss_bytes / MiB:.0f}",
        f"GC CPU {with_growth}": f"{gc_cpu_share(candidate.grown):.1%}",
    }


def _assists(prediction: Prediction) -> Fraction:
    figures = prediction.middle
    return figures.assist_cpu_seconds / (figures.wall_seconds * prediction.setting.procs)
