"""The words and the JSON of a prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sim.advice.prediction import OVERLOAD, Figures, Prediction, wanted_share
from sim.advice.report import environment
from sim.advice.risks import tips_over
from sim.fitting.draw import fragmented
from sim.fitting.fit import Fit, held
from sim.fitting.reproduction import NOTICEABLE
from sim.fitting.settings import name_gogc, name_limit
from sim.fitting.versions import FIRST_LIMIT
from sim.units import SECOND, Figure, format_bytes, in_one_unit

FIGURES: Final = {
    "peak_rss_bytes": ("peak RSS", "bytes"),
    "gc_cpu_share": ("GC CPU", "fraction"),
    "latency_p99_seconds": ("latency p99", "seconds"),
    "latency_p50_seconds": ("latency p50", "seconds"),
    "pause_p99_seconds": ("pause p99", "seconds"),
    "peak_heap_bytes": ("peak heap at cycles", "bytes"),
    "gc_cycles": ("GC cycles", "count"),
    "wall_seconds": ("time", "seconds"),
    "gc_cpu_seconds": ("GC CPU time with idle workers", "seconds"),
    "assist_cpu_seconds": ("of it assists", "seconds"),
    "background_cpu_seconds": ("of it dedicated and fractional workers", "seconds"),
    "idle_cpu_seconds": ("of it idle workers", "seconds"),
    "alloc_bytes": ("allocated", "bytes"),
    "limited_seconds": ("time with the GC CPU limiter", "seconds"),
}
"""Words and unit by the name in JSON, in the order of their worth to a reader."""
IN_TABLE: Final = tuple(FIGURES)[:9]
"""The others are in JSON, and on the page."""
_WHOLE = {"gc_cycles", "alloc_bytes", "peak_heap_bytes", "peak_rss_bytes"}


def as_object(prediction: Prediction) -> dict[str, object]:
    """For JSON: the setting, middle values under their names, `intervals` with [low, high]."""
    setting = prediction.setting
    return {
        "gogc": "off" if setting.gogc is None else setting.gogc,
        "gomemlimit": name_limit(setting.memory_limit),
        "gomaxprocs": setting.procs,
        **{name: _number(name, getattr(prediction.middle, name)) for name in known(prediction)},
        "intervals": {
            name: [
                _number(name, getattr(prediction.low, name)),
                _number(name, getattr(prediction.high, name)),
            ]
            for name in known(prediction)
        },
    }


def known(prediction: Prediction) -> list[str]:
    """Names of the figures that are known: latency is one only where arrivals are."""
    return [name for name in Figures._fields if not math.isnan(getattr(prediction.middle, name))]


def _number(name: str, value: float) -> float:
    return round(value) if name in _WHOLE else round(value, 6)


def figure_of(value: float, unit: str) -> Figure:
    """A figure of a prediction, whose times are in seconds."""
    return Figure(value * SECOND, "ns") if unit == "seconds" else Figure(value, unit)


def rows(predictions: Sequence[Prediction]) -> list[dict[str, str]]:
    """The predictions for people, each with the range in which nine of ten draws lie."""
    names = [name for name in IN_TABLE if any(name in known(p) for p in predictions)]
    return [
        {
            "GOGC": name_gogc(p.setting.gogc),
            "GOMEMLIMIT": name_limit(p.setting.memory_limit),
            "GOMAXPROCS": str(p.setting.procs),
            **{FIGURES[name][0]: with_range(p, name) for name in names},
        }
        for p in predictions
    ]


def with_range(prediction: Prediction, name: str) -> str:
    """A figure in words, with its range if there is one."""
    figures = (prediction.middle, prediction.low, prediction.high)
    values = [figure_of(getattr(one, name), FIGURES[name][1]) for one in figures]
    middle, low, high = in_one_unit([value for value, _ in values], values[0].unit)
    return middle if low == high else f"{middle} ({low} to {high})"


def doubts(fit: Fit, predictions: Sequence[Prediction]) -> str:
    """What to doubt of the log, and of these settings: endless growth, overload, other Ps."""
    shares = [(p.setting, wanted_share(fit, p)) for p in predictions]
    lines = [f"- doubt: {sentence}" for sentence in fit.warnings]
    if any(p.setting.gogc is None and p.setting.memory_limit is None for p in predictions):
        lines.append(
            "- doubt: GOGC=off without a GOMEMLIMIT never collects: its memory is as"
            " large as what other settings reach, or what the log allocates, and goes on to grow by"
            f" {format_bytes(_growth(fit))} a second"
        )
    lines += [
        f"- doubt: {environment(setting)}: load and collection want {share:.0%} of the Ps; requests"
        " would queue up, and less would be done than is predicted"
        for setting, share in shares
        if share > OVERLOAD and setting != fit.logged
    ]
    lines += _too_low(fit, predictions)
    lines += _tipping(fit, predictions)
    lines += _fragmenting(fit, predictions)
    if fit.go.newest < FIRST_LIMIT and any(p.setting.memory_limit for p in predictions):
        lines.append("- doubt: the log is of a Go that knows no GOMEMLIMIT: it came with Go 1.19")
    if {setting.procs for setting, _ in shares} != {fit.program.procs}:
        lines.append(
            "- doubt: another GOMAXPROCS than logged: what goroutines hold at a time often grows"
            " with the Ps, which one log does not show; a log with that GOMAXPROCS does"
        )
    return "\n".join(lines)


def _too_low(fit: Fit, predictions: Sequence[Prediction]) -> list[str]:
    """Limits that what is always alive fills, and what lies beside it."""
    alive = held(fit)
    limits = dict.fromkeys(p.setting.memory_limit for p in predictions)
    return [
        f"- doubt: GOMEMLIMIT={name_limit(limit)}: the live heap is never below"
        f" {format_bytes(alive)}, so that it cannot be kept: collection goes on and on, until the"
        " GC CPU limiter lets the heap grow"
        for limit in limits
        if limit is not None and limit < alive + fit.overheads.at(alive)
    ]


def _tipping(fit: Fit, predictions: Sequence[Prediction]) -> list[str]:
    """Limits under which a service may come into a state that it does not leave, once for each."""
    needed = held(fit) + fit.overheads.at(held(fit))
    limited = dict.fromkeys(
        replace(p.setting, gogc=None)
        for p in predictions
        if p.setting.memory_limit is not None and p.setting.memory_limit >= needed
    )
    return [
        f"- doubt: GOMEMLIMIT={name_limit(setting.memory_limit)}: requests that queue up until"
        f" {growth:.0%} more is alive make collection take over a third of the CPU, and then more"
        " queue up: real runs differ by whether such a moment comes"
        for setting in limited
        if (growth := tips_over(fit, setting)) is not None
    ]


def _fragmenting(fit: Fit, predictions: Sequence[Prediction]) -> list[str]:
    """What phases leave free in spans counts against a limit, and no line of a log tells it."""
    free = fragmented(fit)
    if free < NOTICEABLE or all(p.setting.memory_limit is None for p in predictions):
        return []
    sentence = (
        "- doubt: the live heap goes through phases: what one leaves free in spans that the next"
        " cannot use counts against a GOMEMLIMIT, so that cycles may come earlier than is likely;"
        " the ranges have it"
    )
    return [sentence]


def _growth(fit: Fit) -> float:
    """Bytes a second of a heap that is never collected."""
    return fit.program.demand * SECOND


def assumptions(fit: Fit) -> str:
    """How well the log comes out again, and what was recognised and assumed."""
    own = [fit.reproduction.summary()] if fit.reproduction else []
    return "\n".join(f"- {sentence}" for sentence in (*own, *fit.assumptions))
