"""Search for the settings of a container: least GC CPU that keeps what was asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from sim.advice.policies import NamedPolicy, named_policies, whole_mib
from sim.advice.prediction import Prediction, predict
from sim.errors import UserError
from sim.fitting.gctrace_fit import Fit
from sim.fluid.setting import Setting
from sim.units import SECOND, Bytes, Fraction, Nanoseconds

PERCENTS: Final = (25, 50, 75, 100, 150, 200, 300, 400, 600, 800)
LIMITED_PERCENTS: Final = (100, 200, 400, None)
LIMIT_SHARES: Final = (0.7, 0.8, 0.9)
SEEDS: Final = 1
DRAWS: Final = 2
"""Runs per setting while searching; the winner is confirmed with more."""
EQUALLY_CHEAP: Final[Fraction] = 0.005
"""A difference of GC CPU that is not worth a risk or memory."""


@dataclass(frozen=True, slots=True)
class Goals:
    """What the owner of the service asks for."""

    memory: Bytes
    procs: int
    max_gc_cpu: Fraction = 0.25
    """Of all CPU time of the Ps, idle workers not counted: they only take what is left over."""
    p99: Nanoseconds | None = None
    """Of pauses: the log knows no requests."""
    growth: Fraction = 0.0
    """By which the live heap may grow without breaking these."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A setting, as the program is now and with its live heap grown."""

    setting: Setting
    now: Prediction
    grown: Prediction
    failures: tuple[str, ...]
    """Goals that it misses."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """The outcome of a search."""

    goals: Goals
    candidates: list[Candidate]
    policies: list[tuple[NamedPolicy, Candidate]]
    best: Candidate | None
    """None where nothing keeps all goals."""


def tune(
    fit: Fit, goals: Goals, seed: int = 1, progress: Callable[[float], None] | None = None
) -> Tuning:
    """Try GOGC and GOMEMLIMIT; prefer least GC CPU, and of equals least memory."""
    live = max(stretch.live for stretch in fit.program.stretches)
    if live > goals.memory:
        raise UserError(
            f"the live heap of the log, {live / 2**20:.0f}MiB, does not fit into the memory given"
        )
    named = named_policies(goals.memory, goals.procs)
    search = _search(goals, least_limit=live + fit.overheads.at(live))
    settings = list(dict.fromkeys([*search, *(policy.setting for policy in named)]))
    found = _candidates(fit, settings, goals, seed, progress)
    tried = {candidate.setting: candidate for candidate in found}
    fitting = [tried[setting] for setting in search if not tried[setting].failures]
    return Tuning(
        goals=goals,
        candidates=[tried[setting] for setting in search],
        policies=[(policy, tried[policy.setting]) for policy in named],
        best=_best(fitting),
    )


def grown(fit: Fit, growth: Fraction) -> Fit:
    """The same program with a larger live heap."""
    stretches = tuple(
        replace(stretch, live=stretch.live * (1 + growth)) for stretch in fit.program.stretches
    )
    return replace(fit, program=replace(fit.program, stretches=stretches))


def gc_cpu_share(prediction: Prediction) -> Fraction:
    """GC CPU without idle workers, of all CPU time of the Ps."""
    figures = prediction.middle
    used = figures.assist_cpu_seconds + figures.background_cpu_seconds
    return used / max(1e-9, figures.wall_seconds * prediction.setting.procs)


def _search(goals: Goals, least_limit: float) -> list[Setting]:
    """Settings to try; under a limit that the live heap fills, a program only thrashes."""
    limits = [whole_mib(share * goals.memory) for share in LIMIT_SHARES]
    return [
        *(Setting(percent, None, goals.procs) for percent in PERCENTS),
        *(
            Setting(percent, limit, goals.procs)
            for limit in limits
            if limit > least_limit
            for percent in LIMITED_PERCENTS
        ),
    ]


def _candidates(
    fit: Fit,
    settings: list[Setting],
    goals: Goals,
    seed: int,
    progress: Callable[[float], None] | None,
) -> list[Candidate]:
    now = predict(fit, settings, seed, SEEDS, DRAWS, _half(progress, 0.0))
    later = now
    if goals.growth:
        later = predict(
            grown(fit, goals.growth), settings, seed, SEEDS, DRAWS, _half(progress, 0.5)
        )
    return [
        Candidate(a.setting, a, b, tuple(_failures(b, goals)))
        for a, b in zip(now, later, strict=True)
    ]


def _half(progress: Callable[[float], None] | None, done: float) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress(done + share / 2)


def _failures(prediction: Prediction, goals: Goals) -> Iterable[str]:
    if prediction.high.peak_rss_bytes > goals.memory:
        yield "memory"
    if gc_cpu_share(prediction) > goals.max_gc_cpu:
        yield "GC CPU"
    if prediction.middle.limited_seconds > 0:
        yield "limiter"
    if goals.p99 is not None and prediction.middle.pause_p99_seconds * SECOND > goals.p99:
        yield "pauses"


def shortfall(candidate: Candidate, goals: Goals) -> float:
    """By what factor a candidate misses the goal that it misses most."""
    return max(
        candidate.grown.high.peak_rss_bytes / goals.memory,
        gc_cpu_share(candidate.grown) / goals.max_gc_cpu,
    )


def _best(fitting: list[Candidate]) -> Candidate | None:
    """Of the cheapest, one with a limit as a safety net, and of these the one of least memory."""
    if not fitting:
        return None
    least = min(gc_cpu_share(candidate.grown) for candidate in fitting)
    cheap = [c for c in fitting if gc_cpu_share(c.grown) <= least + EQUALLY_CHEAP]
    return min(
        cheap,
        key=lambda c: (
            c.setting.memory_limit is None,
            c.setting.gogc is None,
            c.now.middle.peak_rss_bytes,
        ),
    )
