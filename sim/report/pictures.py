"""Interactive pictures of a run, one question each; None where there is nothing worth a picture.

Pictures over time share their axis: what is zoomed in one is zoomed in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FactorRange, Range1d
from bokeh.plotting import figure

from sim.report.bokeh import hover, legend, plot
from sim.report.colors import CAUSES, COLLECTORS, CURVES, GREY, MEANING
from sim.results.latency import quantile, tail_causes
from sim.results.memory import between_batches, fragmentation
from sim.results.mmu import WINDOWS, mmu, utilization
from sim.results.result import Result
from sim.units import MS, SECOND, US, MiB, format_bytes, format_duration

Picture: TypeAlias = Callable[[Result], figure | None]

MOST_POINTS: Final = 4000
"""Of a curve; more are thinned to every n-th."""
MOST_SLICES: Final = 3000
MOST_CLASSES: Final = 12
FEWEST: Final = 2
"""Bars, cycles or classes below which a picture says no more than a number."""
SLICES: Final = {
    "goroutine": ("goroutine", "program"),
    "assist": ("assist", "assist"),
    "dedicated": ("dedicated", "dedicated"),
    "fractional": ("fractional", "fractional"),
    "idle": ("idle mark worker", "idle mark worker"),
    "sweep": ("sweep", "sweep"),
    "scavenge": ("scavenge", "scavenge"),
    "stw": ("stop the world", "stop the world"),
}


def heap(run: Result) -> figure | None:
    """Live heap, goal, trigger and RSS; marking is shaded."""
    samples = between_batches(run.samples)
    if samples.empty:
        return None
    made = plot("Heap", "simulated time [s]", "MiB", height=260, x_range=_time(run))
    made.y_range.start = 0
    cycles = run.cycles
    made.vstrip(
        x0=cycles["start_ns"] / SECOND,
        x1=cycles["end_ns"] / SECOND,
        color=GREY,
        alpha=0.15,
        legend_label="GC cycle",
    )
    some = samples.iloc[:: 1 + len(samples) // MOST_POINTS]
    for name, column in CURVES.items():
        if some[column].notna().any():
            dash = {"line_dash": "dashed"} if name == "trigger" else {}
            data = {"x": some["at_ns"] / SECOND, "y": some[column] / MiB}
            curve = made.line(
                "x",
                "y",
                source=ColumnDataSource(data),
                color=MEANING[name],
                legend_label=name,
                line_width=1.3,
                **dash,
            )
            hover(made, [(name, "@y{0.0} MiB at @x{0.000} s")], [curve])
    limit = samples["/gc/gomemlimit:bytes"].iloc[-1]
    if limit < 10 * samples["sim:rss:bytes"].max():
        made.hspan(
            y=[limit / MiB],
            color=MEANING["GOMEMLIMIT"],
            line_dash="dotted",
            line_width=2,
            legend_label="GOMEMLIMIT",
        )
    legend(made)
    return made


def _time(run: Result) -> Range1d:
    return Range1d(0, run.end_ns / SECOND, bounds=(0, run.end_ns / SECOND))


def gc_cpu(run: Result) -> figure | None:
    """Who spent the CPU time of each cycle."""
    cycles = run.cycles
    if len(cycles) < FEWEST:
        return None
    made = plot("GC CPU of each cycle", "cycle", "CPU ms")
    made.y_range.start = 0
    spent = {
        name: cycles[column] / MS
        for name, (column, _) in COLLECTORS.items()
        if cycles[column].any()
    }
    source = ColumnDataSource({"cycle": cycles["number"], **spent})
    bars = made.vbar_stack(
        list(spent),
        x="cycle",
        width=0.9,
        source=source,
        line_color=None,
        color=[MEANING[COLLECTORS[name][1]] for name in spent],
        legend_label=list(spent),
    )
    for name, bar in zip(spent, bars, strict=True):
        hover(made, [("cycle", "@cycle"), (name, f"@{{{name}}}{{0.00}} ms")], [bar])
    legend(made)
    return made


def pauses(run: Result) -> figure | None:
    """Every stop of the world over time."""
    stops = run.pauses
    if len(stops) < FEWEST:
        return None
    made = plot("Stops of the world", "simulated time [s]", "us", x_range=_time(run))
    made.y_range.start = 0
    data = {"x": stops["at_ns"] / SECOND, "y": stops["total_ns"] / US, "kind": stops["kind"]}
    dots = made.scatter(
        "x", "y", source=ColumnDataSource(data), color=MEANING["stop the world"], size=5, alpha=0.7
    )
    hover(made, [("", "@kind"), ("us", "@y{0.0}"), ("at", "@x{0.000} s")], [dots])
    return made


def distribution(run: Result) -> figure | None:
    """Latency by percentile, each further tick ten times as rare."""
    requests = run.service("requests")
    if len(requests) < FEWEST:
        return None
    took = np.sort(((requests["end_ns"] - requests["arrival_ns"]) / MS).to_numpy())
    rarity = 1 / (1 - np.arange(len(took)) / len(took))
    made = plot("Latency by percentile", "percentile", "ms", x_axis_type="log")
    made.y_range.start = 0
    some = np.unique(np.geomspace(1, len(took), 500).astype(int)) - 1
    kept = np.unique(np.concatenate([some, len(took) - 1 - some]))
    data = {"x": rarity[kept], "y": took[kept], "share": 100 * (1 - 1 / rarity[kept])}
    line = made.line(
        "x", "y", source=ColumnDataSource(data), color=MEANING["program"], line_width=2
    )
    hover(made, [("percentile", "@share{0.000}%"), ("latency", "@y{0.00} ms")], [line])
    ticks = [n for n in (2, 10, 100, 1000, 10_000, 100_000) if n <= len(took)]
    made.xaxis.ticker = ticks
    made.xaxis.major_label_overrides = {n: f"{100 * (1 - 1 / n):.6g}%" for n in ticks}
    return made


def causes(run: Result) -> figure | None:
    """Where the time of all requests went, and of the slowest."""
    requests = run.service("requests")
    if len(requests) < FEWEST:
        return None
    took = requests["end_ns"] - requests["arrival_ns"]
    groups = {"all": 0.0, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
    means = pd.DataFrame({name: tail_causes(requests, q)["tail"] for name, q in groups.items()})
    names = [
        name if not q else f"from {name}: {format_duration(quantile(took, q))}"
        for name, q in groups.items()
    ]
    parts = {
        title: means.loc[cause].to_numpy(dtype=float) / MS
        for cause, (title, _) in CAUSES.items()
        if means.loc[cause].any()
    }
    made = plot(
        "Latency by cause",
        "ms",
        "",
        y_range=FactorRange(*reversed(names)),
        height=130,
    )
    made.x_range.start = 0
    colors = {title: MEANING[meaning] for title, meaning in CAUSES.values()}
    bars = made.hbar_stack(
        list(parts),
        y="name",
        height=0.7,
        source=ColumnDataSource({"name": names, **parts}),
        color=[colors[title] for title in parts],
        legend_label=list(parts),
    )
    for title, bar in zip(parts, bars, strict=True):
        hover(made, [(title, f"@{{{title}}}{{0.000}} ms")], [bar])
    made.ygrid.visible = False
    legend(made)
    return made


def utilisation(run: Result) -> figure | None:
    """Minimum mutator utilisation by length of window, as Go's trace tool draws it."""
    if run.pauses.empty:
        return None
    windows = [window for window in WINDOWS if window <= run.end_ns]
    if len(windows) < FEWEST:
        return None
    curve = mmu(utilization(run.cycles, run.pauses, run.end_ns), windows)
    made = plot("Minimum mutator utilisation", "window", "% of the Ps", x_axis_type="log")
    made.y_range = Range1d(0, 100)
    data = {
        "x": windows,
        "y": 100 * curve.to_numpy(),
        "window": [format_duration(window) for window in windows],
    }
    source = ColumnDataSource(data)
    line = made.line("x", "y", source=source, color=MEANING["program"], line_width=2)
    dots = made.scatter("x", "y", source=source, color=MEANING["program"], size=5)
    hover(made, [("in the worst", "@window"), ("left to the program", "@y{0.0}%")], [line, dots])
    made.xaxis.ticker = windows[::3]
    made.xaxis.major_label_overrides = {w: format_duration(w) for w in windows[::3]}
    return made


def waste(run: Result) -> figure | None:
    """What spans hold beyond live objects at the end of the run, the worst size classes first."""
    if run.spans.empty:
        return None
    last = run.spans[run.spans["at_ns"] == run.spans["at_ns"].max()]
    parts = fragmentation(last, by=["size", "noscan"])[["dead", "free", "tail", "internal"]]
    worst = parts.loc[parts.sum(axis=1).nlargest(MOST_CLASSES).index]
    worst = worst[worst.sum(axis=1) > 0]
    if len(worst) < FEWEST:
        return None
    names = [
        f"{format_bytes(size) if size else 'large'}{' noscan' if noscan else ''}"
        for size, noscan in worst.index
    ]
    titles = {
        "dead": ("dead, not swept", GREY),
        "free": ("free slots", MEANING["allocation"]),
        "tail": ("ends of spans", MEANING["scavenge"]),
        "internal": ("rounding", MEANING["trigger"]),
    }
    data = {titles[name][0]: worst[name] / MiB for name in titles}
    made = plot(
        "Size classes that waste most",
        "MiB",
        "",
        y_range=FactorRange(*reversed(names)),
        height=22 * len(names),
    )
    made.x_range.start = 0
    bars = made.hbar_stack(
        list(data),
        y="name",
        height=0.75,
        source=ColumnDataSource({"name": names, **data}),
        color=[color for _, color in titles.values()],
        legend_label=list(data),
    )
    for title, bar in zip(data, bars, strict=True):
        hover(made, [("", "@name"), (title, f"@{{{title}}}{{0.00}} MiB")], [bar])
    made.ygrid.visible = False
    legend(made)
    return made


def timeline(run: Result) -> figure | None:
    """What each P did in the last GC cycle, and as long before and after."""
    if run.slices.empty or run.cycles.empty:
        return None
    start, end = (int(run.cycles[name].iloc[-1]) for name in ("start_ns", "end_ns"))
    inside = (run.slices["end_ns"] >= 2 * start - end) & (run.slices["start_ns"] <= 2 * end - start)
    shown = run.slices[inside].sort_values("start_ns").head(MOST_SLICES)
    if shown.empty:
        return None
    count = int(shown["processor"].max()) + 1
    made = plot(
        "Ps around the last cycle",
        "simulated time [ms]",
        "P",
        height=30 + 22 * min(count, 16),
        y_range=Range1d(count - 0.5, -0.5),
    )
    for kind, (title, meaning) in SLICES.items():
        mine = shown[shown["kind"] == kind]
        if mine.empty:
            continue
        data = {
            "left": mine["start_ns"] / MS,
            "right": mine["end_ns"] / MS,
            "p": mine["processor"],
            "us": (mine["end_ns"] - mine["start_ns"]) / US,
            "name": mine["name"],
        }
        bars = made.hbar(
            y="p",
            left="left",
            right="right",
            height=0.8,
            source=ColumnDataSource(data),
            color=MEANING[meaning],
            line_color=None,
            legend_label=title,
        )
        hover(made, [(title, "@name"), ("P", "@p"), ("us", "@us{0.0}")], [bars])
    made.yaxis.ticker = list(range(0, count, 1 + count // 16))
    made.ygrid.visible = False
    legend(made)
    return made


def colours(run: Result) -> figure | None:
    """White, grey and black bytes while the last cycle marked, where that was recorded."""
    if run.marking.empty:
        return None
    last = run.marking[run.marking["cycle"] == run.marking["cycle"].max()]
    made = plot("Marking: black, grey and white", "simulated time [ms]", "MiB")
    made.y_range.start = 0
    shades = {"black": "#4a4f59", "grey": "#8a8f98", "white": "#d5d9df"}
    data: dict[str, Any] = {"x": last["at_ns"] / MS}
    data |= {colour: last[colour] / MiB for colour in shades}
    made.varea_stack(
        list(shades),
        x="x",
        source=ColumnDataSource(data),
        color=list(shades.values()),
        legend_label=list(shades),
    )
    legend(made)
    return made


def work(run: Result) -> figure | None:
    """Scan work left, credit of background workers and debt of parked assists in that cycle."""
    if run.marking.empty:
        return None
    last = run.marking[run.marking["cycle"] == run.marking["cycle"].max()]
    made = plot("Marking: work left, credit, debt", "simulated time [ms]", "MiB")
    for title, column, meaning in (
        ("scan work left", "work_left", "heap"),
        ("credit of background workers", "credit", "dedicated"),
        ("debt of waiting assists", "assist_debt", "assist"),
    ):
        data = {"x": last["at_ns"] / MS, "y": last[column] / MiB}
        line = made.line(
            "x", "y", source=ColumnDataSource(data), color=MEANING[meaning], legend_label=title
        )
        hover(made, [(title, "@y{0.00} MiB")], [line])
    legend(made)
    return made


PICTURES: Final[Mapping[str, Picture]] = MappingProxyType(
    {
        "heap": heap,
        "gc_cpu": gc_cpu,
        "pauses": pauses,
        "latency": distribution,
        "causes": causes,
        "mmu": utilisation,
        "waste": waste,
        "timeline": timeline,
        "colours": colours,
        "work": work,
    }
)
"""All pictures of a run, in the order in which a reader asks."""
OVER_TIME: Final = ("heap", "pauses")


def pictures(run: Result) -> dict[str, figure]:
    """Those that are worth one, with their time axes linked."""
    found = {name: made for name, draw in PICTURES.items() if (made := draw(run)) is not None}
    for name in OVER_TIME:
        if name in found and "heap" in found:
            found[name].x_range = found["heap"].x_range
    return found
