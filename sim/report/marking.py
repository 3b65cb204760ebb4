"""Marking as a learner would draw it: white, grey and black bytes, and the work that is left."""

from __future__ import annotations

from matplotlib.axes import Axes

from sim.report.style import GREY, ORANGE, PURPLE, TEAL, YELLOW, dress, legend, nothing
from sim.results.result import Result
from sim.units import MS, MiB

_NOT_RECORDED = "not recorded: record.timeline is off"


def colours(axes: Axes, run: Result) -> None:
    """White, grey and black bytes of the last cycle that marked."""
    dress(axes, "Marking: white, grey and black", "simulated time [ms]", "MiB")
    if run.marking.empty:
        return nothing(axes, _NOT_RECORDED)
    last = run.marking[run.marking["cycle"] == run.marking["cycle"].max()]
    axes.stackplot(
        last["at_ns"] / MS,
        *(last[colour] / MiB for colour in ("black", "grey", "white")),
        labels=["black", "grey", "white"], colors=["#4a4f59", ORANGE, "#c9ced6"],
    )  # fmt: skip
    return legend(axes)


def work(axes: Axes, run: Result) -> None:
    """Scan work left, credit of background workers and debt of parked assists in that cycle."""
    dress(axes, "Marking: work left, credit, debt", "simulated time [ms]", "MiB")
    if run.marking.empty:
        return nothing(axes, _NOT_RECORDED)
    last = run.marking[run.marking["cycle"] == run.marking["cycle"].max()]
    for label, column, colour in (
        ("scan work left", "work_left", PURPLE), ("credit of background workers", "credit", TEAL),
        ("debt of waiting assists", "assist_debt", YELLOW),
    ):  # fmt: skip
        axes.plot(last["at_ns"] / MS, last[column] / MiB, color=colour, label=label)
    axes.axhline(0, color=GREY, linewidth=0.5)
    return legend(axes)
