"""Colours and frames of all pictures; each colour is legible on white and on black."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final, Literal

import matplotlib as mpl
from matplotlib.axes import Axes

from sim.report.colors import GREY

INK: Final = "#010203"
"""Text and axes: a page replaces it by its own colour."""


def text_as_it_is() -> AbstractContextManager[None]:
    """Names of others are no formulas, whatever dollars are in them."""
    return mpl.rc_context({"text.parse_math": False})


def dress(axes: Axes, title: str, x: str, y: str, grid: Literal["x", "y"] = "y") -> None:
    """Title, labels and frame; the grid crosses the axis on which figures are read."""
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", color=INK)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)
    axes.tick_params(colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.grid(visible=True, axis=grid, color=GREY, alpha=0.25)
    axes.set_axisbelow(True)
    axes.patch.set_alpha(0)


def legend(axes: Axes) -> None:
    """What the colours are, outside to the right."""
    axes.legend(
        frameon=False, fontsize=8, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.03)
    )


def nothing(axes: Axes, why: str) -> None:
    """A panel for which the run has no rows."""
    axes.text(0.5, 0.5, why, ha="center", va="center", color=GREY, transform=axes.transAxes)
