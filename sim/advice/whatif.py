"""The text and the JSON of a prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from sim.advice.prediction import OVERLOAD, Figures, Prediction, wanted_share
from sim.advice.report import environment
from sim.fitting.gctrace_fit import Fit
from sim.fitting.settings import name_gogc, name_limit
from sim.units import SECOND, MiB, format_bytes, format_figure

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


def table(predictions: Sequence[Prediction]) -> str:
    """The predictions for people, each with the range in which nine of ten draws lie."""
    rows = [
        {
            "GOGC": name_gogc(p.setting.gogc),
            "GOMEMLIMIT": name_limit(p.setting.memory_limit),
            "GOMAXPROCS": p.setting.procs,
            "GC cycles": _range(p, "gc_cycles"),
            "peak heap MiB": _range(p, "peak_heap_bytes", MiB),
            "peak RSS MiB": _range(p, "peak_rss_bytes", MiB),
            "GC CPU s": _range(p, "gc_cpu_seconds"),
            "of it assists": format_figure(p.middle.assist_cpu_seconds),
            "wall s": _range(p, "wall_seconds"),
            "pause p99 us": f"{1e6 * p.middle.pause_p99_seconds:.0f}",
            **_latency(p),
        }
        for p in predictions
    ]
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


def _latency(prediction: Prediction) -> dict[str, str]:
    names = {"p50": "latency_p50_seconds", "p99": "latency_p99_seconds"}
    return {
        f"latency {title} ms": _range(prediction, name, 1e-3)
        for title, name in names.items()
        if name in known(prediction)
    }


def _range(prediction: Prediction, name: str, unit: float = 1.0) -> str:
    middle, low, high = (
        format_figure(getattr(figures, name) / unit)
        for figures in (prediction.middle, prediction.low, prediction.high)
    )
    return middle if low == high else f"{middle} ({low} to {high})"


def doubts(fit: Fit, predictions: Sequence[Prediction]) -> str:
    """What to doubt of the log, and of these settings: endless growth, overload, other Ps."""
    shares = [(p.setting, wanted_share(fit, p)) for p in predictions]
    lines = [f"- doubt: {sentence}" for sentence in fit.warnings]
    if any(p.setting.gogc is None and p.setting.memory_limit is None for p in predictions):
        lines.append(
            "- doubt: GOGC=off without a GOMEMLIMIT never collects: its row holds for as long as"
            f" the log, and the heap goes on to grow by {format_bytes(_growth(fit))} a second"
        )
    lines += [
        f"- doubt: {environment(setting)}: load and collection want {share:.0%} of the Ps; requests"
        " would queue up, and less would be done than is predicted"
        for setting, share in shares
        if share > OVERLOAD and setting != fit.logged
    ]
    if {setting.procs for setting, _ in shares} != {fit.program.procs}:
        lines.append(
            "- doubt: another GOMAXPROCS than logged: what goroutines hold at a time often grows"
            " with the Ps, which one log does not show; a log with that GOMAXPROCS does"
        )
    return "\n".join(lines)


def _growth(fit: Fit) -> float:
    """Bytes a second of a heap that is never collected."""
    return fit.program.demand * SECOND


def assumptions(fit: Fit) -> str:
    """How well the log comes out again, and what was recognised and assumed."""
    own = [fit.reproduction.summary()] if fit.reproduction else []
    return "\n".join(f"- {sentence}" for sentence in (*own, *fit.assumptions))
