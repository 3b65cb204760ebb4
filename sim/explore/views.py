"""What the page shows where its knobs stand: columns for pictures, and words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final, NamedTuple, TypeAlias

from markupsafe import Markup, escape

from sim.advice.prediction import Prediction
from sim.advice.report import environment, variables
from sim.advice.verdict import of_setting
from sim.advice.whatif import FIGURES, figure_of, known
from sim.explore.knobs import Position
from sim.explore.predictor import Tried
from sim.fitting.fit import Fit
from sim.replay.memory import Overheads
from sim.replay.run import ReplayedRun
from sim.units import SECOND, Bytes, MiB, in_one_unit

Columns: TypeAlias = dict[str, list[Any]]

MOST_CYCLES: Final = 60
"""Drawn of a run, the last ones: more are a solid block."""


class View(NamedTuple):
    """All that changes on the page: by name, columns of a picture, and text."""

    columns: dict[str, Columns]
    texts: dict[str, str]


def series(run: ReplayedRun, overheads: Overheads, position: Position) -> dict[str, Columns]:
    """Heap over time, by curve: seconds and MiB. RSS is that of the largest heap so far."""
    cycles = run.cycles[-MOST_CYCLES:]
    peaks = accumulate((cycle.heap_end for cycle in run.cycles), max)
    rss = [overheads.resident(peak) for peak in peaks][-MOST_CYCLES:]
    heap, live, marks = [], [], []
    for cycle in cycles:
        ended = cycle.at + cycle.mark.duration
        heap += [(cycle.at, cycle.heap_start), (ended, cycle.heap_end), (ended, cycle.heap_marked)]
        live += [(ended, cycle.heap_marked)]
        marks += [(cycle.at, ended)]
    goals = [
        (ends, float(before.heap_goal))
        for before, (_, ends) in zip(cycles, marks[1:], strict=False)
    ]
    drawn: dict[str, list[tuple[float, float]]] = {
        "heap": heap,
        "live": live,
        "trigger": [(cycle.at, cycle.heap_start) for cycle in cycles],
        "goal": goals,
        "RSS": [(end, size) for (_, end), size in zip(marks, rss, strict=True)],
    }
    columns = {name: _points(points) for name, points in drawn.items()}
    columns["marking"] = {
        "left": [_seconds(left) for left, _ in marks],
        "right": [_seconds(right) for _, right in marks],
    }
    for name, size in (("GOMEMLIMIT", position.limit), ("container", position.container)):
        columns[name] = _points([(at, size) for at in _ends(cycles)] if size else [])
    return columns


def _ends(cycles: Sequence[Any]) -> list[float]:
    return [cycles[0].at, cycles[-1].at + cycles[-1].mark.duration] if cycles else []


def _points(points: Sequence[tuple[float, float]]) -> Columns:
    return {"x": [_seconds(at) for at, _ in points], "y": [_mib(size) for _, size in points]}


def _seconds(time: float) -> float:
    return round(time / SECOND, 4)


def _mib(size: float) -> float:
    return round(size / MiB, 2)


def cost_view(today: Prediction, this: Prediction, recommended: Prediction | None) -> View:
    """GC CPU by kind of today's, this and the recommended setting, and this one's point."""
    rows = [("today", today), ("this setting", this)]
    if recommended is not None:
        rows.append(("recommended", recommended))
    return View({"costs": _costs(rows), "this": points([this])}, {})


def tradeoff_view(tried: Tried, today: Prediction, container: Bytes | None) -> View:
    """The settings tried, which of them are worth having, and what to compare them with.

    What never collects is left out: it would take all the room.
    """
    bounded = [
        p
        for p in tried.predictions
        if p.setting.gogc is not None or p.setting.memory_limit is not None
    ]
    return View(
        {
            "tried": points(bounded),
            "front": front(bounded),
            "today": points([today]),
            "recommended": points([tried.recommended] if tried.recommended else []),
            "size": {"x": [_mib(container)] if container else []},
        },
        {},
    )


def _costs(rows: Sequence[tuple[str, Prediction]]) -> Columns:
    """GC CPU by kind in percent of the Ps, a bar each."""
    found: Columns = {"name": [name for name, _ in rows]}
    for kind in ("assist", "background", "idle"):
        found[kind] = [
            100 * getattr(p.middle, f"{kind}_cpu_seconds") / _cpu_seconds(p) for _, p in rows
        ]
    return found


def _cpu_seconds(prediction: Prediction) -> float:
    """All that the Ps have to give."""
    return max(1e-9, prediction.middle.wall_seconds * prediction.setting.procs)


def points(predictions: Sequence[Prediction]) -> Columns:
    """Peak RSS against GC CPU, with bounds of both, and the setting of each."""
    return {
        "x": [_mib(p.middle.peak_rss_bytes) for p in predictions],
        "y": [round(100 * p.middle.gc_cpu_share, 3) for p in predictions],
        "low": [_mib(p.low.peak_rss_bytes) for p in predictions],
        "high": [_mib(p.high.peak_rss_bytes) for p in predictions],
        "setting": [environment(p.setting) for p in predictions],
    }


def front(predictions: Sequence[Prediction]) -> Columns:
    """The Pareto front: from setting to setting that no other one beats in both."""
    best = float("inf")
    found = []
    for p in sorted(predictions, key=lambda p: (p.middle.peak_rss_bytes, p.middle.gc_cpu_share)):
        if p.middle.gc_cpu_share < best:
            best = p.middle.gc_cpu_share
            found.append(p)
    return points(found)


def words(
    fit: Fit,
    today: Prediction,
    prediction: Prediction,
    container: Bytes | None,
    *,
    with_bounds: bool = True,
) -> dict[str, str]:
    """The verdict, the figures with their intervals, and the variables to copy."""
    lines = of_setting(fit, today, prediction, container)
    return {
        "verdict": str(Markup("<p>{}</p>").format(Markup("<br>").join(lines))),
        "figures": figures(today, prediction, with_bounds=with_bounds),
        "variables": str(Markup("<pre>{}</pre>").format(_exports(prediction))),
    }


def _exports(prediction: Prediction) -> str:
    return "\n".join(f"{name}={value}" for name, value in variables(prediction.setting).items())


def figures(today: Prediction, prediction: Prediction, *, with_bounds: bool) -> str:
    """A table: what, how much, where nine of ten lie, and today."""
    rows = []
    for name in (name for name in FIGURES if name in known(prediction)):
        what, unit = FIGURES[name]
        values = [
            getattr(found, name)
            for found in (prediction.middle, prediction.low, prediction.high, today.middle)
        ]
        if not any(values):
            continue
        told = [figure_of(value, unit) for value in values]
        middle, low, high = in_one_unit([value for value, _ in told[:3]], told[0].unit)
        bounds = f"{low} to {high}" if with_bounds else "…"
        rows.append(
            Markup(
                '<tr><th>{}</th><td class="value" data-name="{}">{}</td><td>{}</td><td>{}</td></tr>'
            ).format(what, name, middle, bounds, told[3])
        )
    heads = "<tr><th></th><th>this setting</th><th>nine of ten</th><th>today</th></tr>"
    return str(Markup("<table>{}{}</table>").format(Markup(heads), Markup("").join(rows)))


def message(text: str) -> str:
    """A sentence about what cannot be shown."""
    return str(escape(text))
