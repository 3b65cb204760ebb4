"""What a program would do under other settings, with intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from sim.advice.latency import latency
from sim.fitting.draw import Possible, draw, likeliest
from sim.fitting.fit import Fit
from sim.fitting.load import NEARLY_ALL
from sim.fitting.reproduction import Reproduction
from sim.replay.memory import Overheads
from sim.replay.program import Load, Window
from sim.replay.run import ReplayedRun, run
from sim.replay.setting import Setting
from sim.streams import Streams
from sim.units import SECOND, Fraction, MiB

SEEDS: Final = 5
"""Runs of the program as fitted; their median is the prediction. A judgement; more costs time in
proportion."""
DRAWS: Final = 15
"""Runs of programs that the log leaves possible as well, for the interval. Chosen so that its ends
are those of 15 even steps of probability; fewer makes them coarser."""
LEAST_DRAWS: Final = 9
"""The same at least, where a run is long: below, 5 and 95 % are extrapolated."""
ENOUGH_CYCLES: Final = 3000
"""Cycles in all runs of the program as fitted, or of each possible one; more hardly differ. Chosen
so that a sum over cycles that differ by a half is known to 1 %."""
RANGE: Final = (0.05, 0.95)
"""Quantiles between which an interval is: nine of ten."""
SHOWING: Final = 3
"""Cycles that show what a setting does. The least that are more than a start and an end."""
LONGER: Final = (4, 16, 64, 256, 1024)
"""How often the course of a log is gone through, until a setting shows."""
OVERLOAD: Final[Fraction] = NEARLY_ALL
"""Of the Ps; above it a waiting program does not keep up with its load."""


class Figures(NamedTuple):
    """The measured part of one run; bytes and seconds."""

    gc_cycles: float
    """Number of cycles."""
    alloc_bytes: float
    """Bytes allocated."""
    peak_heap_bytes: float
    """Largest heap at the end of marking, in whole MiB as gctrace prints it."""
    peak_rss_bytes: float
    """Largest resident memory of the process, with the pages of its file."""
    gc_cpu_seconds: float
    """CPU time of assists and of dedicated, fractional and idle mark workers."""
    gc_cpu_share: float
    """Of all CPU time of the Ps, that of assists, dedicated and fractional workers."""
    assist_cpu_seconds: float
    """CPU time of assists."""
    background_cpu_seconds: float
    """CPU time of dedicated and fractional mark workers."""
    idle_cpu_seconds: float
    """CPU time of idle mark workers, which nobody else wanted."""
    wall_seconds: float
    """Time that the measured part takes."""
    pause_p99_seconds: float
    """99th percentile of single stops of the world."""
    latency_p50_seconds: float
    """Median latency of requests; not known where the arrivals are not."""
    latency_p99_seconds: float
    """99th percentile of the latency of requests; not known where the arrivals are not."""
    limited_seconds: float
    """Time in which the GC CPU limiter let the heap grow beyond the limit."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the program as fitted does, and the range in which nine of ten possible ones lie."""

    setting: Setting
    middle: Figures
    low: Figures
    high: Figures


def predict(
    fit: Fit,
    settings: Iterable[Setting],
    seed: int = 1,
    seeds: int = SEEDS,
    draws: int = DRAWS,
    progress: Callable[[float], None] | None = None,
) -> list[Prediction]:
    """Predict each setting. Run k is of the same program, with the same seed, under all of them."""
    seeds, draws = _enough(fit, seeds, draws)
    streams = Streams(seed)
    programs = [*likeliest(fit, seeds, streams["ends"]), *draw(fit, draws, streams["fit"])]
    wanted = list(settings)
    found = []
    for done, setting in enumerate(wanted, 1):
        figures = np.array(
            [_figures(fit, one, setting, seed + k) for k, one in enumerate(programs)]
        )
        low, high = np.quantile(figures, RANGE, axis=0)
        middle = np.median(figures[:seeds], axis=0)
        figures_of = (Figures(*f.tolist()) for f in (middle, low, high))
        found.append(_widened(Prediction(setting, *figures_of), fit.reproduction))
        if progress is not None:
            progress(done / len(wanted))
    return _more_gogc_never_less_memory(found)


def first_run(
    fit: Fit, setting: Setting, seed: int = 1, share: Fraction = 1.0
) -> tuple[ReplayedRun, Overheads, Figures]:
    """The first of the runs that `predict` takes its middle from, with its figures.

    With a `share` only so much of its course is run, and figures that add up are raised to all.
    """
    seeds, _ = _enough(fit, SEEDS, DRAWS)
    possible = likeliest(fit, seeds, Streams(seed)["ends"])[0]
    if share < 1:
        program, end = possible.program, possible.program.end.high * share
        possible = possible._replace(program=replace(program, end=Window(end, end)))
        found, part = run(possible.program, setting, seed, possible.overheads), 1 / share
    else:
        found, part = _long_enough(possible, setting, seed, fit.steady_from)
    figures = _measured(found, part * fit.stands_for, possible, setting, seed, fit.arrivals)
    return found, possible.overheads, figures


def _enough(fit: Fit, seeds: int, draws: int) -> tuple[int, int]:
    """Fewer runs of a program with many cycles."""
    runs_of_enough = max(1, ENOUGH_CYCLES // len(fit.program.cycles))
    seeds = min(seeds, runs_of_enough - 1 + runs_of_enough % 2)
    return seeds, min(draws, max(LEAST_DRAWS, runs_of_enough))


_CHECKED: Final = {
    "gc_cycles": "cycles",
    "peak_heap_bytes": "peak",
    "peak_rss_bytes": "peak",
    "gc_cpu_seconds": "GC CPU",
    "gc_cpu_share": "GC CPU",
    "background_cpu_seconds": "GC CPU",
    "idle_cpu_seconds": "GC CPU",
    "assist_cpu_seconds": "assists",
}
"""Which figure of the log's reproduction a prediction rests on."""


def _widened(prediction: Prediction, own: Reproduction | None) -> Prediction:
    """What the log itself does not reproduce is less certain by as much."""
    if own is None:
        return prediction
    off = {name: abs(own.off(figure)) for name, figure in _CHECKED.items()}
    low = {name: getattr(prediction.low, name) / (1 + part) for name, part in off.items()}
    high = {name: getattr(prediction.high, name) * (1 + part) for name, part in off.items()}
    return replace(
        prediction, low=prediction.low._replace(**low), high=prediction.high._replace(**high)
    )


def _more_gogc_never_less_memory(found: list[Prediction]) -> list[Prediction]:
    """Resident memory that rises with GOGC, the rest being equal: isotonic regression.

    Peaks hang on where a cycle falls in a burst, which would else show as memory that falls.
    """
    rising = list(found)
    places: dict[Setting, list[int]] = {}
    for place, prediction in enumerate(found):
        places.setdefault(replace(prediction.setting, gogc=None), []).append(place)
    for alike in places.values():
        alike.sort(key=lambda place: _percent(found[place].setting))
        ending = [place for place in alike if _collects(found[place].setting)]
        for which in ("low", "middle", "high"):
            figures = [getattr(rising[place], which) for place in ending]
            memory = _rising([one.peak_rss_bytes for one in figures])
            for place, one, rss in zip(ending, figures, memory, strict=True):
                rising[place] = replace(rising[place], **{which: one._replace(peak_rss_bytes=rss)})
            for place in alike[len(ending) :]:
                own: Figures = getattr(rising[place], which)
                changed: Any = {which: _at_least(own, figures, memory)}
                rising[place] = replace(rising[place], **changed)
    return rising


def _at_least(endless: Figures, others: Sequence[Figures], memory: Sequence[float]) -> Figures:
    """What grows without end gets as far as all that ends."""
    return endless._replace(
        peak_heap_bytes=max([endless.peak_heap_bytes, *(one.peak_heap_bytes for one in others)]),
        peak_rss_bytes=max([endless.peak_rss_bytes, *memory]),
    )


def _collects(setting: Setting) -> bool:
    return setting.gogc is not None or setting.memory_limit is not None


def _rising(values: list[float]) -> list[float]:
    """Isotonic regression of a few values: the largest over starts of the least mean from there.

    Robertson, Wright and Dykstra, Order Restricted Statistical Inference, theorem 1.4.4: the
    max-min formula. scipy's takes longer to import than predictions take.
    """
    if values == sorted(values):
        return values
    count = len(values)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    first, last = np.ogrid[:count, :count]
    means = np.where(
        first <= last, (sums[1:] - sums[:-1, None]) / np.maximum(last - first + 1, 1), np.inf
    )
    least = np.minimum.accumulate(means[:, ::-1], axis=1)[:, ::-1]
    return [float(least[: k + 1, k].max()) for k in range(count)]


def _percent(setting: Setting) -> float:
    return math.inf if setting.gogc is None else setting.gogc


def wanted_share(fit: Fit, prediction: Prediction) -> Fraction:
    """Share of the Ps that load and collection want together; 0 for a busy program.

    Near 1 requests queue up, and beyond it less of them is served than comes.
    """
    if fit.program.load is Load.BUSY:
        return 0.0
    figures = prediction.middle
    collecting = figures.assist_cpu_seconds + figures.background_cpu_seconds
    wanted = fit.program.demanded_cpus + collecting / max(figures.wall_seconds, 1e-9)
    return wanted / prediction.setting.procs


def _long_enough(
    possible: Possible, setting: Setting, seed: int, steady_from: float | None
) -> tuple[ReplayedRun, Fraction]:
    """A run, and what part of it the program asked about is.

    A service goes on after its log: where too few cycles fit into that to show what a setting does,
    its steady part is repeated until they do.
    """
    program, overheads = possible
    asked = found = run(program, setting, seed, overheads)
    end = program.end.high
    for times in LONGER if _collects(setting) and steady_from is not None else ():
        if len(found.cycles) >= SHOWING:
            break
        longer = replace(program, end=Window(end * times, end * times), repeats_from=steady_from)
        found = run(longer, setting, seed, overheads)
    return found, asked.allocated / found.allocated


def _figures(fit: Fit, possible: Possible, setting: Setting, seed: int) -> Figures:
    found, part = _long_enough(possible, setting, seed, fit.steady_from)
    return _measured(found, part * fit.stands_for, possible, setting, seed, fit.arrivals)


def _measured(
    found: ReplayedRun,
    part: Fraction,
    possible: Possible,
    setting: Setting,
    seed: int,
    per_second: float | None,
) -> Figures:
    """The figures of a run with this seed, where that adds up to so many times what was run."""
    program, overheads = possible
    requests = latency(program, found, setting, per_second, Streams(seed)["arrivals"])
    marks = [cycle.mark for cycle in found.cycles]
    assist, background, idle = (
        sum(getattr(mark, kind) for mark in marks) * part / SECOND
        for kind in ("assist", "background", "idle")
    )
    wall = found.wall * part / SECOND
    return Figures(
        gc_cycles=len(found.cycles) * part,
        alloc_bytes=found.allocated * part,
        peak_heap_bytes=found.peak_heap // MiB * MiB,
        peak_rss_bytes=overheads.resident(found.largest_heap),
        gc_cpu_seconds=assist + background + idle,
        gc_cpu_share=(assist + background) / max(1e-9, wall * setting.procs),
        assist_cpu_seconds=assist,
        background_cpu_seconds=background,
        idle_cpu_seconds=idle,
        wall_seconds=wall,
        pause_p99_seconds=found.pause_p99 / SECOND,
        latency_p50_seconds=requests.p50,
        latency_p99_seconds=requests.p99,
        limited_seconds=sum(mark.limited for mark in marks) * part / SECOND,
    )
