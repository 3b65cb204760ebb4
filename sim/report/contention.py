"""The curve of waiting for locks over GOMAXPROCS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Final

import pandas as pd
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from matplotlib.figure import Figure

from sim.experiment.contention import lock_frame
from sim.report.bokeh import hover, legend, plot
from sim.report.colors import SERIES
from sim.report.pictures import FEWEST
from sim.report.style import dress, nothing, text_as_it_is
from sim.results.few import ENOUGH, NEVER, Few, fewest
from sim.results.result import Result
from sim.units import Fraction

WORTH_TELLING: Final[Fraction] = 1e-6
"""Share of the time of all Ps below which waiting for a lock is told as nothing."""
MOST_SHOWN: Final = 5
"""Locks that are drawn, the ones most waited for."""


def share_text(share: Fraction) -> str:
    """A share of the time of all Ps in percent, with the digits that tell settings apart."""
    return f"{100 * share:.3g}%"


def verdict(rows: pd.DataFrame) -> list[str]:
    """How much waiting costs, where and for what, and what that rests on."""
    every = rows[rows["lock"] == "all"]
    if every.empty:
        return ["No lock was taken, or none is simulated: see model.detail."]
    most = every.iloc[int(every["cpu_share"].to_numpy().argmax())].to_dict()
    there = rows[(rows["setting"] == most["setting"]) & (rows["refills"] == most["refills"])]
    lock = there[there["lock"] != "all"].iloc[0].to_dict()
    found = ["Nobody waits for a lock under any setting."]
    if most["cpu_share"]:
        taken = f"{lock['contended']:.2%} of the times it is taken"
        share = f"{share_text(most['cpu_share'])} of the time of all Ps, idle or not"
        found = [
            f"Waiting for locks takes {share}; that is most, under {most['setting']}.",
            f"Most waited for there: {lock['lock']}, {taken}.",
        ]
    count = every["setting"].nunique()
    counted = "1 setting" if count == 1 else f"each of {count} settings"
    return [*found, *fewest(list(_doubts(every))), f"Rests on: one run of {counted}."]


def _doubts(every: pd.DataFrame) -> Iterator[tuple[str, Few]]:
    for row in every.to_dict("records"):
        cycles = row["cycles"]
        if not row["began"]:
            yield row["setting"], NEVER
        elif cycles < ENOUGH:
            counted = (
                "1 GC cycle in service is" if cycles == 1 else f"{cycles} GC cycles in service are"
            )
            sentence = (
                f"{counted} few: what a batch counts may have been taken up to a"
                " quarter of a cycle before"
            )
            yield row["setting"], Few(cycles, "gc_cycles", sentence)


def picture(runs: Mapping[str, Result]) -> figure | None:
    """The same of stored runs that differ in GOMAXPROCS alone; None where there are no such."""
    curve = {
        int(run.settings["GOMAXPROCS"]): lock_frame(run)["cpu_share"]
        for run in runs.values()
        if set(run.settings) == {"GOMAXPROCS"} and not run.locks.empty
    }
    shares = 100 * pd.DataFrame(curve).T.sort_index().fillna(0.0)
    if len(curve) < FEWEST or shares["all"].max() < 100 * WORTH_TELLING:
        return None
    shown = ["all", *shares.drop(columns="all").sum().nlargest(MOST_SHOWN - 1).index]
    made = plot("Waiting for locks", "GOMAXPROCS", "% of the time of all Ps", x_axis_type="log")
    made.xaxis.ticker = list(shares.index)
    made.xaxis.major_label_overrides = {procs: str(procs) for procs in shares.index}
    for lock, color in zip(shown, SERIES, strict=False):
        source = ColumnDataSource({"procs": shares.index, "share": shares[lock]})
        line = made.line(
            "procs", "share", source=source, color=color, line_width=2, legend_label=lock
        )
        dots = made.scatter("procs", "share", source=source, color=color, size=6)
        hover(made, [(lock, "@share{0.0000}%"), ("GOMAXPROCS", "@procs")], [line, dots])
    made.y_range.start = 0
    legend(made)
    return made


def curve(rows: pd.DataFrame, suffix: str) -> bytes:
    """Share of the time of all Ps that waits take: a picture in the format of the suffix.

    A colour is a lock, dashes are the exact mode; locks that take nothing worth telling are left
    out.
    """
    of_locks = rows[rows["lock"] != "all"].groupby("lock")
    worth = of_locks["cpu_share"].max() >= WORTH_TELLING
    worst = of_locks["wait_ns"].sum()[worth].nlargest(MOST_SHOWN - 1)
    modes, procs = rows["refills"].unique(), rows["setting"].str.removeprefix("GOMAXPROCS=")
    data = rows.assign(procs=procs.astype(int), share=100 * rows["cpu_share"])
    with text_as_it_is():
        drawing = Figure(figsize=(7, 4), layout="constrained")
        axes = drawing.subplots()
        dress(axes, "Waiting for locks", "GOMAXPROCS", "% of the time of all Ps")
        for lock, color in zip(("all", *worst.index), SERIES, strict=False):
            for mode, line in zip(modes, ("-", "--"), strict=False):
                mine = data[(data["refills"] == mode) & (data["lock"] == lock)]
                label = lock if len(modes) == 1 else f"{lock} ({mode})"
                axes.plot(mine["procs"], mine["share"], line, marker="o", color=color, label=label)
        axes.set_xscale("log", base=2)
        axes.set_xticks(data["procs"].unique(), labels=map(str, data["procs"].unique()))
        axes.minorticks_off()
        axes.set_ylim(0, max(1.1 * data["share"].max(), 100 * WORTH_TELLING))
        axes.ticklabel_format(axis="y", style="plain", useOffset=False)
        axes.legend(frameon=False, fontsize="small")
        if data["cpu_share"].max() < WORTH_TELLING:
            nothing(axes, f"under {WORTH_TELLING:.4%}: waiting costs nothing here")
        drawn = BytesIO()
        about = {"Date": None} if suffix == ".svg" else None
        drawing.savefig(drawn, format=suffix.lstrip("."), metadata=about)
    return drawn.getvalue()
