"""Pictures and figures of docs/memory.md: `python docs/make_memory.py`.

Needs nothing but the package; real runs are those recorded in tests/golden/memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from sim.build import build
from sim.build_events import Events
from sim.config import load
from sim.results.memory import heap_over_time, thrashing
from sim.results.result import Result
from sim.simulation import simulate
from sim.truth.memory import markdown, validate
from sim.units import MS, SECOND, MiB

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "memory.md"
PICTURES: Final = ROOT / "docs" / "memory"
RECORDED: Final = ROOT / "tests" / "golden" / "memory"
WIDTH: Final = 9
IN_USE, FREE, RELEASED, LINE, ALARM = "#4477aa", "#99ccee", "#e8e8e8", "#222222", "#cc3311"
MAP_COLUMNS: Final = 128


@cache
def run(config: str, *sets: str) -> Result:
    """A simulated run of a shipped config."""
    return simulate(load(ROOT / "configs" / f"{config}.yaml", sets))


def heap(result: Result) -> pd.DataFrame:
    """The heap in MiB over seconds."""
    frame = heap_over_time(result.samples) / MiB
    return frame.set_index(result.samples["at_ns"] / SECOND)


def stacked(ax: Axes, frame: pd.DataFrame) -> None:
    """In use, free and released above each other, and RSS as a line."""
    ax.stackplot(
        frame.index,
        frame["in_use"],
        frame["free"],
        frame["released"],
        colors=[IN_USE, FREE, RELEASED],
        labels=["in use", "free", "released"],
    )
    ax.plot(frame.index, frame["rss"], color=LINE, lw=1.6, label="RSS")
    ax.margins(x=0)
    ax.set_ylabel("MiB")
    ax.set_xlabel("seconds")


def life(ax: Axes) -> None:
    """Growing, dropping, giving back."""
    frame = heap(run("shrink"))
    stacked(ax, frame)
    kept = heap(run("shrink", "model.scavenger=off"))
    ax.plot(kept.index, kept["rss"], color=ALARM, lw=1.2, ls="--", label="RSS without scavenger")
    ax.set_ylim(top=330)
    ax.legend(loc="upper center", ncols=5)
    ax.set_title("A program grows to 192 MiB, and drops nearly all of it after four seconds")


def occupancy(at: float) -> np.ndarray:
    """How full the span of every page of the heap is; NaN for pages without a span."""
    mode = build(load(ROOT / "configs" / "every-second.yaml"), lambda fact: None).mode
    assert isinstance(mode, Events)
    mode.runtime.clock.run(until=round(at * SECOND))
    spans, pages = mode.memory.heap.spans, mode.memory.heap.pages
    full = np.full(pages.total_pages, np.nan)
    rows = spans.rows_in_use()
    for row in rows.tolist():
        first = spans.page[row]
        full[first : first + spans.npages[row]] = spans.allocated[row] / spans.nelems[row]
    return np.resize(full, -(-len(full) // MAP_COLUMNS) * MAP_COLUMNS).reshape(-1, MAP_COLUMNS)


def heap_map(axes: np.ndarray) -> None:
    """The heap page by page before and after every second object dies, and at the end."""
    colours = LinearSegmentedColormap.from_list("full", ["#fff2cc", IN_USE])
    colours.set_bad(RELEASED)
    titles = ("before", "every second object is dead", "and small objects come")
    maps = [occupancy(at) for at in (0.9, 2.0, 6.0)]
    rows = max(len(drawn) for drawn in maps)
    for ax, title, drawn in zip(axes, titles, maps, strict=True):
        missing = np.full((rows - len(drawn), MAP_COLUMNS), np.nan)
        image = ax.imshow(
            np.vstack((drawn, missing)),
            cmap=colours,
            vmin=0,
            vmax=1,
            aspect="auto",
            interpolation="nearest",
        )
        ax.set_title(title)
        ax.set_xticks([])
        ax.set_yticks([])
    axes[0].set_ylabel("addresses, 1 MiB a row")
    axes[0].figure.colorbar(image, ax=axes.tolist(), label="slots in use", fraction=0.03, pad=0.02)


def spans(ax: Axes) -> None:
    """What spans hold, and what is free beside them."""
    frame = heap(run("every-second"))
    ax.stackplot(
        frame.index,
        frame["objects"],
        frame["unused"],
        frame["free"],
        colors=[IN_USE, "#ddaa33", FREE],
        labels=["objects", "free slots and tails of spans", "free pages"],
    )
    ax.plot(frame.index, frame["rss"], color=LINE, lw=1.6, label="RSS")
    ax.margins(x=0)
    ax.set_ylabel("MiB")
    ax.set_xlabel("seconds")
    ax.set_ylim(top=140)
    ax.legend(loc="upper left", ncols=4)
    ax.set_title("Memory of every second object can be used again, but not returned")


LIMITS: Final = (("limit-far", 1024), ("limit-near", 120), ("limit-below-live", 48))


def limits(axes: np.ndarray) -> None:
    """One program under three memory limits."""
    for ax, (name, limit) in zip(axes, LIMITS, strict=True):
        result = run(name, "duration=3s")
        frame = heap(result)
        held = frame["total"] - frame["released"]
        ax.plot(frame.index, held, color=IN_USE, lw=1)
        if limit < held.max() * 2:
            ax.axhline(limit, color=ALARM, lw=1.2, ls="--")
        share = result.summary()["gc_cpu"].value
        ax.set_title(f"{name}: {limit} MiB\n{100 * share:.0f} % of the CPU for GC", fontsize=9)
        ax.set_xlabel("seconds")
        ax.set_ylim(0, 240)
    axes[0].set_ylabel("memory that the limit sees, MiB")


def leak(axes: np.ndarray) -> None:
    """A leak into a memory limit, to the kill."""
    result = leaking()
    frame, cycles = heap(result), result.cycles
    goal = result.samples["/gc/heap/goal:bytes"] / MiB
    top, below = axes
    top.plot(frame.index, frame["rss"], color=LINE, label="RSS")
    top.plot(frame.index, frame["in_use"], color=IN_USE, lw=1, label="heap in use")
    top.plot(frame.index, goal.clip(upper=160), color="#ddaa33", lw=1, label="heap goal")
    top.axhline(128, color="#888888", ls=":", lw=1, label="GOMEMLIMIT")
    top.axhline(144, color=ALARM, ls="--", lw=1, label="cgroup")
    top.plot(frame.index[-1], frame["rss"].iloc[-1], "x", color=ALARM, ms=9, mew=2)
    top.legend(loc="lower right", ncols=2)
    top.set_ylabel("MiB")
    top.set_title("A leak of 32 MiB a second, GOGC=off, GOMEMLIMIT=128MiB, container of 144 MiB")
    busy = cycles[["dedicated_ns", "fractional_ns", "idle_ns", "assist_ns", "stw_cpu_ns"]].sum(
        axis=1
    )
    window = 250 * MS
    slot = cycles["end_ns"] // window
    share = busy.groupby(slot).sum() / (2 * window)
    below.bar((share.index + 0.5) * window / SECOND, 100 * share, width=0.24, color=IN_USE)
    below.set_ylabel("GC, % of CPU")
    below.set_xlabel("seconds")
    below.set_xlim(top.get_xlim())


def leaking() -> Result:
    """The leak in a container."""
    return run("steady-leak", "cgroup.memory=144MiB", "duration=10s")


PROGRAMS: Final = ("shrink", "steady-leak", "every-second", "deep-stacks")


def real(axes: np.ndarray) -> None:
    """Real and simulated RSS and heap in use."""
    for ax, name in zip(axes.flat, PROGRAMS, strict=True):
        frame = heap(run(name))
        for number in (1, 2):
            measured = pd.read_csv(RECORDED / f"{name}-{number}.csv", index_col="at_ns") / MiB
            measured.index = measured.index / SECOND
            for what, colour in (("rss", LINE), ("in_use", IN_USE), ("stacks", "#228833")):
                ax.plot(measured.index, measured[what], color=colour, lw=0.9, ls=":")
        for what, colour in (("rss", LINE), ("in_use", IN_USE), ("stacks", "#228833")):
            ax.plot(frame.index, frame[what], color=colour, lw=1.3, label=what.replace("_", " "))
        ax.set_title(name)
        ax.set_xlim(0, frame.index[-1])
    for ax in axes[:, 0]:
        ax.set_ylabel("MiB")
    for ax in axes[1]:
        ax.set_xlabel("seconds")
    axes[0, 0].legend(title="simulated; dotted: real")


def draw(name: str, plot: Callable[[Any], None], height: float, **grid: Any) -> None:
    """One picture."""
    figure, axes = plt.subplots(figsize=(WIDTH, height), layout="constrained", **grid)
    plot(axes)
    figure.savefig(PICTURES / f"{name}.png", dpi=110)
    plt.close(figure)


def figures() -> dict[str, str]:
    """The tables and numbers of the page by the name of their place."""
    configs = [ROOT / "configs" / f"{name}.yaml" for name in PROGRAMS]
    shrink = heap(run("shrink"))
    lag = shrink.loc[5:, "rss"]
    back = lag.index[lag < (shrink["rss"].max() + lag.min()) / 2][0]
    rows = []
    for name, limit in LIMITS:
        result = run(name, "duration=3s")
        told = result.summary()
        rows.append((name, f"{limit} MiB", *(str(told[key]) for key in _TOLD)))
    table = pd.DataFrame(rows, columns=["config", "limit", *_TOLD])
    small, huge = (
        heap(run("shrink", SCATTERED, "duration=60s", f"os.huge_pages={huge_pages}"))["rss"].iloc[
            -1
        ]
        for huge_pages in ("never", "always")
    )
    return {
        "shrink": f"Here RSS falls by half {back - 4:.1f} s after the heap did.",
        "limits": table.to_markdown(index=False),
        "leak": f"> {leaking().run['reason']}\n\n"
        f"It thrashed for {thrashing(leaking().cycles) / SECOND:.2f} s before.",
        "huge": f"RSS after a minute: {small:.0f} MiB without huge pages,"
        f" {huge:.0f} MiB with them.",
        "real": markdown(validate(configs, RECORDED)),
    }


SCATTERED: Final = (
    "workload.goroutines.phase.steps=[{repeat: {times: 192, steps: ["
    "{work: {cpu: 1us, allocate: 960KiB, of: node}},"
    " {work: {cpu: 1us, allocate: 64KiB, of: node, lives: forever}}, {wait: 20ms}]}}]"
)
"""The program that shrinks leaves 64 KiB of every MiB behind."""
_TOLD: Final = ("gc_cycles", "gc_cpu", "assist_cpu", "latency_p99", "peak_memory")


def insert(text: str, name: str, content: str) -> str:
    """Put content between the marks of its place."""
    place = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    return place.sub(lambda marks: f"{marks[1]}{content}\n{marks[2]}", text)


def main() -> None:
    """Draw everything and put the figures into the page."""
    mpl.use("Agg")
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9})
    mpl.rcParams.update({"legend.frameon": False, "axes.titlesize": 10})
    PICTURES.mkdir(exist_ok=True)
    draw("life", life, 3.4)
    draw("map", heap_map, 3.4, ncols=3)
    draw("spans", spans, 2.8)
    draw("limits", limits, 2.8, ncols=3, sharey=True)
    draw("leak", leak, 4.2, nrows=2, sharex=True, height_ratios=[2.4, 1])
    draw("real", real, 5.4, nrows=2, ncols=2)
    text = PAGE.read_text(encoding="utf-8")
    for name, content in figures().items():
        text = insert(text, name, content)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
