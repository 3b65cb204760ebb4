"""One picture each: a function that draws one question about a run into given axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import cycle
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from sim.report.colors import CAUSES, COLLECTORS, CURVES, GREY, MEANING, SERIES
from sim.report.style import dress, legend, nothing
from sim.results.latency import quantile, tail_causes
from sim.results.memory import between_batches
from sim.results.result import Result
from sim.units import MS, SECOND, US, MiB, format_duration

Panel: TypeAlias = Callable[[Axes, Result], None]

_MARKS: Final = ".x+1*"
"""Of kinds of stops, of which there are no more."""


def heap(axes: Axes, run: Result) -> None:
    """Live heap, goal, trigger and RSS; mark phases are shaded."""
    dress(axes, "Heap", "simulated time [s]", "MiB")
    samples = between_batches(run.samples)
    if samples.empty:
        return nothing(axes, "no samples: record.samples is 0")
    at = samples["at_ns"] / SECOND
    for name, column in CURVES.items():
        if samples[column].notna().any():
            dashes = "--" if name == "trigger" else "-"
            color = MEANING[name]
            axes.plot(at, samples[column] / MiB, dashes, color=color, label=name, linewidth=1.2)
    limit = samples["/gc/gomemlimit:bytes"].iloc[-1]
    if limit < 10 * samples["sim:rss:bytes"].max():
        axes.axhline(limit / MiB, color=MEANING["GOMEMLIMIT"], linestyle=":", label="GOMEMLIMIT")
    _shade_marking(axes, run.cycles)
    axes.set_ylim(bottom=0)
    axes.set_xlim(0, run.end_ns / SECOND)
    return legend(axes)


def _shade_marking(axes: Axes, cycles: pd.DataFrame) -> None:
    spans = list(
        zip(
            cycles["start_ns"] / SECOND,
            (cycles["end_ns"] - cycles["start_ns"]) / SECOND,
            strict=True,
        )
    )
    if spans:
        low = axes.get_xaxis_transform()
        axes.broken_barh(spans, (0, 1), transform=low, color=GREY, alpha=0.15, label="GC cycle")


def gc_cpu_by_kind(axes: Axes, run: Result) -> None:
    """Who spent the CPU time of each cycle."""
    dress(axes, "GC CPU of each cycle", "cycle", "CPU ms")
    cycles = run.cycles
    if cycles.empty:
        return nothing(axes, "no GC cycle")
    # Filled steps, not bars: a thousand cycles are still a few shapes.
    edges = np.append(cycles["number"] - 0.5, cycles["number"].iloc[-1] + 0.5)
    below = np.zeros(len(edges))
    for kind, (column, meaning) in COLLECTORS.items():
        spent = cycles[column] / MS
        if not spent.any():
            continue
        above = below + np.append(spent, spent.iloc[-1])
        color = MEANING[meaning]
        axes.fill_between(edges, below, above, step="post", color=color, label=kind, linewidth=0)
        below = above
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    return legend(axes)


def pauses(axes: Axes, run: Result) -> None:
    """Every stop of the world, by what it was for."""
    dress(axes, "Stops of the world", "simulated time [s]", "us")
    if run.pauses.empty:
        return nothing(axes, "the world never stopped")
    for mark, (kind, stops) in zip(_MARKS, run.pauses.groupby("kind"), strict=False):
        axes.plot(
            stops["at_ns"] / SECOND,
            stops["total_ns"] / US,
            mark,
            color=MEANING["stop the world"],
            label=str(kind),
            markersize=5,
        )
    axes.set_ylim(bottom=0)
    return legend(axes)


def latency_distribution(axes: Axes, run: Result) -> None:
    """Latency by percentile, each further tick ten times as rare."""
    dress(axes, "Latency by percentile", "percentile", "ms")
    requests = run.service("requests")
    if requests.empty:
        return nothing(axes, "no request ended")
    _by_rarity(axes, (requests["end_ns"] - requests["arrival_ns"]) / MS, "all", MEANING["program"])
    return _rarity_axis(axes, len(requests))


def _by_rarity(axes: Axes, values: pd.Series[float], label: str, color: str) -> None:
    ordered = np.sort(values.to_numpy())
    rarity = 1 / (1 - np.arange(len(ordered)) / len(ordered))
    axes.plot(rarity, ordered, color=color, label=label, drawstyle="steps-post")


def _rarity_axis(axes: Axes, count: int) -> None:
    axes.set_xscale("log")
    ticks = [n for n in (2, 10, 100, 1000, 10_000, 100_000) if n <= count]
    axes.set_xticks(ticks, [f"{100 * (1 - 1 / n):.6g}%" for n in ticks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)


def latency_causes(axes: Axes, run: Result) -> None:
    """Where the time of all requests went, and of the slowest."""
    dress(axes, "Latency by cause", "mean of the requests that took as long", "ms")
    requests = run.service("requests")
    if requests.empty:
        return nothing(axes, "no request ended")
    took = requests["end_ns"] - requests["arrival_ns"]
    groups = {"all": 0.0, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}
    means = pd.DataFrame({name: tail_causes(requests, q)["tail"] for name, q in groups.items()})
    below = np.zeros(len(groups))
    for cause, (title, meaning) in CAUSES.items():
        part = means.loc[cause].to_numpy(dtype=float) / MS
        if not part.any():
            continue
        axes.bar(
            range(len(groups)), part, bottom=below, color=MEANING[meaning], label=title, width=0.7
        )
        below += part
    names = [
        name if not q else f"≥ {name}\n{format_duration(quantile(took, q))}"
        for name, q in groups.items()
    ]
    axes.set_xticks(range(len(groups)), names)
    return legend(axes)


def heaps(axes: Axes, runs: Mapping[str, Result]) -> None:
    """The heap of several runs over time, and the RSS of each, dashed."""
    dress(axes, "Heap, and RSS dashed", "simulated time [s]", "MiB")
    for color, (label, run) in zip(cycle(SERIES), runs.items(), strict=False):
        if not run.samples.empty:
            samples = between_batches(run.samples)
            at = samples["at_ns"] / SECOND
            axes.plot(at, samples["sim:heap/live:bytes"] / MiB, color=color, label=label)
            axes.plot(at, samples["sim:rss:bytes"] / MiB, "--", color=color, linewidth=0.8)
    axes.set_ylim(bottom=0)
    return legend(axes)


def collections(axes: Axes, runs: Mapping[str, Result]) -> None:
    """CPU time of collection so far, without idle workers."""
    dress(axes, "GC CPU so far", "simulated time [s]", "CPU ms")
    kinds = ["assist_ns", "dedicated_ns", "fractional_ns", "stw_cpu_ns"]
    for color, (label, run) in zip(cycle(SERIES), runs.items(), strict=False):
        spent = run.cycles[kinds].sum(axis=1).cumsum() / MS
        axes.step(run.cycles["end_ns"] / SECOND, spent, where="post", color=color, label=label)
    axes.set_ylim(bottom=0)


def all_pauses(axes: Axes, runs: Mapping[str, Result]) -> None:
    """Length of stops of the world by percentile."""
    dress(axes, "Stops of the world", "percentile", "us")
    _rarities(axes, {name: run.pauses["total_ns"] / US for name, run in runs.items()})


def latencies(axes: Axes, runs: Mapping[str, Result]) -> None:
    """Latency of requests by percentile."""
    dress(axes, "Request latency", "percentile", "ms")
    took = {
        name: (run.service("requests")["end_ns"] - run.service("requests")["arrival_ns"]) / MS
        for name, run in runs.items()
    }
    _rarities(axes, took)


def _rarities(axes: Axes, values: Mapping[str, pd.Series[float]]) -> None:
    for color, (label, found) in zip(cycle(SERIES), values.items(), strict=False):
        if len(found):
            _by_rarity(axes, found, label, color)
    most = max((len(found) for found in values.values()), default=0)
    if most:
        _rarity_axis(axes, most)


PANELS: Final[Mapping[str, Panel]] = MappingProxyType(
    {
        "heap": heap,
        "gc_cpu": gc_cpu_by_kind,
        "pauses": pauses,
        "latency": latency_distribution,
        "causes": latency_causes,
    }
)
"""The pictures of one run."""
OVERLAYS: Final[Mapping[str, Callable[[Axes, Mapping[str, Result]], None]]] = MappingProxyType(
    {"heap": heaps, "gc_cpu": collections, "pauses": all_pauses, "latency": latencies}
)
"""The pictures of several runs over each other."""
