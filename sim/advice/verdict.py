"""What predictions say, before any table: at most six lines of plain words with units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.advice.prediction import Prediction
from sim.advice.report import collector, environment, fits
from sim.advice.risks import MOST_GROWTH, Risks
from sim.advice.tuning import EQUALLY_CHEAP, Candidate, Tuning
from sim.advice.whatif import doubts, with_range
from sim.fitting.drift import still_growing
from sim.fitting.fit import Fit
from sim.fitting.phases import FEW_CYCLES
from sim.units import SECOND, Bytes, Figure, Fraction, MiB, format_bytes, format_duration

if TYPE_CHECKING:
    from sim.advice.api import Advice


_DECIDED_BY_PROGRAM: Bytes = 256 * MiB
"""Of a container; in smaller ones the 4 to 65 MiB that a program's file takes decide what fits."""
_UNKNOWN_PROGRAM = (
    "The program's own file may take 4 to 65MiB of that, which decides what fits: one value of ps"
    " as --rss tells, and may allow much less GC CPU."
)


def of_predictions(fit: Fit, today: Prediction, predictions: Sequence[Prediction]) -> list[str]:
    """What other settings change against today's, `today`."""
    others = [p for p in predictions if p.setting != today.setting]
    lines = [f"Today, {environment(today.setting)}: {_figures(today)}{_given(fit)}."]
    if others:
        lines += _extremes(today, others)
    return [*_growing(fit), *lines, _log_basis(fit)]


def _growing(fit: Fit, memory: Bytes | None = None) -> list[str]:
    """That the live heap has not come to rest, and when that fills a container."""
    growth = still_growing(fit)
    if growth is None:
        return []
    told = growth.sentence()
    if memory is not None:
        left = format_duration(growth.seconds_until(memory) * SECOND)
        told += f"; if it goes on, {format_bytes(memory)} are full {left} later, whatever is set"
    return [f"{told[0].upper()}{told[1:]}."]


def _extremes(today: Prediction, others: Sequence[Prediction]) -> list[str]:
    """What costs least CPU, and what least memory, if that is less than today's."""
    bounded = [p for p in others if p.setting.gogc is not None or p.setting.memory_limit]
    cheapest = min(bounded or others, key=lambda p: _costs(p)[::-1])
    smallest = min(others, key=_costs)
    endless = 0 < len(bounded) < len(others)
    aside = " (GOGC=off without a limit aside)" if endless else ""
    cheaper = cheapest.middle.gc_cpu_share < today.middle.gc_cpu_share
    smaller = smallest.middle.peak_rss_bytes < today.middle.peak_rss_bytes
    cpu = f"Least GC CPU, {environment(cheapest.setting)}{aside}: {_change(today, cheapest)}."
    memory = f"Least memory, {environment(smallest.setting)}: {_change(today, smallest)}."
    if cheaper and smaller and cheapest is smallest:
        return [cpu.replace("Least GC CPU", "Least GC CPU and memory", 1)]
    return [
        cpu if cheaper else f"No other setting takes less GC CPU{aside}.",
        memory if smaller else "No other setting takes less memory.",
    ]


def of_setting(
    fit: Fit, today: Prediction, prediction: Prediction, container: Bytes | None
) -> list[str]:
    """What one setting does: against today's, against a container, and what to doubt."""
    same = _figures(prediction) == _figures(today)
    told = _figures(today) if same else _change(today, prediction)
    lines = [f"{environment(prediction.setting)}: {told}."]
    if container is not None:
        lines.append(_fits(fit, prediction, container))
    known = {f"- doubt: {sentence}" for sentence in fit.warnings}
    own = [line for line in doubts(fit, [prediction]).splitlines() if line not in known]
    return [*_growing(fit, container), *lines, *(line.removeprefix("- ") for line in own)]


def _fits(fit: Fit, prediction: Prediction, container: Bytes) -> str:
    """Whether it fits, and what would tell where the program's file is not known."""
    told = fits(prediction, container)
    if prediction.high.peak_rss_bytes > container and fit.program_assumed:
        told += "; one value of ps as --rss narrows it"
    return f"{told[0].upper()}{told[1:]}."


def of_tuning(fit: Fit, today: Prediction, advice: Advice) -> list[str]:
    """What to set, what it costs, why not the neighbour that also fits, and when it breaks."""
    tuning, confirmed = advice.tuning, advice.confirmed
    if tuning.best is None or confirmed is None or advice.risks is None:
        return [*_growing(fit, tuning.goals.memory), str(advice), _log_basis(fit)]
    memory = tuning.goals.memory
    lines = [
        f"Set {environment(confirmed.setting)}. {_fits(fit, confirmed, memory)}",
        f"It costs: {_beside(fit, today, confirmed)}.",
    ]
    if fit.program_assumed and memory < _DECIDED_BY_PROGRAM:
        lines.insert(1, _UNKNOWN_PROGRAM)
    if other := neighbour(tuning):
        lines.append(why_not(tuning.best, other))
    growing = _growing(fit, memory)
    return [*growing, *lines, _breaks(advice.risks, tuning), _log_basis(fit)]


def neighbour(tuning: Tuning) -> Candidate | None:
    """The cheapest other setting that keeps all goals and does something else than the best."""
    best = tuning.best
    others = [
        candidate
        for candidate in tuning.candidates
        if best is not None
        and not candidate.failures
        and candidate.setting.procs == best.setting.procs
        and _costs(candidate.now) != _costs(best.now)
    ]
    return min(others, key=lambda c: c.grown.middle.gc_cpu_share, default=None)


def _costs(prediction: Prediction) -> tuple[float, float]:
    return prediction.middle.peak_rss_bytes, prediction.middle.gc_cpu_share


def why_not(best: Candidate, other: Candidate) -> str:
    """Why the recommended setting and not another one that keeps all goals."""
    there = other.now.middle
    more_cpu = other.grown.middle.gc_cpu_share - best.grown.middle.gc_cpu_share
    more_rss = there.peak_rss_bytes - best.now.middle.peak_rss_bytes
    return (
        f"Why not {collector(other.setting)}: peak RSS {format_bytes(there.peak_rss_bytes)}, GC CPU"
        f" {_share(there.gc_cpu_share)}; it {_reason(best, other, more_cpu, more_rss)}."
    )


def _reason(best: Candidate, other: Candidate, more_cpu: Fraction, more_rss: float) -> str:
    if more_cpu > EQUALLY_CHEAP:
        return "costs more"
    if other.setting.memory_limit is None and best.setting.memory_limit is not None:
        return "has no limit to hold the heap when it grows"
    when = "" if best.grown == best.now else " with the larger live heap"
    small = f"saves under {EQUALLY_CHEAP:.1%} of the CPU{when}"
    if other.setting.gogc is None and best.setting.gogc is not None:
        return f"{small} and fills the limit, needed or not"
    return f"{small} for more memory" if more_rss > 0 else small


def _breaks(found: Risks, tuning: Tuning) -> str:
    what = {
        f"GC CPU over {tuning.goals.max_gc_cpu:.0%}": found.gc_cpu,
        "beyond its limit": found.limiter,
        f"killed for {format_bytes(tuning.goals.memory)}": found.out_of_memory,
    }
    told = [f"{name} at {growth:+.0%}" for name, growth in what.items() if growth is not None]
    until = f"nothing up to {MOST_GROWTH:+.0%}"
    return f"Breaks as the likeliest program's live heap grows: {', '.join(told) or until}."


def _figures(prediction: Prediction) -> str:
    rss, cpu = (with_range(prediction, name) for name in ("peak_rss_bytes", "gc_cpu_share"))
    return f"peak RSS {rss}, GC CPU {cpu}"


def _given(fit: Fit) -> str:
    """What was seen of resident memory, where the replay of today's setting is told."""
    if fit.resident is None:
        return ""
    return f" as replayed, where {format_bytes(fit.resident.size)} of RSS were given"


def _beside(fit: Fit, today: Prediction, other: Prediction) -> str:
    rss, cpu = (with_range(other, name) for name in ("peak_rss_bytes", "gc_cpu_share"))
    before = format_bytes(today.middle.peak_rss_bytes), _share(today.middle.gc_cpu_share)
    return f"peak RSS {rss}, today {before[0]}; GC CPU {cpu}, today {before[1]}{_given(fit)}"


def _change(today: Prediction, other: Prediction) -> str:
    rss = other.middle.peak_rss_bytes / max(today.middle.peak_rss_bytes, 1) - 1
    return f"{_figures(other)}, {rss:+.0%} memory for {_times(today, other)} GC CPU"


def _times(today: Prediction, other: Prediction) -> str:
    """By how much more or less CPU; shares are of the Ps of each setting."""
    before, after = (one.middle.gc_cpu_share * one.setting.procs for one in (today, other))
    return f"{after / before - 1:+.0%}" if before else "as much"


def _share(share: Fraction) -> str:
    return str(Figure(share, "fraction"))


def _log_basis(fit: Fit) -> str:
    number = len(fit.warnings)
    doubts = f"; {number} doubt{'s' if number > 1 else ''} below" if number else ""
    few = f", fewer than the {FEW_CYCLES} that advice needs to rest on" * (fit.cycles < FEW_CYCLES)
    return (
        f"Rests on: {fit.cycles:,} logged cycles of a {fit.program.load.value} program,"
        f" replayed{few}; in brackets nine of ten programs with such a log{doubts}."
    )
