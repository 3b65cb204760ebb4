"""One picture each: a function that draws one question about a run into given axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim.report import marking
from sim.report.style import (
    BLUE,
    CAUSES,
    GC_KINDS,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SLICES,
    dress,
    legend,
    nothing,
)  # fmt: skip
from sim.results.latency import quantile, tail_causes
from sim.results.memory import fragmentation, lock_contention
from sim.results.mmu import WINDOWS, mmu, utilization
from sim.results.result import Result
from sim.units import MS, SECOND, US, MiB, format_bytes, format_duration

Panel: TypeAlias = Callable[[Axes, Result], None]

MOST_SLICES: Final = 3000
"""More slices than that nobody tells apart."""
MOST_LOCKS: Final = 10
MOST_CLASSES: Final = 12
_KINDS: Final = (BLUE, RED, GREEN, PURPLE, ORANGE)
"""Colours of kinds of pauses, of which there are no more."""


def heap(axes: Axes, run: Result) -> None:
    """Live heap, goal, trigger and RSS; mark phases are shaded."""
    dress(axes, "Heap", "simulated time [s]", "MiB")
    samples = run.samples
    if samples.empty:
        return nothing(axes, "no samples: record.samples is 0")
    at = samples["at_ns"] / SECOND
    for label, column, color, dashes in (
        ("RSS", "sim:rss:bytes", GREY, "-"),
        ("goal", "/gc/heap/goal:bytes", RED, "-"),
        ("trigger", "sim:heap/trigger:bytes", ORANGE, "--"),
        ("heap_live", "sim:heap/live:bytes", BLUE, "-"),
        ("reachable", "sim:heap/reachable:bytes", GREEN, "-"),
    ):
        if samples[column].notna().any():
            axes.plot(at, samples[column] / MiB, dashes, color=color, label=label, linewidth=1.2)
    limit = samples["/gc/gomemlimit:bytes"].iloc[-1]
    if limit < 10 * samples["sim:rss:bytes"].max():
        axes.axhline(limit / MiB, color=PURPLE, linestyle=":", label="GOMEMLIMIT")
    _shade_marking(axes, run.cycles)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, run.end_ns / SECOND)
    return legend(axes)


def _shade_marking(axes: Axes, cycles: pd.DataFrame) -> None:
    spans = list(
        zip(
            cycles["start_ns"] / SECOND, (cycles["end_ns"] - cycles["start_ns"]) / SECOND,
            strict=True,
        )
    )  # fmt: skip
    if spans:
        low = axes.get_xaxis_transform()
        axes.broken_barh(spans, (0, 1), transform=low, color=GREY, alpha=0.15, label="GC cycle")


def gc_cpu_by_kind(axes: Axes, run: Result) -> None:
    """Who spent the CPU time of each cycle."""
    dress(axes, "GC CPU per cycle", "cycle", "CPU ms")
    cycles = run.cycles
    if cycles.empty:
        return nothing(axes, "no GC cycle")
    # Filled steps, not bars: a thousand cycles are still a few shapes.
    edges = np.append(cycles["number"] - 0.5, cycles["number"].iloc[-1] + 0.5)
    below = np.zeros(len(edges))
    for kind, color in GC_KINDS.items():
        spent = cycles["stw_cpu_ns" if kind == "pause" else f"{kind}_ns"] / MS
        if not spent.any():
            continue
        above = below + np.append(spent, spent.iloc[-1])
        axes.fill_between(edges, below, above, step="post", color=color, label=kind, linewidth=0)
        below = above
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    return legend(axes)


def pauses(axes: Axes, run: Result) -> None:
    """Every stop of the world, by what it was for."""
    dress(axes, "Pauses", "simulated time [s]", "µs")
    if run.pauses.empty:
        return nothing(axes, "the world never stopped")
    for color, (kind, stops) in zip(_KINDS, run.pauses.groupby("kind"), strict=False):
        axes.plot(
            stops["at_ns"] / SECOND, stops["total_ns"] / US, ".",
            color=color, label=str(kind), markersize=4,
        )  # fmt: skip
    axes.set_ylim(bottom=0)
    return legend(axes)


def pause_distribution(axes: Axes, run: Result) -> None:
    """Length of pauses by percentile."""
    dress(axes, "Pauses: distribution", "percentile", "µs")
    if run.pauses.empty:
        return nothing(axes, "the world never stopped")
    for color, (kind, stops) in zip(_KINDS, run.pauses.groupby("kind"), strict=False):
        _by_rarity(axes, stops["total_ns"] / US, str(kind), color)
    _rarity_axis(axes, len(run.pauses))
    return legend(axes)


def latency_distribution(axes: Axes, run: Result) -> None:
    """Latency by percentile, each further tick ten times as rare."""
    dress(axes, "Request latency: distribution", "percentile", "ms")
    requests = run.requests
    if requests.empty:
        return nothing(axes, "no request ended")
    _by_rarity(axes, (requests["end_ns"] - requests["arrival_ns"]) / MS, "all", BLUE)
    return _rarity_axis(axes, len(requests))


def _by_rarity(axes: Axes, values: pd.Series[float], label: str, color: str) -> None:
    ordered = np.sort(values.to_numpy())
    rarity = 1 / (1 - np.arange(len(ordered)) / len(ordered))
    axes.plot(rarity, ordered, color=color, label=label, drawstyle="steps-post")


def _rarity_axis(axes: Axes, count: int) -> None:
    axes.set_xscale("log")
    ticks = [n for n in (1, 2, 10, 100, 1000, 10_000, 100_000) if n <= count]
    axes.set_xticks(ticks, [f"{100 * (1 - 1 / n):.6g}%" for n in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)


def latency_causes(axes: Axes, run: Result) -> None:
    """Where the time of all requests went, and of the slowest."""
    dress(axes, "What the slowest waited for", "mean of the requests that took as long", "ms")
    requests = run.requests
    if requests.empty:
        return nothing(axes, "no request ended")
    took = requests["end_ns"] - requests["arrival_ns"]
    groups = {"all": 0.0, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
    means = pd.DataFrame({name: tail_causes(requests, q)["tail"] for name, q in groups.items()})
    below = np.zeros(len(groups))
    for cause, color in CAUSES.items():
        part = means.loc[cause].to_numpy(dtype=float) / MS
        if not part.any():
            continue
        axes.bar(range(len(groups)), part, bottom=below, color=color, label=cause, width=0.7)
        below += part
    names = [
        name if not q else f"≥ {name}\n{format_duration(quantile(took, q))}"
        for name, q in groups.items()
    ]
    axes.set_xticks(range(len(groups)), names)
    return legend(axes)


def utilization_curve(axes: Axes, run: Result) -> None:
    """Minimum mutator utilisation by length of window, as Go's trace tool draws it."""
    dress(axes, "Minimum mutator utilisation", "window", "share of the Ps")
    if run.pauses.empty:
        return nothing(axes, "the world never stopped")
    windows = [window for window in WINDOWS if window <= run.end_ns]
    curve = mmu(utilization(run.cycles, run.pauses, run.end_ns), windows)
    axes.plot(curve.index, curve.to_numpy(), "o-", color=BLUE, markersize=3)
    axes.set_xscale("log")
    ticks = windows[::3]
    axes.set_xticks(ticks, [format_duration(window) for window in ticks])
    axes.minorticks_off()
    axes.set_ylim(0, 1)
    return None


def size_class_waste(axes: Axes, run: Result) -> None:
    """What spans hold beyond live objects at the end of the run, the worst size classes first."""
    dress(axes, "Size classes that waste most, at the end", "MiB", "", "x")
    if run.spans.empty:
        return nothing(axes, "no spans")
    last = run.spans[run.spans["at_ns"] == run.spans["at_ns"].max()]
    parts = fragmentation(last, by=["size", "noscan"])[["dead", "free", "tail", "internal"]]
    worst = parts.loc[parts.sum(axis=1).nlargest(MOST_CLASSES).index][::-1]
    left = np.zeros(len(worst))
    colors = {"dead": ORANGE, "free": BLUE, "tail": GREY, "internal": PURPLE}
    for name, color in colors.items():
        part = worst[name].to_numpy(dtype=float) / MiB
        axes.barh(range(len(worst)), part, left=left, color=color, label=name)
        left += part
    names = [
        f"{format_bytes(size) if size else 'large'}{' noscan' if noscan else ''}"
        for size, noscan in worst.index
    ]
    axes.set_yticks(range(len(worst)), names)
    return legend(axes)


def locks(axes: Axes, run: Result) -> None:
    """The locks of the runtime that were waited for longest."""
    dress(axes, "Locks: total time waited for", "µs", "", "x")
    waited = lock_contention(run.locks).head(MOST_LOCKS)[::-1]
    waited = waited[waited["wait_ns"] > 0]
    if waited.empty:
        return nothing(axes, "nobody waited for a lock")
    axes.barh(range(len(waited)), waited["wait_ns"] / US, color=RED)
    axes.set_yticks(range(len(waited)), [str(name) for name in waited.index])
    return None


def timeline(axes: Axes, run: Result) -> None:
    """What each P did in the last GC cycle, and as long before and after."""
    dress(axes, "What each P does", "simulated time [ms]", "P")
    if run.slices.empty:
        return nothing(axes, "not recorded: record.timeline is off")
    begin, end = _around_last_cycle(run)
    inside = (run.slices["end_ns"] >= begin) & (run.slices["start_ns"] <= end)
    shown = run.slices[inside].sort_values("start_ns").head(MOST_SLICES)
    for kind, color in SLICES.items():
        mine = shown[shown["kind"] == kind]
        left, width = mine["start_ns"] / MS, (mine["end_ns"] - mine["start_ns"]) / MS
        if len(mine):
            axes.barh(
                mine["processor"], width, left=left, color=color, label=kind, height=0.8,
                linewidth=0,
            )  # fmt: skip
    axes.set_yticks(sorted(run.slices["processor"].unique()))
    axes.set_xlim(begin / MS, end / MS)
    axes.grid(visible=False)
    return legend(axes)


def _around_last_cycle(run: Result) -> tuple[int, int]:
    if run.cycles.empty:
        return 0, run.end_ns
    start, end = (int(run.cycles[name].iloc[-1]) for name in ("start_ns", "end_ns"))
    return max(0, 2 * start - end), min(run.end_ns, 2 * end - start)


PANELS: Final[Mapping[str, Panel]] = MappingProxyType(
    {
        "heap": heap,
        "gc_cpu": gc_cpu_by_kind,
        "pauses": pauses,
        "pause_distribution": pause_distribution,
        "latency": latency_distribution,
        "causes": latency_causes,
        "mmu": utilization_curve,
        "waste": size_class_waste,
        "locks": locks,
        "timeline": timeline,
        "mark_colours": marking.colours,
        "mark_work": marking.work,
    }
)
"""All pictures of a run, in the order in which a reader asks."""
