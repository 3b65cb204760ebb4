"""Search for the settings of a container: least GC CPU that keeps what was asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Final

import numpy as np

from sim.advice.policies import NamedPolicy, named_policies, whole_mib
from sim.advice.prediction import OVERLOAD, Figures, Prediction, predict, wanted_share
from sim.errors import UserError
from sim.fitting.fit import Fit
from sim.fitting.versions import FIRST_LIMIT
from sim.replay.setting import Setting
from sim.units import SECOND, Bytes, Fraction, Nanoseconds, format_bytes

PERCENTS: Final = (25, 50, 75, 100, 150, 200, 300, 400, 600, 800)
"""GOGC that are tried, in percent: about half as much again each time."""
LIMITED_PERCENTS: Final = (100, 200, 400, None)
"""The same beside a limit; None: off."""
LIMIT_SHARES: Final = (0.7, 0.8, 0.9)
"""Limits that are tried, relative to the memory that there is."""
SEEDS: Final = 1
"""Runs per setting while searching, of the program as fitted."""
DRAWS: Final = 2
"""Runs of possible programs while searching; the winner is confirmed with more
(`sim.advice.prediction`)."""
EQUALLY_CHEAP: Final[Fraction] = 0.005
"""A difference of the share of GC CPU that is not worth a risk or memory. A judgement; larger
prefers memory."""
EQUALLY_FAST: Final[Fraction] = 0.02
"""A relative difference of time for the same work that is not worth another P. A judgement; larger
prefers fewer Ps."""


@dataclass(frozen=True, slots=True)
class Goals:
    """What the owner of the service asks for."""

    memory: Bytes
    procs: tuple[int, ...]
    """GOMAXPROCS to try; the first one is that of the container."""
    max_gc_cpu: Fraction = 0.25
    """Of all CPU time of the Ps, idle workers not counted: they only take what is left over."""
    p99: Nanoseconds | None = None
    """Of requests; of pauses where nobody knows how many requests come."""
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
    step: Bytes
    """Of single large allocations, which come on top of any heap goal; 0: there are none."""

    def with_candidate(self, known: Candidate) -> Tuning:
        """The same where one of the settings is known better."""

        def instead(one: Candidate) -> Candidate:
            return known if one.setting == known.setting else one

        candidates = [instead(one) for one in self.candidates]
        return replace(
            self,
            candidates=candidates,
            policies=[(policy, instead(one)) for policy, one in self.policies],
            best=_best([one for one in candidates if not one.failures]),
        )


def tune(
    fit: Fit, goals: Goals, seed: int = 1, progress: Callable[[float], None] | None = None
) -> Tuning:
    """Try GOGC, and GOMEMLIMIT where the log's Go has it; least GC CPU, and of equals least memory.

    Raises UserError where the live heap alone does not fit.
    """
    live = max(cycle.live for cycle in fit.program.cycles)
    if live > goals.memory:
        raise UserError(
            f"the largest live heap of the log, {format_bytes(live)}, does not fit into the memory"
            f" given, {format_bytes(goals.memory)}"
        )
    limited = fit.go.newest >= FIRST_LIMIT
    named = [
        policy
        for policy in named_policies(goals.memory, goals.procs[0])
        if limited or policy.setting.memory_limit is None
    ]
    least = live + fit.overheads.at(live) if limited else math.inf
    search = _search(goals, least_limit=least)
    settings = list(dict.fromkeys([*search, *(policy.setting for policy in named)]))
    found = _candidates(fit, settings, goals, seed, progress)
    tried = {candidate.setting: candidate for candidate in found}
    fitting = [tried[setting] for setting in search if not tried[setting].failures]
    return Tuning(
        goals=goals,
        candidates=[tried[setting] for setting in search],
        policies=[(policy, tried[policy.setting]) for policy in named],
        best=_best(fitting),
        step=fit.program.step,
    )


def settled(fit: Fit, found: Tuning, seed: int) -> tuple[Tuning, Prediction | None]:
    """The best with all the runs of a prediction; the next best where it then misses a goal."""
    goals = found.goals
    while (best := found.best) is not None:
        (now,) = predict(fit, [best.setting], seed)
        later = predict(grown(fit, goals.growth), [best.setting], seed) if goals.growth else [now]
        missed = (_failures(fit, one, goals) for one in (now, *later))
        failures = dict.fromkeys(chain.from_iterable(missed))
        if not failures:
            return found, now
        failed = replace(best, failures=tuple(failures))
        found = found.with_candidate(failed)
    return found, None


def grown(fit: Fit, growth: Fraction) -> Fit:
    """The same program with a larger live heap."""
    cycles = tuple(replace(cycle, live=cycle.live * (1 + growth)) for cycle in fit.program.cycles)
    return replace(fit, program=replace(fit.program, cycles=cycles))


def _search(goals: Goals, least_limit: float) -> list[Setting]:
    """Settings to try; under a limit that the live heap fills, a program only thrashes."""
    limits = [whole_mib(share * goals.memory) for share in LIMIT_SHARES]
    pairs: list[tuple[int | None, Bytes | None]] = [
        *((percent, None) for percent in PERCENTS),
        *product(LIMITED_PERCENTS, [limit for limit in limits if limit > least_limit]),
    ]
    return [Setting(percent, limit, procs) for procs in goals.procs for percent, limit in pairs]


def _candidates(
    fit: Fit,
    settings: list[Setting],
    goals: Goals,
    seed: int,
    progress: Callable[[float], None] | None,
) -> list[Candidate]:
    first = _half(progress, 0.0) if goals.growth else progress
    now = predict(fit, settings, seed, SEEDS, DRAWS, first)
    later = now
    if goals.growth:
        later = predict(
            grown(fit, goals.growth), settings, seed, SEEDS, DRAWS, _half(progress, 0.5)
        )
    return [
        Candidate(a.setting, a, b, tuple(_failures(fit, b, goals)))
        for a, b in zip(now, later, strict=True)
    ]


def _half(progress: Callable[[float], None] | None, done: float) -> Callable[[float], None] | None:
    return None if progress is None else lambda share: progress(done + share / 2)


def _failures(fit: Fit, prediction: Prediction, goals: Goals) -> Iterable[str]:
    if prediction.high.peak_rss_bytes > goals.memory:
        yield "memory"
    if prediction.middle.gc_cpu_share > goals.max_gc_cpu:
        yield "GC CPU"
    if wanted_share(fit, prediction) > OVERLOAD:
        yield "load"
    if prediction.middle.limited_seconds > 0:
        yield "limiter"
    if goals.p99 is not None and p99(prediction.high) > goals.p99:
        yield "pauses" if math.isnan(prediction.middle.latency_p99_seconds) else "latency"


def shortfall(candidate: Candidate, goals: Goals) -> tuple[bool, float]:
    """Whether it may be killed, and by what factor it misses the goal that it misses most."""
    slow = 0.0 if goals.p99 is None else p99(candidate.grown.high) / goals.p99
    memory = candidate.grown.high.peak_rss_bytes / goals.memory
    return memory > 1, max(memory, candidate.grown.middle.gc_cpu_share / goals.max_gc_cpu, slow)


def p99(figures: Figures) -> float:
    """Of requests, ns; of pauses where they are longer, or nobody knows how many requests come."""
    return SECOND * float(np.fmax(figures.pause_p99_seconds, figures.latency_p99_seconds))


def _best(fitting: list[Candidate]) -> Candidate | None:
    """Of the cheapest, one with a limit as a safety net, and of these the one of least memory.

    As many Ps as make the work shorter; where load is waited for, as few as keep the goals.
    """
    if not fitting:
        return None
    fastest = {
        procs: min(c.grown.middle.wall_seconds for c in fitting if c.setting.procs == procs)
        for procs in {c.setting.procs for c in fitting}
    }
    enough = (1 + EQUALLY_FAST) * min(fastest.values())
    procs = min(procs for procs, wall in fastest.items() if wall <= enough)
    chosen = [c for c in fitting if c.setting.procs == procs]
    least = min(candidate.grown.middle.gc_cpu_share for candidate in chosen)
    return min(
        (c for c in chosen if c.grown.middle.gc_cpu_share <= least + EQUALLY_CHEAP),
        key=lambda c: (
            c.setting.memory_limit is None,
            c.setting.gogc is None,
            c.now.middle.peak_rss_bytes,
        ),
    )
